"""Heads of another topology, wrapped onto an Effigy head."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy.spatial import cKDTree

from ml.assets.archive import read_arrays
from ml.data import HeadCoefficients
from ml.errors import HeadError
from ml.geometry.rotations import rotation_from_vector
from ml.geometry.triangles import triangulate, triangulate_with_uv
from ml.head.mesh import person_mesh, person_of
from ml.head.storage import load_head_model
from ml.pipeline.single import ignore_progress
from ml.results.files import arrays_of, write_arrays
from ml.worker import Worker
from ml.wrap import files
from ml.wrap.marks import FEWEST, MARKS
from ml.wrap.register import flipped
from ml.wrap.surface import Surface, goal_of
from ml.wrap.wrap import Wrapped, wrap

TURN = rotation_from_vector(np.array([1.5, 0.1, 0.2]))
SCALE, SHIFT = 100.0, np.array([3.0, -2.0, 40.0])


def person(seed, level):
    model, random = load_head_model(), np.random.default_rng(seed)
    identity = (0.7 * random.standard_normal(model.identity_count)).astype(np.float32)
    coefficients = HeadCoefficients(identity, np.zeros(len(model.expression_names), np.float32))
    return person_mesh(model, person_of(model, coefficients), level)


def elsewhere(places):
    return (SCALE * places @ TURN.T + SHIFT).astype(np.float32)


@pytest.fixture(scope="module")
def goal():
    return person(1, "base")


@pytest.fixture(scope="module")
def foreign():
    """Somebody else with another topology (the level with fewer faces), axes and unit."""
    mesh = person(2, "low")
    nearest = cKDTree(mesh.vertices).query(mesh.landmarks_68)[1]
    marks = {name: int(nearest[landmark]) for name, (_, landmark) in MARKS.items()}
    return mesh, Surface(elsewhere(mesh.vertices), triangulate(mesh.quads)), marks


@pytest.fixture(scope="module")
def wrapped(goal, foreign):
    _, surface, marks = foreign
    return wrap(surface, marks, goal, ignore_progress)


def in_head_space(wrapped: Wrapped, places):
    return wrapped.registered.pose.apply(places)


def test_the_wrapped_head_has_the_shape_of_the_goal(goal, foreign, wrapped):
    mesh, surface, _ = foreign
    assert wrapped.median_mm < 0.1
    assert wrapped.large_mm < 1.0
    assert wrapped.flipped == 0
    placed = in_head_space(wrapped, wrapped.vertices)
    skin = np.unique(mesh.quads[mesh.part == mesh.part_names.index("skin")])
    face = skin[(mesh.vertices[skin, 2] > 0.06) & (np.abs(mesh.vertices[skin, 0]) < 0.05)]
    fine = person(1, "high").vertices
    away, _ = cKDTree(fine).query(placed[face])
    before, _ = cKDTree(fine).query(in_head_space(wrapped, surface.vertices)[face])
    assert np.median(away) < 0.0009
    assert np.median(away) < 0.6 * np.median(before)


def test_it_stays_in_its_own_axes_and_unit(foreign, wrapped):
    _, surface, _ = foreign
    gap = np.linalg.norm(wrapped.vertices - surface.vertices, axis=1)
    assert np.median(gap) < 0.02 * SCALE
    assert np.ptp(wrapped.vertices, axis=0) == pytest.approx(
        np.ptp(surface.vertices, axis=0), rel=0.1
    )


def test_keys_move_it_as_they_move_the_goal(goal, foreign, wrapped):
    """Compared with the same person's own keys where the wrapped head's vertices came to lie."""
    placed, fine = in_head_space(wrapped, wrapped.vertices), person(1, "high")
    nearest = cKDTree(fine.vertices).query(placed)[1]
    matched = wrapped.registered.matches.belief > 0
    for name in ("jawOpen", "mouthSmileLeft", "browInnerUp", "cheekPuff", "eyeBlinkRight"):
        number = goal.expression_names.index(name)
        own = wrapped.keys[number] * wrapped.registered.pose.scale
        own = own @ wrapped.registered.pose.rotation.T
        true = fine.shape_keys[number][nearest]
        moves = matched & (np.linalg.norm(true, axis=1) > 0.002)
        error = np.linalg.norm(own - true, axis=1)[moves]
        assert np.median(error) < 0.1 * np.linalg.norm(true, axis=1)[moves].mean(), name


def lid_gap(wrapped: Wrapped, vertices, name, upper):
    """Metres between the lids' rims where the key closes them, in the middle of the eye."""
    result = wrapped.registered
    side, number = result.side, load_head_model().expression_names.index(name)
    key = wrapped.keys[number] * result.pose.scale @ result.pose.rotation.T
    moved = in_head_space(wrapped, vertices) + key
    above, below = (np.flatnonzero(side == k) for k in (upper, upper + 1))
    away, _ = cKDTree(moved[below]).query(moved[above])
    return np.sort(away)[: max(4, len(away) // 6)].mean()


@pytest.mark.parametrize("keep_shape", [False, True])
def test_lids_close(goal, foreign, keep_shape):
    _, surface, marks = foreign
    made = wrap(surface, marks, goal, ignore_progress, keep_shape=keep_shape)
    for name, upper in (("eyeBlinkRight", 3), ("eyeBlinkLeft", 5)):
        assert lid_gap(made, made.vertices, name, upper) < 0.0016


def test_a_head_that_keeps_its_shape_does_not_move(goal, foreign):
    _, surface, marks = foreign
    made = wrap(surface, marks, goal, ignore_progress, keep_shape=True)
    assert np.array_equal(made.vertices, surface.vertices)
    assert np.abs(made.keys).max() > 0.01 * SCALE


def test_eyes_stay_round_and_turn(goal, foreign, wrapped):
    mesh, _, _ = foreign
    eye = np.unique(mesh.quads[mesh.part == mesh.part_names.index("eye_left")])
    placed = in_head_space(wrapped, wrapped.vertices)[eye]
    centre = goal.joints["eye_left"]
    assert np.linalg.norm(placed.mean(0) - centre) < 0.006
    number = goal.expression_names.index("eyeLookUpLeft")
    key = (wrapped.keys[number] * wrapped.registered.pose.scale)[eye]
    key = key @ wrapped.registered.pose.rotation.T
    before, after = (np.linalg.norm(p[:, None] - p[None], axis=2) for p in (placed, placed + key))
    assert np.abs(key).max() > 0.002
    assert np.abs(after - before).max() < 1e-4


def test_five_marks_are_enough_and_four_are_refused(goal, foreign):
    _, surface, marks = foreign
    names = ["nose_tip", "eye_outer_right", "eye_outer_left", "mouth_right", "mouth_left"]
    assert len(names) == FEWEST
    few = {name: marks[name] for name in names}
    assert wrap(surface, few, goal, ignore_progress).median_mm < 0.1
    del few["nose_tip"]
    with pytest.raises(HeadError, match="4 points are marked"):
        wrap(surface, few, goal, ignore_progress)


@pytest.mark.parametrize("fewest", [False, True])
def test_left_and_right_interchanged_are_named(goal, foreign, fewest):
    _, surface, marks = foreign
    names = ["nose_tip", "eye_outer_right", "eye_outer_left", "mouth_right", "mouth_left"]
    other = {"right": "left", "left": "right"}
    swapped = {
        "_".join(other.get(word, word) for word in name.split("_")): marks[name]
        for name in (names if fewest else marks)
    }
    with pytest.raises(HeadError, match="left and right are interchanged"):
        wrap(surface, swapped, goal, ignore_progress)


def test_two_marks_interchanged_are_named(goal, foreign):
    _, surface, marks = foreign
    for one, other in (("chin", "nose_tip"), ("eye_inner_left", "eye_outer_left")):
        swapped = {**marks, one: marks[other], other: marks[one]}
        with pytest.raises(HeadError, match="Two marks are interchanged") as caught:
            wrap(surface, swapped, goal, ignore_progress)
        assert all(MARKS[name][0] in caught.value.message for name in (one, other))


def test_normals_that_face_inward_do_not_matter(goal, foreign, wrapped):
    _, surface, marks = foreign
    inside_out = replace(surface, triangles=surface.triangles[:, ::-1].copy())
    made = wrap(inside_out, marks, goal, ignore_progress)
    assert np.abs(made.vertices - wrapped.vertices).max() < 1e-3 * SCALE


def test_wrong_marks_and_meshes_are_refused(goal, foreign):
    _, surface, marks = foreign
    with pytest.raises(HeadError, match="'hat'"):
        wrap(surface, {**marks, "hat": 3}, goal, ignore_progress)
    with pytest.raises(HeadError, match="One vertex is marked"):
        wrap(surface, {**marks, "chin": marks["nose_tip"]}, goal, ignore_progress)
    nowhere = surface.vertices.copy()
    nowhere[3] = np.nan
    with pytest.raises(HeadError, match="nowhere"):
        wrap(replace(surface, vertices=nowhere), marks, goal, ignore_progress)
    empty = replace(surface, triangles=np.zeros((0, 3), np.int32))
    with pytest.raises(HeadError, match="no faces"):
        wrap(empty, marks, goal, ignore_progress)


def test_lips_and_lids_are_told_apart(goal):
    """A lip's or lid's number is that of the landmarks on it."""
    made = goal_of(goal)
    centres = goal.vertices[made.skin.triangles].mean(1)
    for landmarks, number in (((82, 13, 312), 1), ((87, 14, 317), 2), ((385, 386), 5)):
        outward = goal.landmarks_478[list(landmarks)].mean(0)
        outward += np.array([0, 0.004 if number % 2 else -0.004, 0.004], np.float32)
        near = np.linalg.norm(centres - outward, axis=1).argsort()[:6]
        assert np.isin(made.side[near], (0, number)).all()
        assert (made.side[near] == number).any()


def test_flipped_triangles_are_seen():
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    rest = Surface(square, np.array([[0, 1, 2], [0, 2, 3]], np.int32))
    folded = square.copy()
    folded[3] = 1, 0, 0.1
    assert flipped(rest, folded).tolist() == [1]
    assert not len(flipped(rest, square))


@pytest.fixture
def request_folder(tmp_path, goal, foreign):
    mesh, surface, marks = foreign
    shades = np.linspace(0, 1, 256)[:, None, None] * np.array([200, 120, 60])
    goal_arrays = arrays_of(goal, None)
    goal_arrays["albedo"] = np.broadcast_to(shades, (256, 256, 3)).astype(np.uint8)
    heights = np.full((256, 256, 3), 1 << 15, np.uint16)
    heights[..., 1] += np.arange(256, dtype=np.uint16)[:, None] * 25
    cv2.imwrite(str(tmp_path / "relief.png"), heights[..., ::-1])
    triangles, uv_triangles = triangulate_with_uv(mesh.quads, mesh.uv_quads)
    own = {
        "vertices": surface.vertices,
        "triangles": triangles,
        "uv": mesh.uv,
        "uv_triangles": uv_triangles,
        "mark_names": np.array(list(marks)),
        "mark_vertices": np.array(list(marks.values()), np.int32),
    }
    write_arrays(tmp_path / files.GOAL, goal_arrays)
    write_arrays(tmp_path / files.OWN, own)
    return tmp_path


def asked(folder, **data):
    lines = [json.dumps({"id": 1, "type": "wrap", "data": {"folder": str(folder), **data}})]
    answers = StringIO()
    Worker(StringIO("\n".join(lines)), answers).run()
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def test_the_engine_writes_arrays_texture_and_relief(request_folder, foreign):
    mesh, _, _ = foreign
    said = asked(request_folder, texture=256, relief=str(request_folder / "relief.png"))
    assert said[-1]["type"] == "result"
    assert said[-1]["data"]["median_mm"] < 0.1
    assert [one["type"] for one in said[1:-1]] == ["progress"] * (len(said) - 2)
    made = read_arrays(request_folder / files.RESULT, ["vertices", "keys", "skin"])
    assert made["keys"].shape == (52, len(mesh.vertices), 3)
    # The two layouts are alike, so the texture must come back as it was, between the seams.
    picture = np.asarray(Image.open(request_folder / files.ALBEDO))
    shown = picture[..., 3] > 250
    true = np.round(np.linspace(0, 200, 256))[:, None]
    assert shown.mean() > 0.3
    assert np.abs(picture[..., 0].astype(float) - true)[shown].mean() < 12
    heights = np.asarray(Image.open(request_folder / files.HEIGHT)).astype(float)
    wanted = (1 << 15) + 25.0 * np.arange(256)[:, None]
    assert np.abs(heights - wanted)[shown].mean() < 400


def test_a_damaged_request_says_so(request_folder):
    (request_folder / files.OWN).write_bytes(b"no archive")
    said = asked(request_folder)[-1]
    assert said["type"] == "error"
    assert "own.npz" in said["data"]["message"]
