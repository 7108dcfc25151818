"""A person's mesh at every level: the same person, with lids that close and weights that hold."""

import re
from pathlib import Path

import numpy as np
import pytest

from ml.data import HeadCoefficients
from ml.errors import UsageError
from ml.geometry.mesh_names import mesh_name
from ml.head.levels import level_of
from ml.head.loops import mesh_edges
from ml.head.mesh import blend, person_mesh, person_of
from ml.head.storage import load_head_model
from ml.head.surface import nearest_on_triangles
from ml.head.transfer import between_levels
from ml.settings import LEVELS, option

BONES = ("bone_neck", "bone_head", "bone_jaw")


@pytest.fixture(scope="module")
def model():
    return load_head_model()


@pytest.fixture(scope="module")
def person(model):
    rng = np.random.default_rng(5)
    identity = np.clip(rng.normal(size=model.identity_count), -2, 2).astype(np.float32)
    return person_of(model, HeadCoefficients(identity, rng.random(52).astype(np.float32)))


@pytest.fixture(scope="module", params=LEVELS)
def level(request, model, person):
    return request.param, person_mesh(model, person, request.param)


def test_the_base_is_the_models_person(model, person):
    neutral, keys = model.person(person.coefficients.identity)
    mesh = person_mesh(model, person)
    np.testing.assert_array_equal(mesh.vertices, neutral)
    np.testing.assert_allclose(mesh.shape_keys, keys, atol=1e-6)
    assert mesh.quads is model.quads


def test_the_expressed_head_is_its_own_keys_at_their_values(level, person):
    _, mesh = level
    wanted = mesh.vertices.astype(np.float64)
    for value, key in zip(person.coefficients.expression, mesh.shape_keys, strict=True):
        wanted = wanted + float(value) * key
    np.testing.assert_allclose(mesh.vertices_expressed, wanted, atol=1e-6)


def test_every_level_is_complete(level, model):
    name, mesh = level
    count = len(mesh.vertices)
    assert set(np.unique(mesh.quads)) == set(range(count))
    assert mesh.uv_quads.shape == mesh.quads.shape
    assert mesh.uv_quads.max() < len(mesh.uv)
    assert set(mesh.part) == set(range(len(model.part_names)))
    assert mesh.shape_keys.shape == (52, count, 3)
    assert {mask.shape for mask in mesh.masks.values()} == {(count,)}
    low, high = (np.min(list(mesh.masks.values())), np.max(list(mesh.masks.values())))
    assert (low >= -1e-6, high <= 1 + 1e-6) == (True, True)
    more = {"low": 0.6, "base": 1, "high": 4}[name]
    assert len(mesh.quads) == pytest.approx(more * len(model.quads), rel=0.2)


def test_bones_hold_every_vertex_wholly_at_every_level(level):
    _, mesh = level
    held = np.sum([mesh.masks[bone] for bone in BONES], axis=0)
    starts = ("eye_", "iris_", "pupil_")
    parts = [i for i, name in enumerate(mesh.part_names) if name.startswith(starts)]
    eyes = np.unique(mesh.quads[np.isin(mesh.part, parts)])
    others = np.setdiff1d(np.arange(len(held)), eyes)
    np.testing.assert_allclose(held[others], 1, atol=2.5 / 255)


def test_levels_lie_on_one_surface(level, model, person):
    name, mesh = level
    some = np.random.default_rng(1).choice(len(mesh.vertices), 1500, replace=False)
    # The low level's vertices are the base's or lie between them; the high level is smoothed.
    allowed = {"low": 1e-5, "base": 1e-6, "high": 0.0015}[name]
    for vertices, base in (
        (mesh.vertices, person.rest),
        (mesh.vertices_expressed, person.expressed),
    ):
        found = nearest_on_triangles(base, model.triangles, vertices[some]).on(base)
        assert np.percentile(np.linalg.norm(found - vertices[some], axis=1), 99) < allowed
        assert np.abs(np.ptp(vertices, 0) - np.ptp(base, 0)).max() < 0.003


def test_landmarks_and_joints_are_the_same_at_every_level(level, model, person):
    _, mesh = level
    rest = model.landmark_sets["mediapipe478"].on(person.rest)
    np.testing.assert_array_equal(mesh.landmarks_478, rest)
    np.testing.assert_allclose(
        mesh.joints["jaw"], person.rest[model.joints["jaw"]].mean(0), atol=1e-7
    )


@pytest.mark.parametrize("name", ["low", "high"])
def test_blend_is_the_points_own_sum(model, person, name):
    points = level_of(model, name).points
    some = person.keys[[3, 20]]
    np.testing.assert_allclose(blend(points, some), points.on(some), atol=1e-7)


def test_keys_are_whole_steps_of_a_micrometre(level):
    _, mesh = level
    steps = mesh.shape_keys * 2.0**20
    np.testing.assert_array_equal(steps, np.round(steps))


def test_an_unknown_level_is_refused(model, person):
    with pytest.raises(UsageError, match="finest") as caught:
        person_mesh(model, person, "finest")
    assert "low, base, high" in caught.value.hint


@pytest.mark.parametrize("name", LEVELS)
def test_without_the_bust_all_else_is_the_same_and_the_neck_is_open(model, person, name):
    closed, open_ = (person_mesh(model, person, mesh_name(name, bust=b)) for b in (True, False))
    bust = closed.part == closed.part_names.index("bust")
    kept = np.unique(closed.quads[~bust])
    assert len(open_.quads) == (~bust).sum()
    assert set(np.unique(open_.quads)) == set(range(len(open_.vertices)))
    np.testing.assert_array_equal(kept[open_.quads], closed.quads[~bust])
    np.testing.assert_array_equal(open_.uv[open_.uv_quads], closed.uv[closed.uv_quads[~bust]])
    np.testing.assert_array_equal(open_.part, closed.part[~bust])
    np.testing.assert_array_equal(open_.vertices, closed.vertices[kept])
    np.testing.assert_array_equal(open_.shape_keys, closed.shape_keys[:, kept])
    assert all(np.array_equal(open_.masks[m], closed.masks[m][kept]) for m in closed.masks)
    edges, uses = mesh_edges(open_.quads)
    before, used = mesh_edges(closed.quads)
    own = np.setdiff1d(edges[uses == 1], np.searchsorted(kept, before[used == 1]))
    assert (open_.vertices[own, 1] < -0.1).all()
    assert len(own) == len(np.intersect1d(closed.quads[bust], closed.quads[~bust]))


def test_a_sculpt_goes_from_an_open_bust_to_a_closed_one_and_back(model):
    names = "base-open", "base"
    count = len(level_of(model, "base-open").points)
    values = np.random.default_rng(3).normal(size=(count, 3)).astype(np.float32)
    there = between_levels(model, *names, values)
    assert there.shape == (model.vertex_count, 3)
    np.testing.assert_allclose(between_levels(model, *names[::-1], there), values, atol=0.02)


@pytest.mark.parametrize("level", LEVELS)
def test_numbers_of_faces_are_the_models_wherever_they_are_named(model, person, level):
    faces = f"{round(len(person_mesh(model, person, level).quads), -2):,}"
    (choice,) = (one for one in option("level").choices if one.value == level)
    assert choice.help.startswith(f"{faces} faces:")
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"\*{choice.label}\*\s\({faces}\b", readme)
