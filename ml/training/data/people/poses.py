"""Random cameras, crops and expressions."""

from __future__ import annotations

import numpy as np

from ....data import FaceBox, FloatArray
from ....fitting.camera import FACING
from ....geometry.rotations import rotation_from_vector
from ....head.arkit import EXPRESSION_NAMES
from ..picture.draw import OrbitCamera

# The stored picture shows this much more than the network's crop, for turning it at load time.
MARGIN = 144 / 128


# Shares of views about the front and from anywhere; the others are from the side.
_FRONTAL, _ANYWHERE = 0.55, 0.2


def random_camera(rng: np.random.Generator) -> OrbitCamera:
    """Turned left and right, less up and down; near and far cameras.

    A quarter is turned by 45 to 90 degrees: photos from the side are found less well.
    """
    kind = rng.random()
    if kind < _FRONTAL:
        yaw = rng.normal(0, 32)
    elif kind < _FRONTAL + _ANYWHERE:
        yaw = rng.uniform(-85, 85)
    else:
        yaw = rng.uniform(45, 90) * rng.choice([-1, 1])
    pitch = rng.normal(0, 14)
    yaw, pitch = np.clip(yaw, -90, 90), np.clip(pitch, -42, 42)
    turn = _turn(pitch, 0, 0) @ _turn(0, yaw, 0)
    roll = _turn(0, 0, rng.normal(0, 10))
    distance = np.exp(rng.uniform(np.log(0.45), np.log(3)))
    return OrbitCamera((roll @ FACING @ turn).astype(np.float32), float(distance))


def _turn(*degrees: float) -> FloatArray:
    """Rotation about x, y or z: (3, 3)."""
    return rotation_from_vector(np.radians(degrees)).astype(np.float32)


def jittered(box: FaceBox, rng: np.random.Generator) -> FaceBox:
    """A box as a detector might draw it, enlarged to the stored margin."""
    shift = rng.normal(0, 0.06, 2) * box.size
    scale = np.exp(rng.uniform(np.log(0.82), np.log(1.3)))
    roll = rng.normal(0, 12) if rng.random() < 0.85 else rng.uniform(-75, 75)
    return FaceBox(
        (box.center[0] + float(shift[0]), box.center[1] + float(shift[1])),
        box.size * float(scale) * MARGIN,
        box.roll + float(np.radians(roll)),
    )


def rolled(rotation: FloatArray, roll: float) -> FloatArray:
    """The head's rotation as the crop with in-plane ``roll`` shows it."""
    turn = rotation_from_vector(np.array([0, 0, -roll])).astype(np.float32)
    return (turn @ rotation).astype(np.float32)


def random_expression(real: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A real person's expression (E,), scaled and mixed with a few random keys."""
    base = real * rng.choice([0.0, 0.5, 1.0], p=[0.35, 0.15, 0.5])
    extra = np.zeros(len(base), np.float32)
    chosen = rng.choice(len(base) - 1, size=int(rng.integers(0, 7)), replace=False)
    extra[chosen] = rng.beta(1, 1.6, len(chosen))
    names = EXPRESSION_NAMES
    for name, chance in (("jawOpen", 0.3), ("mouthSmile", 0.25), ("eyeBlink", 0.15)):
        if rng.random() < chance:
            amount = rng.uniform(0, 1)
            for index in [i for i, item in enumerate(names) if item.startswith(name)]:
                extra[index] = np.clip(amount + rng.normal(0, 0.05), 0, 1)
    return np.clip(base + extra, 0, 1).astype(np.float32)
