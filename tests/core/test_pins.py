"""Pins on heads whose answer is known: they hold, the rest stays likely, every step goes back."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ml.data import Camera, HeadCoefficients
from ml.errors import HeadError
from ml.fitting.camera import FACING, make_intrinsics
from ml.geometry.rotations import rotation_from_vector
from ml.head.mesh import person_of
from ml.head.mirror import make_mirror
from ml.head.population import PLAUSIBLE
from ml.head.storage import load_head_model
from ml.pins.estimate import Estimate
from ml.pins.file import pins_as_json, pins_of, read_pins, write_pins
from ml.pins.heads import estimate_of, follow, pins_for, pins_on
from ml.pins.pins import SHOWN, PhotoPins, Pin, Pins
from ml.pins.session import Session
from ml.pins.settle import distances, people_of, settled
from ml.pins.solve import Solver

CHIN, NOSE, LID, JAW = 152, 4, 159, 172
SIZE = (800, 1000)


def camera(turn: float) -> Camera:
    """A photo of a head that is turned by so many radians; its face is about 300 pixels wide."""
    rotation = (FACING @ rotation_from_vector(np.array([0, turn, 0]))).astype(np.float32)
    return Camera(make_intrinsics(2000, *SIZE), rotation, np.array([0, 0, 1.1], np.float32), *SIZE)


def estimate(*turns: float) -> Estimate:
    """Somebody in one photo a turn."""
    model, random = load_head_model(), np.random.default_rng(3)
    identity = random.normal(0, 0.6, model.identity_count).astype(np.float32)
    expression = np.zeros(len(model.expression_names), np.float32)
    expression[model.expression_names.index("jawOpen")] = 0.3
    return Estimate.of([(HeadCoefficients(identity, expression), camera(turn)) for turn in turns])


def no_pins(photos: int = 1) -> Pins:
    return Pins(tuple(PhotoPins(f"{n}.jpg", f"{n}" * 64, *SIZE) for n in range(photos)))


@pytest.fixture(scope="module")
def solver() -> Solver:
    return Solver(load_head_model(), estimate(0.2))


def place_of(solver: Solver, landmark: int, photo: int = 0) -> np.ndarray:
    """Where a landmark is in the photo before there are pins."""
    model, view = solver.model, solver.estimate.views[photo]
    points = model.landmark_sets["dense"].on(model.shape.at(solver.estimate.coefficients(photo)))
    return view.camera.project(points)[landmark]


def dragged(solver: Solver, *moves: tuple[int, float, float], photo: int = 0, photos=1) -> Pins:
    """Pins that hold landmarks so many pixels to the right of and below where they are."""
    pins = no_pins(photos)
    for landmark, right, down in moves:
        x, y = map(float, place_of(solver, landmark, photo))
        pins = pins.placed(photo, Pin((x + right, y + down), landmark))
    return pins


def test_pins_hold_on_the_head_as_it_is_built(solver):
    pins = dragged(solver, (CHIN, 5, 22), (JAW, -18, 3), (LID, 2, -4), (NOSE, 3, -3))
    solution = settled(solver, pins)
    person = person_of(solver.model, solution.coefficients(0), solution.layer)
    points = solver.model.landmark_sets["dense"].on(person.expressed)
    reached = solution.cameras[0].project(points)
    for pin in pins.photos[0].pins:
        assert np.linalg.norm(reached[pin.landmark] - pin.position) < 0.1


def test_what_is_not_pinned_stays_near_and_far_points_hardly_move(solver):
    solution = solver.solve(dragged(solver, (JAW, -20, 5)))
    points = solver.model.landmark_sets["dense"]
    before = solver.estimate.views[0].camera.project(
        points.on(solver.model.shape.at(solver.estimate.coefficients(0)))
    )
    after = solution.cameras[0].project(points.on(solver.vertices(solution, 0)))
    moved = np.linalg.norm(after - before, axis=1)
    assert moved[JAW] == pytest.approx(np.hypot(20, 5), abs=0.01)
    assert moved[[33, 133, 263, 362, NOSE]].max() < 4
    # The jaw goes along with its point.
    assert moved[[136, 58, 150]].min() > 4


def test_no_drag_makes_an_implausible_person(solver):
    solution = solver.solve(dragged(solver, (NOSE, 160, 0), (CHIN, 0, 250)))
    assert np.sqrt((solution.identity**2).mean()) < PLAUSIBLE * 1.01
    assert ((solution.expressions[0] >= 0) & (solution.expressions[0] <= 1)).all()


def test_the_way_there_does_not_matter_and_without_pins_it_is_the_estimate(solver):
    pins = dragged(solver, (CHIN, 0, 15), (JAW, -9, 0))
    first = solver.solve(pins)
    for move in ((CHIN, 30, 30), (NOSE, 5, 5)):
        solver.solve(dragged(solver, move))
    again = Solver(solver.model, solver.estimate).solve(pins)
    np.testing.assert_allclose(first.identity, again.identity, atol=1e-6)
    bare = solver.solve(no_pins())
    np.testing.assert_array_equal(bare.identity, solver.estimate.identity)
    assert bare.layer is None


def test_a_mirrored_change_moves_both_sides_alike(solver):
    pins = replace(dragged(solver, (JAW, -15, 0)), mirror=True)
    change = solver.solve(pins).identity - solver.estimate.identity
    signs = make_mirror(solver.model).identity
    assert np.abs(change[signs < 0]).max() < 1e-6
    assert np.abs(change[signs > 0]).max() > 0.01


def test_the_expression_stays_if_it_is_to(solver):
    pins = dragged(solver, (61, -8, -8))
    assert (
        np.abs(solver.solve(pins).expressions[0] - solver.estimate.views[0].expression).max() > 0.01
    )
    kept = solver.solve(replace(pins, expression=False))
    np.testing.assert_allclose(kept.expressions[0], solver.estimate.views[0].expression, atol=1e-6)


def test_several_photos_share_one_identity_and_each_has_its_own_camera():
    solver = Solver(load_head_model(), estimate(0.0, 0.5))
    pins = dragged(solver, (CHIN, 0, 12), photos=2)
    x, y = place_of(solver, JAW, 1)
    pins = pins.placed(1, Pin((float(x) - 10, float(y)), JAW))
    x, y = place_of(solver, CHIN, 1)
    pins = pins.placed(1, Pin((float(x), float(y) + 12), CHIN))
    solution = settled(solver, pins)
    assert distances(solver, pins, solution).max() < 0.1
    one, other = people_of(solver, solution)
    np.testing.assert_array_equal(one.rest, other.rest)
    assert len(solution.cameras) == len(solution.expressions) == 2


def test_any_point_of_the_skin_can_be_pinned(solver):
    session = Session(solver, no_pins())
    x, y = (place_of(solver, NOSE) + place_of(solver, 61)) / 2
    marker = session.add((float(x), float(y)))
    assert marker is not None
    assert marker.pin.landmark is None
    # It was pinned where it was, so nothing moved; dragged, it holds.
    assert np.abs(session.solution.identity - solver.estimate.identity).max() < 1e-3
    assert session.grab(session.marker_at((float(x), float(y)), 5))
    session.drag((float(x) - 12, float(y) + 4))
    session.release()
    pin = session.pins.photos[0].pins[0]
    corners = session.vertices[list(pin.corners)]
    place = session.solution.cameras[0].project(np.asarray(pin.weights, np.float32) @ corners)
    np.testing.assert_allclose(place, (x - 12, y + 4), atol=0.05)
    assert session.add((2.0, 2.0)) is None


def test_every_step_goes_back_and_forth(solver):
    session = Session(solver, no_pins())
    x, y = map(float, place_of(solver, CHIN))
    session.grab(session.marker_at((x, y), 4))
    for step in range(1, 4):
        session.drag((x, y + 5 * step))
    session.release()
    first = session.marker_at((x, y + 15), 2)
    assert first.pin.landmark == CHIN
    session.lock(first)
    session.choose(mirror=True)
    states = [session.pins]
    while session.undo():
        states.append(session.pins)
    assert [s.count for s in states] == [1, 1, 1, 0]
    assert not session.changed
    np.testing.assert_array_equal(session.solution.identity, solver.estimate.identity)
    while session.redo():
        pass
    assert session.pins == states[0]
    # What is done after going back takes the place of what was undone.
    session.undo()
    session.choose(expression=False)
    assert not session.redo()


def test_a_locked_pin_is_left_alone(solver):
    session = Session(solver, no_pins())
    place = tuple(map(float, place_of(solver, CHIN)))
    session.lock(session.marker_at(place, 4))
    locked = session.marker_at(place, 4)
    assert locked.pin.locked
    assert not session.grab(locked)
    assert not session.remove(locked)
    session.clear()
    assert session.pins.count == 1
    session.lock(locked)
    assert session.remove(session.marker_at(place, 4))


def test_a_drag_that_is_broken_off_leaves_nothing(solver):
    session = Session(solver, no_pins())
    place = tuple(map(float, place_of(solver, CHIN)))
    session.grab(session.marker_at(place, 4))
    session.drag((place[0], place[1] + 30))
    assert session.dragging
    session.let_back()
    assert not session.changed
    assert not session.undo()


def test_few_landmarks_are_shown_and_all_on_demand(solver):
    session = Session(solver, no_pins())
    assert len(session.markers()) == len(SHOWN)
    session.every = True
    assert len(session.markers()) == 478
    assert 100 < sum(marker.seen for marker in session.markers()) < 478


def test_the_file_keeps_all_pins(solver, tmp_path):
    pins = dragged(solver, (CHIN, 1, 2), (JAW, -3, 0.25))
    free = Pin((100.0, 200.5), None, (10, 11, 42), (0.25, 0.25, 0.5), locked=True)
    pins = replace(pins.placed(0, free), mirror=True, expression=False)
    write_pins(pins, solver.model, tmp_path / "pins.json")
    read = read_pins(tmp_path / "pins.json", solver.model)
    assert replace(read, photos=()) == replace(pins, photos=())
    for one, other in zip(read.photos[0].pins, pins.photos[0].pins, strict=True):
        np.testing.assert_allclose(one.position, other.position, atol=1e-4)
        assert replace(one, position=(0, 0)) == replace(other, position=(0, 0))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ({"format": 2}, "reads up to 1"),
        ({"format": "x"}, "format"),
        ({"photos": []}, "0 photos"),
        ({"model": {"id": "other", "version": "1"}}, "head model other 1"),
        ({"mirror": 1}, "'mirror'"),
    ],
)
def test_a_damaged_file_is_refused_by_name(solver, tmp_path, damage, words):
    about = pins_as_json(dragged(solver, (CHIN, 1, 2)), solver.model) | damage
    path = tmp_path / "pins.json"
    path.write_text(json.dumps(about))
    with pytest.raises(HeadError, match=words) as caught:
        read_pins(path, solver.model)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "pin",
    [
        {"landmark": 722},
        {"landmark": True},
        {"position": [1.0, float("nan")]},
        {"position": [1.0]},
        {"locked": None},
        {"landmark": None},
    ],
)
def test_a_damaged_pin_is_refused(solver, pin):
    about = pins_as_json(dragged(solver, (CHIN, 1, 2)), solver.model)
    about["photos"][0]["pins"][0] |= pin
    with pytest.raises(ValueError, match="pin 1"):
        pins_of(about, solver.model)


def records(solver: Solver, pins: Pins) -> list[dict]:
    """What the result of a pinned head records, one photo."""
    solution, pinned = follow(solver.model, solver.estimate, pins)
    names, view = solver.model.expression_names, solution.cameras[0]
    photo = pins.photos[0]
    return [
        {
            "photo": {"name": photo.name, "sha256": photo.sha256, "width": 800, "height": 1000},
            "identity": solution.identity.tolist(),
            "expression": dict(zip(names, solution.expressions[0].tolist(), strict=True)),
            "camera": {
                "intrinsics": view.intrinsics.tolist(),
                "rotation": view.rotation.tolist(),
                "translation": view.translation.tolist(),
            },
            "pinned": pinned.to_json(),
        }
    ]


def test_a_result_keeps_what_the_photo_said_before(solver):
    pins = dragged(solver, (CHIN, 0, 20))
    stored = json.loads(json.dumps(records(solver, pins)))
    before = estimate_of(stored, solver.model)
    np.testing.assert_array_equal(before.identity, solver.estimate.identity)
    np.testing.assert_array_equal(
        before.views[0].camera.rotation, solver.estimate.views[0].camera.rotation
    )
    assert pins_on(stored, solver.model).count == 1
    # From what was stored the same head comes again.
    again, _ = follow(solver.model, before, pins_on(stored, solver.model))
    np.testing.assert_allclose(again.identity, stored[0]["identity"], atol=1e-5)


def test_pins_of_another_photo_are_refused(solver):
    pins, stored = no_pins(2), records(solver, dragged(solver, (CHIN, 0, 5)))
    other = replace(pins, photos=pins.photos[1:])
    with pytest.raises(HeadError, match=r"of 1\.jpg, and the head of 0\.jpg"):
        pins_for(other, stored)
    wide = replace(pins, photos=(replace(pins.photos[0], width=801),))
    with pytest.raises(HeadError, match="801 x 1000"):
        pins_for(wide, stored)


def test_pins_need_numpy_only(run_code):
    code = """
import sys
for name in ("torch", "scipy", "cv2", "PIL", "numba"):
    sys.modules[name] = None
import numpy as np
from ml.data import Camera, HeadCoefficients
from ml.head.storage import load_head_model
from ml.pins.estimate import Estimate
from ml.pins.heads import follow
from ml.pins.pins import PhotoPins, Pin, Pins
from ml.pins.session import Session
model = load_head_model()
head = HeadCoefficients(np.zeros(160, np.float32), np.zeros(52, np.float32))
lens = np.array([[2000, 0, 400], [0, 2000, 500], [0, 0, 1]], np.float32)
turn = np.diag([1, -1, -1]).astype(np.float32)
camera = Camera(lens, turn, np.array([0, 0, 1.1], np.float32), 800, 1000)
pins = Pins((PhotoPins("a", "", 800, 1000, (Pin((400.0, 650.0), 152),)),))
follow(model, Estimate.of([(head, camera)]), pins)
print("done")
"""
    found = run_code(code, capture_output=True, text=True, timeout=120)
    assert found.stdout.split() == ["done"]
