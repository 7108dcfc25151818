"""Detail of a mesh: the window, what a mesh makes of a field, and its files."""

import cv2
import numpy as np
import pytest

from ml.data import REACH_M, Detail, HeadCoefficients
from ml.detail.maps import bake
from ml.detail.window import LEFT, SIDE, SPAN, TEXEL_MM, sample, tangents_of, to_window, window_of
from ml.geometry.triangles import triangulate_with_uv
from ml.head.mesh import person_mesh, person_of
from ml.head.storage import load_head_model
from ml.rendering import vertex_normals
from ml.results.detail import DISPLACEMENT_NAME, NORMAL_NAME
from ml.results.reconstruction import load_reconstruction, save_reconstruction
from tests.support.synthetic_head import synthetic_reconstruction

MODEL = load_head_model()


@pytest.fixture(scope="module")
def person():
    rng = np.random.default_rng(3)
    identity = rng.normal(size=MODEL.identity_count).astype(np.float32)
    return person_of(MODEL, HeadCoefficients(identity, np.zeros(52, np.float32)))


@pytest.fixture(scope="module")
def ridges():
    """Heights of ridges, 8 mm apart and 0.4 mm high, running down the face."""
    column = np.arange(SIDE) * TEXEL_MM
    height = np.tile(0.4 * np.sin(2 * np.pi * column / 16), (SIDE, 1))
    return (height * window_of(MODEL).allowed).astype(np.float32)


def test_window_shows_the_face_the_right_way_up():
    window = window_of(MODEL)
    assert window.skin.mean() > 0.95
    nose, chin, left_eye = (
        MODEL.landmark_sets["mediapipe478"].on(MODEL.shape.mean)[index] for index in (1, 152, 263)
    )

    def place(point):
        away = np.linalg.norm(np.where(window.skin[..., None], window.places, 9) - point, axis=-1)
        return np.unravel_index(away.argmin(), away.shape)

    assert place(chin)[0] > place(nose)[0] + 30  # rows go down
    assert place(left_eye)[1] > place(nose)[1] + 30  # the subject's left is at +X, to the right
    assert window.places[SIDE // 2, SIDE // 2, 2] > 0.08


def test_a_texel_is_as_wide_as_it_says():
    window = window_of(MODEL)
    where = window.allowed > 0.5
    across = 1000 * np.linalg.norm(np.diff(window.places, axis=1), axis=-1)[where[:, 1:]]
    down = 1000 * np.linalg.norm(np.diff(window.places, axis=0), axis=-1)[where[1:]]
    assert np.median(np.concatenate([across, down])) == pytest.approx(TEXEL_MM, rel=0.1)


def test_normals_are_unit_and_point_out():
    normals = window_of(MODEL).normals
    assert np.allclose(np.linalg.norm(normals[window_of(MODEL).skin], axis=1), 1, atol=1e-4)
    assert normals[SIDE // 2, SIDE // 2, 2] > 0.7


def test_heights_are_millimetres_along_the_normals(ridges):
    window = window_of(MODEL)
    offsets = window.in_head_space(ridges)
    assert np.allclose(1000 * (offsets * window.normals).sum(-1), ridges, atol=1e-4)
    assert np.allclose(np.cross(offsets, window.normals), 0, atol=1e-7)


def test_eyes_and_lips_and_the_rim_have_no_detail():
    window = window_of(MODEL)
    points = MODEL.landmark_sets["mediapipe478"].on(MODEL.shape.mean)
    for index in (13, 14, 159, 145, 386, 374):  # lips, lids
        near = np.linalg.norm(window.places - points[index], axis=-1) < 0.0015
        assert window.allowed[near].max() < 0.3, index
    assert window.allowed[[0, -1]].max() == window.allowed[:, [0, -1]].max() == 0
    cheek = np.linalg.norm(window.places - points[50], axis=-1) < 0.003
    assert window.allowed[cheek].min() > 0.95


def test_coarser_windows_show_the_same_places():
    fine, coarse = window_of(MODEL), window_of(MODEL, SIDE // 2)
    means = fine.places.reshape(SIDE // 2, 2, SIDE // 2, 2, 3).mean((1, 3))
    whole = cv2.erode(fine.skin.astype(np.uint8), np.ones((5, 5)))[::2, ::2] > 0
    apart = np.linalg.norm(means - coarse.places, axis=-1)[whole]
    assert np.quantile(apart, 0.99) < 2e-4


def test_sampling_meets_texels_and_ends_at_the_rim():
    picture = np.random.default_rng(0).normal(size=(SIDE, SIDE, 2)).astype(np.float32)
    row, column = 17, 200
    uv = np.float32(
        [
            [
                LEFT + (column + 0.5) / SIDE * SPAN,
                1 - (1 - 0.9) - (row + 0.5) / SIDE * SPAN,
            ]
        ]
    )
    assert np.allclose(to_window(uv, SIDE), [[column + 0.5, row + 0.5]], atol=1e-3)
    assert np.allclose(sample(picture, uv), picture[row, column], atol=1e-2)
    assert not sample(picture, np.float32([[LEFT - 0.1, 0.5], [0.5, 0.99]])).any()


def test_tangents_of_a_plane():
    vertices = np.float32([[0, 0, 0], [2, 0, 0], [2, 3, 0], [0, 3, 0]])
    uv = np.float32([[0, 0], [1, 0], [1, 1], [0, 1]])
    faces = np.int32([[0, 1, 2], [0, 2, 3]])
    along_u, along_v = tangents_of(vertices, uv, faces, faces)
    assert np.allclose(along_u, [2, 0, 0])
    assert np.allclose(along_v, [0, 3, 0])


@pytest.mark.parametrize("level", ["low", "base", "high"])
def test_no_detail_moves_nothing_and_leaves_the_map_flat(person, level):
    mesh = person_mesh(MODEL, person, level)
    detail = bake(np.zeros((SIDE, SIDE), np.float32), "relief", mesh, MODEL)
    assert not detail.offsets.any()
    assert np.abs(detail.normal_map.astype(int) - [128, 128, 255]).max() <= 1
    assert np.abs(detail.displacement.astype(int) - 32768).max() <= 1


def test_vertices_of_the_high_level_lie_on_the_field(person, ridges):
    mesh = person_mesh(MODEL, person, "high")
    detail = bake(ridges, "relief", mesh, MODEL)
    moved = 1000 * np.linalg.norm(detail.offsets, axis=1)
    assert 0.35 < moved.max() < 0.45
    others = np.unique(mesh.quads[mesh.part != 0])
    skin = np.unique(mesh.quads[mesh.part == 0])
    assert not moved[np.setdiff1d(others, skin)].any()
    # Twice as many vertices a side hold more of the ridges.
    base = bake(ridges, "relief", person_mesh(MODEL, person, "base"), MODEL)
    assert len(detail.offsets) > 3.5 * len(base.offsets)


def test_normal_map_and_coarse_mesh_together_are_the_fine_surface(person, ridges):
    """Normals through the map on the base come near those of ten times finer geometry."""
    mesh = person_mesh(MODEL, person, "base")
    detail = bake(ridges, "relief", mesh, MODEL)
    window = window_of(MODEL)
    wanted = _true_normals(window, person, ridges)
    plain = _normals_on(window, person.rest)
    bent = _through_map(window, mesh.vertices + detail.offsets, mesh, detail.normal_map)
    where = window.allowed > 0.99
    without = np.degrees(np.arccos(np.clip((plain * wanted).sum(-1), -1, 1)))[where]
    left = np.degrees(np.arccos(np.clip((bent * wanted).sum(-1), -1, 1)))[where]
    assert without.mean() > 4
    assert left.mean() < 0.25 * without.mean()


@pytest.mark.parametrize(("level", "least", "most"), [("low", 0, 0.45), ("high", 0.75, 1.05)])
def test_vertices_hold_what_lies_between_them_no_more(person, level, least, most):
    """Ridges 3 mm wide are finer than the vertices of the low level: sampled, they would alias."""
    mesh = person_mesh(MODEL, person, level)
    column = np.arange(SIDE) * TEXEL_MM
    wide, fine = (
        np.tile(np.sin(2 * np.pi * column / (2 * width)), (SIDE, 1)) * window_of(MODEL).allowed
        for width in (12, 3)
    )

    def held(height):
        offsets = bake(height.astype(np.float32), "relief", mesh, MODEL).offsets
        return np.linalg.norm(offsets, axis=1).sum()

    assert least < held(fine) / held(wide) < most


def test_displacement_holds_the_field_along_the_normal(person, ridges):
    detail = bake(ridges, "relief", person_mesh(MODEL, person, "base"), MODEL)
    millimetres = (detail.displacement[..., 1] / 65535 - 0.5) * 2 * REACH_M * 1000
    assert 0.3 < millimetres.max() < 0.45
    assert -0.45 < millimetres.min() < -0.3


def test_files_come_back(tmp_path):
    rng = np.random.default_rng(1)
    plain = synthetic_reconstruction(4)
    offsets = rng.normal(size=plain.mesh.vertices.shape).astype(np.float32)
    detail = Detail(
        "relief", offsets, rng.integers(0, 255, (32, 32, 3)).astype(np.uint8),
        rng.integers(0, 65535, (32, 40, 3)).astype(np.uint16),
    )  # fmt: skip
    save_reconstruction(_with(plain, detail), tmp_path / "a")
    found = load_reconstruction(tmp_path / "a").detail
    assert found.mode == "relief"
    assert np.array_equal(found.offsets, offsets)
    stored = cv2.imread(str(tmp_path / "a" / DISPLACEMENT_NAME), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(stored[..., ::-1], detail.displacement)
    assert (tmp_path / "a" / NORMAL_NAME).exists()
    save_reconstruction(plain, tmp_path / "b")
    assert load_reconstruction(tmp_path / "b").detail is None


def _with(head, detail):
    from dataclasses import replace

    return replace(head, detail=detail)


def _normals_on(window, vertices):
    return _unit(window.on(vertex_normals(vertices, MODEL.triangles)))


def _true_normals(window, person, field):
    """Normals of the person with the field, by finite differences on the window's grid."""
    smooth = _normals_on(window, person.rest)
    places = window.on(person.rest)
    across, down = np.gradient(places, axis=1), np.gradient(places, axis=0)
    # In the surface as it is shaded, so that facets do not count.
    across, down = (way - (way * smooth).sum(-1, keepdims=True) * smooth for way in (across, down))
    offsets = window.in_head_space(field)
    across, down = across + np.gradient(offsets, axis=1), down + np.gradient(offsets, axis=0)
    return _unit(np.cross(across, -down))


def _through_map(window, vertices, mesh, normal_map):
    """What a renderer makes of the map on the mesh."""
    normal = _normals_on(window, vertices)
    skin = mesh.part == 0
    triangles, uv_triangles = triangulate_with_uv(mesh.quads[skin], mesh.uv_quads[skin])
    along_u, _ = tangents_of(vertices, mesh.uv, triangles, uv_triangles)
    tangent = window.on(along_u)
    tangent = _unit(tangent - (tangent * normal).sum(-1, keepdims=True) * normal)
    middle = (np.arange(SIDE) + 0.5) / SIDE * SPAN
    column, row = np.meshgrid(LEFT + middle, 1 - 0.9 + middle)
    size = len(normal_map)
    bent = cv2.remap(
        normal_map.astype(np.float32) / 127.5 - 1,
        np.float32(column * size - 0.5),
        np.float32(row * size - 0.5),
        cv2.INTER_LINEAR,
    )
    axes = np.stack([tangent, np.cross(normal, tangent), normal], -2)
    return _unit(np.einsum("rck,rckx->rcx", bent, axes))


def _unit(vectors):
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
