"""What is seen through mouth and eyes of the shipped head, and how it is closed below."""

from dataclasses import replace

import numpy as np
import pytest

from ml.data import HeadCoefficients
from ml.evaluation.head.lashes import blade_lines, measure_lashes
from ml.evaluation.head.mouth import OPEN as OPEN_ANYHOW
from ml.evaluation.head.mouth import mouth_views, seen_in_mouth, with_expression
from ml.head.loops import mesh_edges
from ml.head.mesh import person_mesh, person_of
from ml.head.storage import load_head_model
from ml.head.tongue import TONGUE_OUT_JAW, with_own_jaw

OPEN = (
    {"jawOpen": 1},
    {"jawOpen": 1, "mouthFunnel": 1},
    {"jawOpen": 0.6, "mouthLeft": 1},
    {"jawOpen": 0.5, "mouthSmileLeft": 1, "mouthSmileRight": 1},
    {"jawOpen": 0.8, "mouthUpperUpLeft": 1, "mouthUpperUpRight": 1},
)
SMILE = {"jawOpen": 0.2, "mouthSmileLeft": 1, "mouthSmileRight": 1}


@pytest.fixture(scope="module")
def model():
    return load_head_model()


def mesh_of(model, level="base", seed=None, **keys):
    """The mesh of the average (or of a random person) with these expressions."""
    expression = np.zeros(len(model.expression_names), np.float32)
    for name, value in keys.items():
        expression[model.expression_names.index(name)] = value
    identity = np.zeros(model.identity_count)
    if seed is not None:
        identity = np.random.default_rng(seed).normal(size=model.identity_count).clip(-2.5, 2.5)
    coefficients = HeadCoefficients(identity.astype(np.float32), expression)
    return person_mesh(model, person_of(model, coefficients), level)


@pytest.mark.parametrize("keys", OPEN, ids=lambda keys: "+".join(keys))
def test_through_the_open_mouth_nothing_but_the_mouth_is_seen(model, keys):
    mesh = mesh_of(model, **keys)
    views = mouth_views(mesh, mesh.vertices_expressed)
    assert sum(view.pixels for view in views) > 2000
    assert all(view.outside == 0 and view.backs == 0 for view in views)


@pytest.mark.parametrize(
    ("level", "seed"), [("low", None), ("high", None), ("base", 1), ("low", 2)]
)
def test_the_mouth_is_closed_inside_at_every_level_and_for_others(model, level, seed):
    mesh = mesh_of(model, level, seed, jawOpen=1)
    views = mouth_views(mesh, mesh.vertices_expressed)
    assert sum(view.pixels for view in views) > 5000
    assert all(view.outside == 0 and view.backs == 0 for view in views)


@pytest.mark.parametrize("seed", range(20))
def test_no_line_of_sight_through_a_mouth_meets_the_outside_or_the_neck(model, seed):
    identity = np.random.default_rng(100 + seed).normal(size=model.identity_count).clip(-2.5, 2.5)
    mesh = with_expression(model, identity, OPEN_ANYHOW[seed % len(OPEN_ANYHOW)])
    views = mouth_views(mesh, mesh.vertices_expressed)
    assert sum(view.pixels for view in views) > 300
    assert all(view.outside == 0 and view.backs == 0 for view in views)


def test_a_hole_in_the_throat_would_be_seen(model):
    mesh = mesh_of(model, jawOpen=1)
    depth = mesh.vertices[mesh.quads][..., 2].max(1)
    throat = (mesh.part == mesh.part_names.index("mouth")) & (depth < 0.03)
    kept = ~(throat | (mesh.part == mesh.part_names.index("tongue")))
    open_ = replace(
        mesh, quads=mesh.quads[kept], part=mesh.part[kept], uv_quads=mesh.uv_quads[kept]
    )
    view = seen_in_mouth(open_, mesh.vertices_expressed)
    assert view.outside > 20 or view.backs > 20


@pytest.mark.parametrize("keys", [{"jawOpen": 0.3}, {"jawOpen": 0.6}, {"jawOpen": 1}, SMILE])
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_the_upper_incisors_are_seen_when_the_mouth_opens(model, keys, seed):
    mesh = mesh_of(model, seed=seed, **keys)
    assert seen_in_mouth(mesh, mesh.vertices_expressed).incisors_mm > 1


def test_inner_parts_are_closed_and_the_skin_is_open_at_the_eyes_only(model):
    for name in ("teeth_upper", "teeth_lower", "gums_upper", "gums_lower", "tongue"):
        _, uses = mesh_edges(model.quads[model.part_faces(name)])
        assert (uses == 2).all(), name
    _, uses = mesh_edges(model.quads[model.part_faces("skin", "mouth", "bust")])
    assert (uses == 1).sum() == sum(eye.rings.shape[1] for eye in model.lids.values())
    _, uses = mesh_edges(model.quads)
    assert (uses <= 2).all()


def test_the_bust_is_thick_at_its_edge(model):
    skin, bust = (np.unique(model.quads[model.part_faces(name)]) for name in ("skin", "bust"))
    border = np.intersect1d(skin, bust)
    mean = model.shape.mean
    own = np.setdiff1d(bust, skin)
    for vertex in border:
        below = own[np.linalg.norm(mean[own] - mean[vertex], axis=1) < 0.009]
        assert mean[below, 1].min() < mean[vertex, 1] - 0.003


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
@pytest.mark.parametrize("blink", [0, 0.5, 1])
def test_lashes_do_not_cross(model, seed, blink):
    mesh = mesh_of(model, seed=seed, eyeBlinkLeft=blink)
    figures = measure_lashes(model, mesh.vertices_expressed, "left")
    assert figures["apart"] > 0.1
    assert figures["through_skin"] == 0


def test_lashes_are_of_natural_and_uneven_length(model):
    figures = measure_lashes(model, model.shape.mean, "left")
    assert 3 < figures["shortest"] < 5
    assert 8 < figures["longest"] < 11
    lines = [model.shape.mean[own].mean(1) for own in blade_lines(model, "left")]
    length = np.array([np.linalg.norm(np.diff(line, axis=0), axis=1).sum() for line in lines])
    assert np.abs(np.diff(length[:45])).mean() > 0.0002
    chord = np.array([np.linalg.norm(line[-1] - line[0]) for line in lines])
    assert (chord / length)[:45].max() < 0.99
    assert (chord / length)[45:].max() < 0.998


def test_the_networks_tongue_lowers_the_jaw_of_our_head():
    names = load_head_model().expression_names
    jaw, tongue = names.index("jawOpen"), names.index("tongueOut")
    seen = np.zeros((2, len(names)), np.float32)
    seen[1, [jaw, tongue]] = 0.1, 0.8
    ours = with_own_jaw(seen)
    assert not ours[0].any()
    assert ours[1, jaw] == pytest.approx(0.1 + 0.8 * TONGUE_OUT_JAW)
    assert ours[1, tongue] == pytest.approx(0.8)
