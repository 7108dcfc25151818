"""A person of one model in another: known people come back, from other meshes, places and files."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.io import savemat

from ml.data import Camera, HeadCoefficients, HeadMesh
from ml.errors import UsageError
from ml.geometry.alignment import Similarity, best_similarity
from ml.geometry.rotations import rotation_from_vector
from ml.head.conversion.align import GapWeights, fit
from ml.head.conversion.convert import convert
from ml.head.conversion.correspondence import find_correspondence
from ml.head.formats.open import load_model_file
from ml.head.model import HeadModel, LinearShape, SurfacePoints
from ml.head.storage import load_head_model
from ml.head.surface import face_vertices, nose_tip, skin_triangles
from ml.results.convert import convert_result, main
from ml.results.provenance import Provenance
from ml.results.reconstruction import Reconstruction, save_reconstruction

MODES = 8
# Where the other model's head lies: pitched, turned a little, and elsewhere.
PLACE = Similarity(
    1.0, rotation_from_vector(np.array([0.2, 0.05, 0.03])), np.array([0.01, 0.25, -0.1])
)


@pytest.fixture(scope="module")
def source() -> HeadModel:
    return load_head_model()


@pytest.fixture(scope="module")
def people(source) -> np.ndarray:
    rng = np.random.default_rng(3)
    return np.clip(rng.normal(size=(3, MODES)), -2, 2).astype(np.float32)


def person(source, identity) -> np.ndarray:
    whole = np.zeros(source.identity_count, np.float32)
    whole[:MODES] = identity
    return source.shape.neutral(whole)


def other_mesh(source: HeadModel, *, only_face: bool) -> tuple[SurfacePoints, np.ndarray]:
    """Points of the source's skin in another topology: a vertex in the middle of each triangle."""
    triangles = skin_triangles(source)
    if only_face:
        face = face_vertices(source.shape.mean, triangles)
        triangles = triangles[np.isin(triangles, face).all(1)]
    used, local = np.unique(triangles, return_inverse=True)
    local = local.reshape(-1, 3)
    middle = len(used) + np.arange(len(local))
    corners = np.concatenate([np.repeat(used[:, None], 3, 1), triangles]).astype(np.int32)
    weights = np.full((len(corners), 3), 1 / 3, np.float32)
    fans = [np.column_stack([local[:, [k, (k + 1) % 3]], middle]) for k in range(3)]
    return SurfacePoints(corners, weights), np.concatenate(fans).astype(np.int32)


def placed(source: HeadModel, mesh, place: Similarity = PLACE) -> HeadModel:
    """The source's first modes on ``mesh``, without landmarks, at another place."""
    points, triangles = mesh
    turn = (place.scale * place.rotation.T).astype(np.float32)
    shape = LinearShape(
        place.apply(points.on(source.shape.mean)).astype(np.float32),
        points.on(source.shape.identity[:MODES]) @ turn,
        points.on(source.shape.expression[:3]) @ turn,
    )
    quads = triangles[:, [0, 1, 2, 2]]
    return HeadModel(
        "other",
        "1",
        "CC0-1.0",
        shape,
        ("a", "b", "c"),
        quads,
        np.zeros((1, 2), np.float32),
        np.zeros_like(quads),
        np.zeros(len(quads), np.uint8),
        ("skin",),
    )


@pytest.fixture(scope="module")
def target(source) -> HeadModel:
    return placed(source, other_mesh(source, only_face=False))


@pytest.fixture(scope="module")
def paired(source, target):
    return find_correspondence(source, target)


def test_the_other_head_is_found_at_its_place(paired):
    assert paired.similarity.scale == pytest.approx(1, abs=0.003)
    np.testing.assert_allclose(paired.similarity.rotation, PLACE.rotation, atol=0.01)
    np.testing.assert_allclose(paired.similarity.translation, PLACE.translation, atol=0.001)
    assert paired.on_face.sum() > 500


def test_known_people_come_back(source, target, paired, people):
    for identity in people:
        found = convert(person(source, identity), paired, target)
        np.testing.assert_allclose(found.identity, identity, atol=0.15)
        assert found.mean_mm < 0.1
        assert 0 < found.median_mm < found.max_mm < 1.5
        wanted = PLACE.apply(person(source, identity))
        face = face_vertices(source.shape.mean, skin_triangles(source))
        used = np.unique(skin_triangles(source))
        gap = found.vertices[np.searchsorted(used, face)] - wanted[face]
        assert np.linalg.norm(gap, axis=1).mean() < 0.0003


def test_the_residual_tells_what_the_target_cannot_be(source, target, paired):
    odd = source.shape.mean.copy()
    tip = nose_tip(odd[np.unique(skin_triangles(source))])
    near = np.exp(-(np.linalg.norm(odd - tip, axis=1, keepdims=True) ** 2) / (2 * 0.01**2))
    odd += 0.02 * near * np.array([0, 0, 1], np.float32)
    plain = convert(source.shape.mean, paired, target)
    found = convert(odd.astype(np.float32), paired, target)
    assert plain.mean_mm < 0.1
    assert found.mean_mm > 5 * plain.mean_mm
    assert found.max_mm > 5


def test_expressions_come_along(source, target, paired, people):
    neutral = person(source, people[0])
    wanted = np.array([0.7, 0.0, 0.4], np.float32)
    moved = neutral + np.tensordot(wanted, source.shape.expression[:3], 1)
    found = convert(neutral, paired, target, expressed=moved)
    np.testing.assert_allclose(found.expression, wanted, atol=0.05)
    assert not convert(neutral, paired, target).expression.any()


def test_a_face_without_a_head_from_a_file(source, people, tmp_path):
    mesh = other_mesh(source, only_face=True)
    model = placed(source, mesh, Similarity(1.0, np.eye(3), np.array([0.0, 0.05, -0.1])))
    deviations = np.linalg.norm(model.shape.identity, axis=(1, 2))
    content = {
        "shapeMU": model.shape.mean.reshape(-1, 1) * 1e6,
        "shapePC": (model.shape.identity / deviations[:, None, None]).reshape(MODES, -1).T,
        "shapeEV": deviations[:, None] * 1e6,
        "tl": (mesh[1] + 1).astype(np.float64),
    }
    savemat(tmp_path / "01_MorphableModel.mat", content)
    target = load_model_file(tmp_path / "01_MorphableModel.mat")
    paired = find_correspondence(source, target)
    found = convert(person(source, people[1]), paired, target)
    np.testing.assert_allclose(found.identity, people[1], atol=0.2)
    assert found.mean_mm < 0.15
    assert found.expression.shape == (0,)


def test_landmarks_align_where_both_have_them(source, target):
    place = Similarity(1.0, rotation_from_vector(np.array([0, 1.2, 0])), np.array([0.0, 1.0, 0.0]))
    points, _ = mesh = other_mesh(source, only_face=False)
    landmarks = source.landmark_sets["ibug68"]
    rows = np.array(
        [np.flatnonzero((points.corners == k).all(1))[0] for k in landmarks.corners[:, 0]]
    )
    vertex = SurfacePoints(np.repeat(rows[:, None], 3, 1), np.full((68, 3), 1 / 3, np.float32))
    exact = replace(
        source,
        landmark_sets={"ibug68": SurfacePoints(landmarks.corners[:, [0, 0, 0]], vertex.weights)},
    )
    # Turned this far, no nose is found: only landmarks can tell.
    turned_away = replace(placed(source, mesh, place), landmark_sets={"ibug68": vertex})
    found = find_correspondence(exact, turned_away).similarity
    np.testing.assert_allclose(found.rotation, place.rotation, atol=0.01)


def test_something_else_is_refused(source, target):
    ball = target.shape.mean / np.linalg.norm(target.shape.mean, axis=1, keepdims=True)
    shape = LinearShape(ball * 5, 0 * target.shape.identity, 0 * target.shape.expression)
    with pytest.raises(UsageError, match="other does not lie on effigy-head"):
        find_correspondence(source, replace(target, shape=shape))


def test_best_similarity_and_fit_on_exact_points():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(60, 3)) * 0.1
    place = Similarity(
        1.3, rotation_from_vector(np.array([0.4, -0.7, 0.2])), np.array([1.0, 2.0, 3.0])
    )
    found = best_similarity(points, place.apply(points))
    assert found.scale == pytest.approx(1.3)
    np.testing.assert_allclose(found.rotation, place.rotation, atol=1e-9)
    np.testing.assert_allclose(found.undo(place.apply(points)), points, atol=1e-9)
    basis = rng.normal(size=(4, 60, 3)) * 0.01
    wanted = np.array([1.0, -2.0, 0.5, 0.0])
    near = replace(place, rotation=rotation_from_vector(np.array([0.05, 0, 0.03])) @ place.rotation)
    normals = rng.normal(size=(60, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    mean = place.apply(points) - np.tensordot(wanted, basis, 1)
    shape = LinearShape(mean, basis, np.zeros((0, 60, 3)))
    identity, pose = fit(shape, points, GapWeights(normals, np.ones(60), 0.1), near, 1e-9, 8)
    np.testing.assert_allclose(identity, wanted, atol=1e-4)
    np.testing.assert_allclose(pose.rotation, place.rotation, atol=1e-5)


def result_of(model: HeadModel, version: str) -> Reconstruction:
    identity = np.zeros(model.identity_count, np.float32)
    identity[1] = 1.5
    expression = np.zeros(len(model.expression_names), np.float32)
    vertices = model.shape.neutral(identity)
    mesh = HeadMesh(
        vertices,
        vertices,
        model.quads,
        model.uv,
        model.uv_quads,
        model.part,
        model.part_names,
        model.shape.expression,
        model.expression_names,
        model.landmark_sets["ibug68"].on(vertices),
        model.landmark_sets["mediapipe478"].on(vertices),
    )
    camera = Camera(
        np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32), np.zeros(3, np.float32), 8, 8
    )
    origin = Provenance(model.model_id, version, "CC0-1.0", "me.jpg", "0" * 64, 8, 8, "1.0.0")
    flat = np.zeros((68, 2), np.float32)
    return Reconstruction(
        origin, mesh, HeadCoefficients(identity, expression), camera, (0, 0, 8, 8), flat,
        np.zeros((478, 2), np.float32), 1.0,
    )  # fmt: skip


def test_a_result_of_any_level_is_converted_alike(source, target):
    head = result_of(source, source.version)
    fine = replace(head, mesh=replace(head.mesh, vertices=np.zeros((3, 3), np.float32)))
    found = [convert_result(result, source, target) for result in (head, fine)]
    np.testing.assert_array_equal(found[0].identity, found[1].identity)


def test_a_result_of_another_version_is_refused(source, target):
    with pytest.raises(UsageError, match=f"effigy-head 0, .* {source.version}") as caught:
        convert_result(result_of(source, "0"), source, target)
    assert "again" in caught.value.hint


def test_the_command_writes_coefficients_and_names_the_licence(source, tmp_path, capsys):
    target = placed(source, other_mesh(source, only_face=True))
    save_reconstruction(result_of(source, source.version), tmp_path / "me")
    deltas = np.zeros((target.vertex_count, 3, 400), np.float32)
    deltas[..., :MODES] = target.shape.identity.transpose(1, 2, 0)
    triangles = target.quads[:, :3]
    np.savez(tmp_path / "flame.npz", v_template=target.shape.mean, shapedirs=deltas, f=triangles)
    out = tmp_path / "out" / "me.npz"
    arguments = [str(tmp_path / "me"), "--model", str(tmp_path / "flame.npz"), "--out", str(out)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "residual mean 0.0" in printed
    assert "FLAME licence" in printed
    with np.load(out, allow_pickle=False) as found:
        assert found["identity"].shape == (300,)
        assert found["identity"][1] == pytest.approx(1.5, abs=0.1)
        assert found["residual_mm"][0] < 0.1
        assert found["vertices"].shape == target.shape.mean.shape
        assert str(found["photo_sha256"]) == "0" * 64
    arguments[2] = str(tmp_path / "absent.pkl")
    assert main(arguments) == 1
    assert "absent.pkl" in capsys.readouterr().err
