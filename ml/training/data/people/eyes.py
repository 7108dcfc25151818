"""Eyeballs, painted pixel by pixel: sclera, iris and pupil."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....data import FloatArray
from ....geometry.colour import linear_of

# sRGB of irises and how often: dark brown, brown, hazel, green, blue, light blue, grey.
_IRISES = np.array(
    [[52, 32, 20], [92, 58, 32], [116, 92, 52], [96, 112, 74], [88, 118, 148], [128, 158, 182],
     [122, 130, 134]], np.float32,
)  # fmt: skip
_SHARES = (0.32, 0.24, 0.1, 0.08, 0.13, 0.07, 0.06)
FAR = 1.0  # metres from the pupil: where there is no eye, and on the eyeball's back


@dataclass(frozen=True)
class Eyes:
    """One person's eyes: (3,) linear colours, metres."""

    iris: FloatArray
    inner: FloatArray
    sclera: FloatArray
    radius: float
    pupil: float
    rim: float
    phase: FloatArray


def random_eyes(rng: np.random.Generator, dark: bool) -> Eyes:
    """Random eyes; dark: whether the skin is, which mostly comes with brown eyes."""
    kind = int(rng.choice(len(_IRISES), p=_SHARES))
    if dark and rng.random() < 0.9:
        kind = kind % 2
    iris = _IRISES[kind] * rng.uniform(0.75, 1.25)
    inner = iris * rng.uniform(0.8, 1.5) + rng.uniform(0, 1) * np.array([40, 22, 0])
    white = np.array([205, 195, 188]) * rng.uniform(0.72, 1.05) + rng.normal(0, 5, 3)
    return Eyes(
        linear_of(iris * rng.normal(1, 0.05, 3)),
        linear_of(inner),
        linear_of(white),
        rng.uniform(0.0055, 0.0061),
        rng.uniform(0.0013, 0.0034),
        rng.uniform(0.3, 0.9),
        rng.uniform(0, 2 * np.pi, 4).astype(np.float32),
    )


def eye_albedo(eyes: Eyes, place: FloatArray) -> FloatArray:
    """(N, 2) metres from the pupil's middle, seen from ahead -> (N, 3) linear albedo."""
    away = np.sqrt((place**2).sum(1))
    angle = np.arctan2(place[:, 1], place[:, 0])
    wave = sum(
        np.sin(angle * k + phase + away * 900)
        for k, phase in zip((7, 13, 23, 31), eyes.phase, strict=True)
    )
    share = np.clip((away - eyes.pupil) / (eyes.radius - eyes.pupil), 0, 1)[:, None]
    iris = eyes.inner * (1 - share) + eyes.iris * share
    iris = iris * (1 + 0.12 * wave[:, None]) * (1 - eyes.rim * np.clip(share * 5 - 4, 0, 1))
    # Whites grow redder and darker towards the corners.
    red = np.clip((away - 0.006) / 0.008, 0, 1)[:, None]
    sclera = eyes.sclera * (1 - red * np.array([0.15, 0.32, 0.34]))
    colour = np.where(away[:, None] < eyes.pupil, 0.006, iris)
    edge = np.clip((away - eyes.radius) / 0.0006 + 0.5, 0, 1)[:, None]
    return (colour * (1 - edge) + sclera * edge).astype(np.float32)


def eye_places(points: FloatArray) -> FloatArray:
    """(N, 2) of one eyeball's vertices at rest, which looks along +Z."""
    centre = (points.min(0) + points.max(0)) / 2
    place = points[:, :2] - centre[:2]
    place[points[:, 2] < centre[2]] = FAR
    return place.astype(np.float32)
