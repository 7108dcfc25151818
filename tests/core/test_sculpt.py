"""What was sculpted on a head: a layer that goes from level to level, and what a refit takes."""

import numpy as np
import pytest

from ml.errors import HeadError
from ml.head.layer import bump
from ml.head.levels import level_of
from ml.head.mesh import person_of
from ml.head.model import HeadModel
from ml.head.refit import refitted
from ml.head.sculpt import Sculpt, captured
from ml.head.storage import load_head_model
from ml.head.transfer import between_levels
from ml.pins.heads import estimate_of, no_pins, pinned_by
from ml.pins.pins import Pin
from ml.pins.refit import absorbed
from ml.pins.settle import distances, settled
from ml.pins.solve import Solver
from ml.results.convert import convert_result
from ml.results.edited import copy_results, put_head
from ml.results.reconstruction import load_reconstruction, read_about, save_reconstruction
from ml.results.record import at_level, head_of_record, with_sculpt
from tests.support.model_head import model_head, write_model_head

CHIN = 152
LEVELS = ("low", "base", "high")


@pytest.fixture
def model() -> HeadModel:
    return load_head_model()


def dent(model: HeadModel, level: str, height: float = 0.003) -> np.ndarray:
    """(N, 3) the chin of a level drawn down, within four centimetres."""
    other, places = level_of(model, level), model.shape.mean
    centre = model.landmark_sets["dense"].on(places)[CHIN]
    if other is not None:
        places = other.points.on(places)
    share = bump(np.linalg.norm(places - centre, axis=1))
    return (share[:, None] * np.float32([0, -height, height / 2])).astype(np.float32)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("through", LEVELS)
def test_it_comes_back_from_every_level(model, level, through):
    moved = dent(model, level)
    moved[7] = (0.001, 0.002, 0.003)  # a spike that no coarser mesh can hold
    sculpt = captured(model, level, moved)
    np.testing.assert_allclose(sculpt.at(model, level), moved, atol=1e-5)
    seen = sculpt.at(model, through)
    assert np.median(np.abs(seen - dent(model, through)).max(1)) < 1e-5
    assert np.abs(seen).max() > 0.0025
    # Nothing was sculpted there, so nothing is lost.
    again = captured(model, through, seen, sculpt)
    np.testing.assert_allclose(again.at(model, level), moved, atol=1e-5)


def test_what_is_sculpted_on_a_finer_mesh_is_kept_on_a_coarser_one(model):
    fine = captured(model, "high", dent(model, "high"))
    more = fine.at(model, "base") + dent(model, "base", 0.001)
    both = captured(model, "base", more, fine)
    expected = dent(model, "high", 0.004)
    assert np.abs(both.at(model, "high") - expected).max() < 2e-4


def test_rounding_is_no_sculpt(model):
    noise = np.full((model.vertex_count, 3), 1e-6, np.float32)
    assert captured(model, "base", noise) is None
    assert captured(model, "high", np.zeros((len(level_of(model, "high").points), 3))) is None


def test_values_keep_their_place_on_other_levels(model):
    places = model.shape.mean[:, :2]
    for level in LEVELS:
        there = between_levels(model, "base", level, places)
        back = between_levels(model, level, "base", there)
        # The quads below the bust are large.
        skin = np.unique(model.quads[model.part_faces("skin")])
        assert np.abs(back - places)[skin].max() < (0.008 if level == "low" else 1e-4)


def test_the_head_has_what_was_sculpted_at_every_level(model):
    fitted = model_head(detail=None)
    sculpt = captured(model, "base", dent(model, "base"))
    for level in LEVELS:
        plain = at_level(fitted, level)
        head = with_sculpt(plain, sculpt)
        moved = head.mesh.vertices - plain.mesh.vertices
        np.testing.assert_allclose(moved, sculpt.at(model, level), atol=1e-5)
        assert np.abs(head.mesh.shape_keys - plain.mesh.shape_keys).max() < 1e-6
        assert np.abs(head.landmarks_478_px - plain.landmarks_478_px)[CHIN].max() > 1
        assert head.provenance.level == level
        back = with_sculpt(head, None)
        np.testing.assert_array_equal(back.mesh.vertices, plain.mesh.vertices)


def test_sculpted_lids_still_close(model):
    fitted, eye = model_head(detail=None), model.lids["Left"]
    moved = np.zeros((model.vertex_count, 3), np.float32)
    upper = eye.rings[-3:, 4:12]
    moved[upper] += np.float32([0, 0.002, 0.001])
    head = with_sculpt(fitted, Sculpt(moved))
    np.testing.assert_allclose(head.mesh.vertices, fitted.mesh.vertices + moved, atol=1e-7)
    blink = (
        head.mesh.vertices + head.mesh.shape_keys[head.mesh.expression_names.index("eyeBlinkLeft")]
    )
    margin = blink[eye.rings[-1]]
    count = len(margin)
    above, below = margin[1 : count // 2], margin[: count // 2 : -1][: count // 2 - 1]
    assert np.abs(above - below).max() < 5e-4
    # The other eye was not touched.
    other = head.mesh.expression_names.index("eyeBlinkRight")
    np.testing.assert_array_equal(head.mesh.shape_keys[other], fitted.mesh.shape_keys[other])


def test_files_and_record_keep_it(model, tmp_path):
    sculpt = captured(model, "high", dent(model, "high"))
    head = with_sculpt(at_level(model_head(), "high"), sculpt)
    save_reconstruction(head, tmp_path)
    read = load_reconstruction(tmp_path)
    np.testing.assert_array_equal(read.sculpt.base, sculpt.base)
    assert list(read.sculpt.others) == list(sculpt.others)
    np.testing.assert_array_equal(read.mesh.vertices, head.mesh.vertices)
    again = with_sculpt(head_of_record(read_about(tmp_path)), read.sculpt)
    assert np.abs(again.mesh.vertices - head.mesh.vertices).max() < 2e-6


def test_a_sculpt_of_another_mesh_is_refused():
    with pytest.raises(HeadError, match=r"mesh with 10 vertices.*Remove the sculpt"):
        with_sculpt(model_head(), Sculpt(np.ones((10, 3), np.float32)))


def test_another_model_gets_it_too(model):
    plain = model_head(detail=None)
    head = with_sculpt(plain, captured(model, "base", dent(model, "base", 0.01)))
    before, after = (convert_result(one, model, model).vertices for one in (plain, head))
    assert np.linalg.norm(after - before, axis=1).max() > 0.004


def test_a_refit_takes_what_people_differ_in_and_leaves_the_rest(model):
    random = np.random.default_rng(3)
    identity = random.normal(0, 0.5, model.identity_count).astype(np.float32)
    change = random.normal(0, 0.4, model.identity_count)
    person = np.tensordot(change, model.shape.identity, 1).astype(np.float32)

    def left(moved):
        taken = refitted(model, identity, moved) - identity
        return np.linalg.norm(moved - np.tensordot(taken, model.shape.identity, 1), axis=1)

    skin = np.unique(model.quads[model.part_faces("skin")])
    assert left(person)[skin].mean() < 0.05 * np.linalg.norm(person, axis=1)[skin].mean()
    spike = np.zeros_like(person)
    spike[np.argmax(model.shape.mean[:, 1])] = (0, 0.01, 0)
    assert left(spike).max() > 0.0095
    assert not left(np.zeros_like(person)).any()
    # However much is sculpted, the identity stays a person's.
    assert (refitted(model, identity, 40 * person) ** 2).mean() <= 1.5**2 * 1.001


def test_pins_hold_after_a_refit(model, tmp_path):
    write_model_head(tmp_path)
    about = read_about(tmp_path)
    solver = Solver(model, estimate_of([about], model))
    camera = solver.estimate.views[0].camera
    chin = model.landmark_sets["dense"].take(np.array([CHIN]))
    x, y = camera.project(chin.on(head_of_record(about).mesh.vertices_expressed))[0]
    pins = no_pins([about]).placed(0, Pin((float(x), float(y) + 12), CHIN))
    solution = settled(solver, pins)
    pinned = pinned_by(pins, solver.estimate, solution, model)
    record = about | {
        "identity": solution.identity.tolist(),
        "pinned": pinned.to_json(),
    }
    taller = 0.01 * model.shape.mean
    after = absorbed([record], Sculpt(taller.astype(np.float32)))
    assert np.abs(np.subtract(after[0]["identity"], record["identity"])).max() > 0.1
    again = Solver(model, estimate_of(after, model))
    assert distances(again, pins, settled(again, pins)).max() < 0.1
    person = person_of(model, settled(again, pins).coefficients(0), settled(again, pins).layer)
    assert np.abs(person.rest - head_of_record(after[0]).mesh.vertices).max() < 1e-5


def test_an_edited_result_lies_beside_the_first(model, tmp_path):
    first = tmp_path / "Ada"
    write_model_head(first)
    (first / ".partial-x").mkdir()
    before = load_reconstruction(first)
    head = at_level(with_sculpt(before, captured(model, "base", dent(model, "base"))), "low")
    (copy,) = copy_results([first], tmp_path / "Ada edited")
    put_head(head, copy, {"level": "low"})
    read, about = load_reconstruction(copy), read_about(copy)
    np.testing.assert_array_equal(read.mesh.vertices, head.mesh.vertices)
    assert (read.provenance.level, about["settings"]) == ("low", {"level": "low"})
    assert about["images"] == read_about(first)["images"]
    assert sorted(path.name for path in copy.iterdir()) == sorted(
        path.name for path in first.iterdir() if path.name != ".partial-x"
    )
    put_head(with_sculpt(before, None), copy, {"texture_size": 0})
    assert "albedo.png" not in read_about(copy)["images"]
    assert load_reconstruction(copy).sculpt is None
    np.testing.assert_array_equal(load_reconstruction(first).mesh.vertices, before.mesh.vertices)
