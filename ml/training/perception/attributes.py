"""Attributes of rendered people, in numbers: measured on their heads, or stored when rendered."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...data import FloatArray
from ...head.arkit import EXPRESSION_NAMES
from ...head.model import HeadModel
from ..data.people.traits import TRAIT_NAMES

# Pairs of MediaPipe's points whose distance on the neutral head is a measure.
MEASURES = {
    "face_width": (234, 454),
    "face_height": (10, 152),
    "jaw_width": (172, 397),
    "nose_length": (168, 2),
    "nose_width": (129, 358),
    "mouth_width": (61, 291),
    "upper_lip": (0, 13),
    "lower_lip": (14, 17),
    "eye_distance": (133, 362),
}
# Shapes that there are words for, each a measure or the ratio of two.
SHAPES: dict[str, tuple[str, ...]] = {
    "face_shape": ("face_width", "face_height"),
    "jaw_shape": ("jaw_width", "face_width"),
    "nose_long": ("nose_length",),
    "nose_wide": ("nose_width",),
    "mouth_wide": ("mouth_width",),
    "lips_full": ("lips",),
    "eyes_apart": ("eye_distance",),
    "build": ("neck",),
}
# Metres below the chin at which a neck is measured, and half of the band's height.
_NECK_BELOW, _NECK_BAND = 0.03, 0.008
# Random people whose shapes are the norm: their number, and the range of their variety (as in
# data/samples.py).
_USUAL, _SPREAD = 2000, (0.5, 1.2)


class HeadMeasures:
    """Distances on neutral heads, in standard deviations from their mean over random people."""

    def __init__(self, model: HeadModel) -> None:
        points, shape = model.points("mediapipe478"), model.shape
        ends = np.array(list(MEASURES.values()))
        sides = _neck_sides(model)
        # One point at each end of every measure, the neck's last: means of its sides' vertices.
        self._mean = np.stack(
            [
                np.concatenate([points.mean[ends[:, i]], shape.mean[sides[i]].mean(0)[None]])
                for i in (0, 1)
            ]
        )
        self._identity = np.stack(
            [
                np.concatenate(
                    [points.identity[:, ends[:, i]], shape.identity[:, sides[i]].mean(1)[:, None]],
                    1,
                )
                for i in (0, 1)
            ]
        )
        rng = np.random.default_rng(0)
        wild = rng.uniform(*_SPREAD, (_USUAL, 1))
        people = np.clip(rng.normal(0, 1, (_USUAL, model.identity_count)) * wild, -2.5, 2.5)
        usual = self._shapes(people.astype(np.float32))
        self._middle = {name: float(value.mean()) for name, value in usual.items()}
        self._spread = {name: float(value.std()) for name, value in usual.items()}

    def millimetres(self, identity: FloatArray) -> dict[str, FloatArray]:
        """(N, I) coefficients -> (N,) of every measure, and of lips and neck."""
        across = (self._mean[1] - self._mean[0])[None] + np.einsum(
            "ni,ipc->npc", identity, self._identity[1] - self._identity[0]
        )
        long = 1000 * np.linalg.norm(across, axis=-1)
        found = dict(zip([*MEASURES, "neck"], long.T, strict=True))
        return {**found, "lips": found["upper_lip"] + found["lower_lip"]}

    def deviations(self, identity: FloatArray) -> dict[str, FloatArray]:
        """(N, I) coefficients -> (N,) by name of SHAPES: standard deviations from the mean."""
        return {
            name: (value - self._middle[name]) / self._spread[name]
            for name, value in self._shapes(identity).items()
        }

    def _shapes(self, identity: FloatArray) -> dict[str, FloatArray]:
        long = self.millimetres(identity)
        return {
            name: long[of[0]] / long[of[1]] if len(of) > 1 else long[of[0]]
            for name, of in SHAPES.items()
        }


def _neck_sides(model: HeadModel) -> tuple[np.ndarray, np.ndarray]:
    """Vertices of the neck's right and left side, a little below the chin."""
    mean = model.shape.mean
    height = float(model.points("mediapipe478").mean[152, 1]) - _NECK_BELOW
    band = np.flatnonzero(abs(mean[:, 1] - height) < _NECK_BAND)
    across = mean[band, 0]
    return band[across < 0.9 * across.min()], band[across > 0.9 * across.max()]


def poses(rotation: FloatArray) -> dict[str, FloatArray]:
    """(N, 3, 3) head -> camera (x right, y down, z away) -> (N,) degrees as the picture shows them.

    yaw: face towards the picture's right; pitch: downwards; roll: the head's top to the right.
    """
    ahead, up = rotation[:, :, 2], rotation[:, :, 1]
    return {
        "yaw": np.degrees(np.arctan2(ahead[:, 0], -ahead[:, 2])),
        "pitch": np.degrees(np.arcsin(np.clip(ahead[:, 1], -1, 1))),
        "roll": np.degrees(np.arctan2(up[:, 0], -up[:, 1])),
    }


def expressions(values: FloatArray) -> dict[str, FloatArray]:
    """(N, 52) ARKit's keys -> (N,) 0..1 of those with words. calm: the largest of them."""

    def both(name: str) -> FloatArray:
        sides = [EXPRESSION_NAMES.index(name + side) for side in ("Left", "Right")]
        return values[:, sides].mean(1)

    def one(name: str) -> FloatArray:
        return values[:, EXPRESSION_NAMES.index(name)]

    said = {
        "smile": both("mouthSmile"),
        "open": np.clip(one("jawOpen") - one("mouthClose"), 0, 1),
        "blink": both("eyeBlink"),
        "pucker": np.maximum(one("mouthPucker"), one("mouthFunnel")),
        "raised": np.maximum(one("browInnerUp"), both("browOuterUp")),
        "lowered": both("browDown"),
        "drooping": both("mouthFrown"),
        "puffed": one("cheekPuff"),
        "sneer": both("noseSneer"),
        "tongue": one("tongueOut"),
        "wide_eyes": both("eyeWide"),
    }
    return {**said, "calm": np.max(list(said.values()), axis=0)}


def attributes(samples: Mapping[str, np.ndarray], measures: HeadMeasures) -> dict[str, FloatArray]:
    """(N,) numbers by name, of N samples' identity, expression, rotation and traits."""
    identity, expression, rotation, traits = (
        np.asarray(samples[name], np.float32)
        for name in ("identity", "expression", "rotation", "traits")
    )
    return {
        **poses(rotation),
        **expressions(expression),
        **measures.deviations(identity),
        **dict(zip(TRAIT_NAMES, traits.T, strict=True)),
    }
