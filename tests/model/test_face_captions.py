"""What captions of drawn people say: what was measured on their heads, or noted when drawn."""

import numpy as np
import pytest

from ml.fitting.camera import FACING
from ml.geometry.rotations import rotation_from_vector
from ml.head.arkit import EXPRESSION_NAMES
from ml.head.storage import load_head_model
from ml.training.data.people.traits import TRAIT_NAMES
from ml.training.perception import captions as said
from ml.training.perception.attributes import HeadMeasures, attributes, poses

EVERY = [*said.AGES, *said.RULES]


@pytest.fixture(scope="module")
def measures():
    return HeadMeasures(load_head_model())


def traits(**values: float) -> np.ndarray:
    return np.array([values.get(name, 0.0) for name in TRAIT_NAMES], np.float32)


def turned(yaw: float, pitch: float = 0, roll: float = 0) -> np.ndarray:
    """A rotation like those of ml/training/data/people/poses.py; degrees."""
    across, down, in_plane = np.radians([[0, yaw, 0], [pitch, 0, 0], [0, 0, roll]])
    turn = rotation_from_vector(down) @ rotation_from_vector(across)
    return rotation_from_vector(in_plane) @ FACING @ turn


def test_poses_are_said_as_the_picture_shows_them():
    found = poses(np.stack([turned(30), turned(-50), turned(0, 25), turned(0, 0, 20)]))
    towards = FACING @ np.array([0, 0, 1.0])
    assert towards[2] < 0  # faces look at the camera, against its axis
    np.testing.assert_allclose(found["yaw"], [30, -50, 0, 0], atol=1e-4)
    np.testing.assert_allclose(found["pitch"], [0, 0, 25, 0], atol=1e-4)
    # Camera axes: x to the right, so the nose of a head turned to the right is on the right.
    assert (turned(30) @ [0, 0, 1])[0] > 0
    assert (turned(0, 25) @ [0, 0, 1])[1] > 0
    top = turned(0, 0, 20) @ [0, 1, 0]
    assert top[0] > 0
    assert top[1] < 0
    np.testing.assert_allclose(found["roll"][3], 20, atol=1e-4)


def test_shapes_are_measured_on_the_head(measures):
    model = load_head_model()
    rng = np.random.default_rng(0)
    identity = rng.normal(0, 1, (4, 160)).astype(np.float32)
    long = measures.millimetres(identity)
    points = model.points("mediapipe478")
    for person in range(4):
        neutral = points.neutral(identity[person])
        nose = 1000 * np.linalg.norm(neutral[168] - neutral[2])
        assert long["nose_length"][person] == pytest.approx(nose, abs=0.05)
    assert 80 < float(long["neck"].mean()) < 180
    wide = measures.deviations(identity)["nose_wide"]
    assert np.array_equal(np.argsort(wide), np.argsort(long["nose_width"]))
    crowd = measures.deviations(rng.normal(0, 0.85, (3000, 160)).astype(np.float32))
    for name, value in crowd.items():
        assert abs(float(value.mean())) < 0.15, name
        assert 0.7 < float(value.std()) < 1.3, name


def person(expression=(), rotation=None, identity=None, **noted):
    """Samples of one person."""
    keys = np.zeros(52, np.float32)
    for name, value in expression:
        keys[EXPRESSION_NAMES.index(name)] = value
    return {
        "identity": np.zeros((1, 160), np.float32) if identity is None else identity[None],
        "expression": keys[None],
        "rotation": (turned(0) if rotation is None else rotation)[None],
        "traits": traits(**noted)[None],
    }


def words_about(samples, measures) -> set[str]:
    (rules,) = said.true_rules(attributes(samples, measures))
    return {EVERY[number].words for number in rules}


def test_what_is_said_is_true(measures):
    smile = [("mouthSmileLeft", 0.8), ("mouthSmileRight", 0.7)]
    found = words_about(
        person(
            smile,
            turned(45, 30),
            glasses=2,
            hat=5,
            beard=3,
            folds=0.9,
            skin=-50,
            hair=7,
            hair_light=0.01,
            light_right=-0.5,
        ),
        measures,
    )
    assert {
        "smiling",
        "turned to the right",
        "looking down",
        "with sunglasses",
        "with a helmet",
        "with a moustache",
        "old wrinkled",
        "with dark skin",
        "with an afro",
        "with black hair",
        "lit from the left",
        "with a closed mouth",
        "with open eyes",
    } <= found
    assert not found & {
        "not smiling",
        "turned to the left",
        "with glasses",
        "without glasses",
        "shaven",
        "young smooth",
        "bald",
        "with a neutral expression",
        "lit from the right",
        "with closed eyes",
    }
    calm = words_about(person(folds=0.05), measures)
    assert {"young smooth", "with a neutral expression", "without glasses", "bald"} <= calm
    assert not {words for words in calm if "hair" in words}
    noses = load_head_model().points("mediapipe478").identity
    along = noses[:, 2, :] - noses[:, 168, :]
    push = np.clip(-along[:, 1] / np.abs(along[:, 1]).max(), -1, 1).astype(np.float32)
    assert "with a long nose" in words_about(person(identity=push), measures)
    assert "with a short nose" in words_about(person(identity=-push), measures)


def test_captions_deal_out_every_truth_and_nothing_else():
    rng = np.random.default_rng(0)
    rules = [2, *(n for n, rule in enumerate(EVERY) if rule.share == 1 and n >= len(said.AGES))][:9]
    true = {EVERY[number].words for number in rules}
    heard = set()
    for _ in range(200):
        for caption in said.captions(rules, 3, rng):
            rest = caption
            for words in sorted(true, key=len, reverse=True):
                if words in rest:
                    heard.add(words)
                    rest = rest.replace(words, "")
            assert set(rest.split()) <= {"a", "person", "photo", "face", "of"}, caption
    assert heard == true
