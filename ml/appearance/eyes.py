"""Eyes: white, iris and pupil, painted round the gaze."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import FloatArray
from ..head.model import HeadModel
from .atlas import parts_of_kind

SIDES = ("left", "right")
EYE_KINDS = ("eye", "iris", "pupil")
SCLERA = np.array([226.0, 220.0, 216.0], np.float32)
CORNER = np.array([214.0, 178.0, 172.0], np.float32)
PUPIL_COLOUR = np.array([10.0, 9.0, 9.0], np.float32)
# Shares of the iris' radius: where its dark rim begins, and the widths of the soft edges of iris
# and pupil.
LIMBUS, LIMBUS_WIDTH, PUPIL_WIDTH = 0.8, 0.14, 0.08


@dataclass(frozen=True)
class Eye:
    """The place of one eye of the mean head, whose gaze is along +Z.

    Attributes
    ----------
    centre: (3,) of its iris. iris, pupil: their radii. All in metres.
    """

    centre: FloatArray
    iris: float
    pupil: float


def eye_of(model: HeadModel, side: str) -> Eye:
    """The eye of the ``side`` "left" or "right", measured on the model's iris and pupil."""
    ring, hole = (_part(model, kind, side) for kind in ("iris", "pupil"))
    centre = (ring.min(0) + ring.max(0)) / 2
    radii = [float(np.linalg.norm((part - centre)[:, :2], axis=1).max()) for part in (ring, hole)]
    return Eye(centre, *radii)


def paint_eye(eye: Eye, places: FloatArray, iris: FloatArray) -> FloatArray:
    """(N, 3) colours of an eye's texels at (N, 3) places of the mean head.

    iris: (3,) its colour, sRGB.
    """
    offset = places - eye.centre
    share = (np.linalg.norm(offset[:, :2], axis=1) / eye.iris)[:, None]
    turn = np.arctan2(offset[:, 1], offset[:, 0])[:, None]
    # Radial fibres, irregular because two frequencies are mixed.
    fibres = 1 + 0.07 * np.sin(23 * turn) + 0.05 * np.sin(41 * turn + 1.3)
    hole = eye.pupil / eye.iris
    outwards = np.clip((share - hole) / (1 - hole), 0, 1)
    inner = iris * fibres * (1.2 - 0.35 * outwards)
    inner = inner * (1 - 0.55 * _step(share, (LIMBUS + 1) / 2, 1 - LIMBUS))
    # Towards the corners the white turns pink, as it does towards the part behind the lids.
    pink = _step(share, 2.05, 0.7) * 0.6
    white = SCLERA * (1 - pink) + CORNER * pink
    colours = _mix(inner, white, _step(share, 1.0, LIMBUS_WIDTH))
    return _mix(PUPIL_COLOUR, colours, _step(share, hole, PUPIL_WIDTH)).astype(np.float32)


def _part(model: HeadModel, kind: str, side: str) -> FloatArray:
    faces = np.isin(model.part, parts_of_kind(model, kind, side=side))
    return model.shape.mean[np.unique(model.quads[faces])]


def _step(share: np.ndarray, edge: float, width: float) -> np.ndarray:
    return np.clip((share - edge) / width + 0.5, 0, 1)


def _mix(inside: np.ndarray, outside: np.ndarray, share: np.ndarray) -> np.ndarray:
    return inside * (1 - share) + outside * share
