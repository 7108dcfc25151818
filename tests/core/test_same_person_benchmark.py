"""The benchmark for several photos of one person, on heads whose answer is known."""

import numpy as np
import pytest

from ml.data import Observation
from ml.errors import NoFaceFound
from ml.evaluation.synthetic.people import RenderedView
from ml.evaluation.synthetic.reference import REGIONS
from ml.evaluation.synthetic.same_person import WAYS, PersonRow, measure, report, summarise
from ml.evaluation.synthetic.shape import ShapeError
from ml.fitting.camera import FACING
from ml.fitting.coherence import controls_of
from ml.head.storage import load_head_model
from ml.pipeline import fit as pipeline_fit
from tests.support.known_faces import SIDE, found_face

TURNS = (0.05, 0.4, -0.7)


@pytest.fixture
def views(monkeypatch) -> list[RenderedView]:
    """Three views of each of three people; the last person has a face in one view only."""
    model, rng = load_head_model(), np.random.default_rng(2)
    count = len(model.expression_names)
    controls = controls_of(count)
    seen, faces = [], []
    for person in range(3):
        identity = np.zeros(model.identity_count, np.float32)
        identity[:12] = rng.normal(0, 1.3, 12)
        for turn in TURNS:
            # No face smiles and frowns at once, and no fit does.
            expression = controls.expression(controls.of(rng.uniform(0, 0.5, count)))
            rgb = np.full((SIDE, SIDE, 3), len(faces), np.uint8)
            hidden = person == 2 and turn != TURNS[0]
            faces.append(None if hidden else found_face(identity, expression, turn, rng))
            neutral = model.shape.neutral(identity)
            yaw = float(np.degrees(turn))
            points = np.zeros((1, 2), np.float32)
            seen.append(RenderedView(rgb, person, "ict", neutral, expression, FACING, yaw, points))

    def find(photo, settings):
        face = faces[int(photo.rgb[0, 0, 0])]
        if face is None:
            raise NoFaceFound("No face")
        return [Observation(face, face.output.landmarks, "dense")]

    monkeypatch.setattr("ml.pipeline.upright.observe", find)
    # Even pictures have nothing that another look could see.
    monkeypatch.setattr(pipeline_fit, "refine", lambda photo, shape, evidence, *_, **__: evidence)
    return seen


def test_a_row_a_person_and_none_for_who_is_seen_once(views, reference):
    first, second, third = measure(views, reference)
    assert third is None
    assert (first.person, second.person) == (0, 1)
    assert len(first.alone) == len(first.yaws) == 3
    # This network knows nothing of the person; the fits do.
    np.testing.assert_array_equal(first.identities["network"], 0)
    assert first.identities["fitted"].shape == (3, reference.head.identity_count)


def test_together_is_better_than_alone_where_only_views_are_missing(views, reference):
    summary = summarise(list(measure(views, reference)))
    assert (summary["people"], summary["not_found"]) == (2, 1)
    assert summary["together"]["ratio"] < summary["each view alone"]["ratio"] < 1
    assert summary["together"]["recovered"] > summary["each view alone"]["recovered"] > 0
    fitted = summary["identity distance, fitted"]
    assert (fitted["same"]["pairs"], fitted["different"]["pairs"]) == (6, 9)
    assert fitted["ratio_of_means"] < 0.8


def error(size: float) -> ShapeError:
    return ShapeError(dict.fromkeys(REGIONS, size), dict.fromkeys(REGIONS, 2.0), size, 2.0, 0.5)


def row(person: int, source: str, place: float) -> PersonRow:
    """Somebody whose two views say the first coefficient is ``place`` and a hundredth more."""
    identity = np.zeros((2, load_head_model().identity_count), np.float32)
    identity[:, 0] = place, place + 0.01
    identities = {"network": identity, "fitted": identity}
    return PersonRow(person, source, (40.0, -5.0), (error(1.0), error(1.6)), error(0.8), identities)


def test_ways_are_told_apart():
    ways = {way: [one.mean for one in errors] for way, errors in row(0, "ict", 0).by_way().items()}
    expected = ([1.0, 1.6], [1.6], [1.0], [0.8])
    assert list(ways.values()) == [pytest.approx(values) for values in expected]
    assert tuple(ways) == WAYS


def test_people_are_compared_within_their_source_only():
    near = [row(0, "ict", 0.0), row(1, "ict", 1.0)]
    summary = summarise([*near, row(2, "makehuman", 50.0)])
    distance = summary["identity distance, fitted"]
    assert (distance["same"]["pairs"], distance["different"]["pairs"]) == (3, 4)
    assert distance["ratio_of_means"] == pytest.approx(0.01, rel=0.02)
    assert distance["told_apart"] == 1
    assert sum(distance["different"]["counts"]) == 4
    assert summary["together better than best view"] == 1
    text = report(summary)
    assert "3 people" in text
    assert "ratio 0.01" in text
    assert "100% of the people" in text


def test_nobody_found_is_a_report_too():
    summary = summarise([None, None])
    assert "0 people, 2 seen in fewer than two views" in report(summary)
