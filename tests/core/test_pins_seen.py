"""Which landmarks a photo shows: those that look at the camera, and those of the outline."""

import numpy as np
import pytest

from ml.data import Camera
from ml.fitting.camera import FACING, make_intrinsics
from ml.geometry.rotations import rotation_from_vector
from ml.head.storage import load_head_model
from ml.pins.pick import facing, seen
from ml.pins.pins import FEW, LANDMARKS, SHOWN

NOSE = 4
# Subject's left and right.
EARS = {547, 549}, {561, 563}


def shown(turn: float) -> tuple[set[int], set[int]]:
    """The landmarks of the average head that are seen, and that face the camera."""
    model = load_head_model()
    rotation = (FACING @ rotation_from_vector(np.array([0, turn, 0]))).astype(np.float32)
    place = np.array([0, 0, 1.1], np.float32)
    camera = Camera(make_intrinsics(2000, 800, 1000), rotation, place, 800, 1000)
    points = model.landmark_sets[LANDMARKS].take(np.array(SHOWN, np.int32))
    mean = model.shape.mean
    both = seen(model, mean, points, camera), facing(mean, points, camera)
    first, second = ({at for at, one in zip(SHOWN, some, strict=True) if one} for some in both)
    return first, second


def test_ears_and_jaw_are_seen_from_the_front():
    found, towards = shown(0.0)
    assert {*EARS[0], *EARS[1], *FEW["jaw"], *FEW["face"]} <= found
    # Their surfaces look aside.
    assert not {*EARS[0], *EARS[1]} <= towards
    assert towards <= found


@pytest.mark.parametrize(("turn", "near"), [(0.8, 1), (-0.8, 0)])
def test_from_the_side_one_ear_is_seen_and_the_other_is_behind_the_head(turn, near):
    found, _ = shown(turn)
    assert EARS[near] <= found
    assert not EARS[1 - near] & found
    assert NOSE in found
