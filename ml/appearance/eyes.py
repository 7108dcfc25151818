"""Eyes: white, iris and pupil, painted round the gaze."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import FloatArray
from ..head.model import HeadModel
from .atlas import parts_of_kind
from .eye_patterns import fibres_at, veins_at

SIDES = ("left", "right")
EYE_KINDS = ("eye", "iris", "pupil")
# sRGB of the white of an eye, which is no white at all, and of what lies in its corners and behind
# the lids.
SCLERA = np.array([201.0, 191.0, 184.0], np.float32)
CORNER = np.array([176.0, 118.0, 110.0], np.float32)
PUPIL_COLOUR = np.array([7.0, 6.0, 6.0], np.float32)
# Radius of the pupil as a share of the iris': in the light of a room.
PUPIL = 0.33
# Shares of the iris' radius: where its dark rim begins, and the widths of the soft edges of iris
# and pupil.
LIMBUS, LIMBUS_WIDTH, PUPIL_WIDTH = 0.8, 0.16, 0.06
# How much an iris' fibres differ from its mean, and how its inner part's colour does.
FIBRE_CONTRAST, INNER = 0.24, np.array([1.12, 1.0, 0.86], np.float32)
# How much less of each colour a vein, and the red about the veins, reflects.
VEIN, BLUSH = np.array([[0.08, 0.42, 0.4], [0.02, 0.08, 0.08]], np.float32)
# How wide that red is, in radii of the iris, and how much of the white the corners' colour takes.
BLUSH_WIDTH, PINK = 0.35, 0.55
# The lids' shade: how dark, and over which heights it falls, in radii of the iris, above and below;
# and how much lower it is one radius aside.
UPPER_SHADE, LOWER_SHADE, LID_BOW = (0.34, 0.1, 1.15), (0.16, 0.4, 1.3), 0.12


@dataclass(frozen=True)
class Eye:
    """The place of one eye of the mean head, whose gaze is along +Z.

    Attributes
    ----------
    side: "left" or "right". centre: (3,) of its iris. iris: its radius. Both in metres.
    """

    side: str
    centre: FloatArray
    iris: float


@dataclass(frozen=True)
class EyePaint:
    """(3,) sRGB 0..255 each: the colour of an iris and of the white round it."""

    iris: FloatArray
    white: FloatArray


def eye_of(model: HeadModel, side: str) -> Eye:
    """The eye of the ``side`` "left" or "right", measured on the model's iris."""
    faces = np.isin(model.part, parts_of_kind(model, "iris", side=side))
    ring = model.shape.mean[np.unique(model.quads[faces])]
    centre = (ring.min(0) + ring.max(0)) / 2
    return Eye(side, centre, float(np.linalg.norm((ring - centre)[:, :2], axis=1).max()))


@dataclass(frozen=True)
class EyeLayers:
    """What colours an eye's N texels: ``iris`` and ``white``, (N, 3) each, say how much of these
    colours shows and in which tint; ``own``, (N, 3) sRGB 0..255, is the same for everybody."""

    iris: FloatArray
    white: FloatArray
    own: FloatArray

    def painted(self, paint: EyePaint) -> FloatArray:
        """(N, 3) sRGB 0..255 of the texels."""
        return np.asarray(self.iris * paint.iris + self.white * paint.white + self.own)


def eye_layers(eye: Eye, places: FloatArray) -> EyeLayers:
    """The layers of an eye's texels at (N, 3) places of the mean head."""
    offset = (places - eye.centre) / eye.iris
    flat = np.ascontiguousarray(offset[:, :2], np.float32)
    # Behind the eye's equator the view from ahead would show the front once more.
    behind = _step(-offset[:, 2:], 1.6, 0.8)
    share = np.linalg.norm(flat, axis=1)[:, None]
    blur = _spacing(share)
    outside = np.maximum(_step(share, 0.99, LIMBUS_WIDTH), behind)
    hole = (1 - _step(share, PUPIL, max(PUPIL_WIDTH, blur))) * (behind < 0.5)
    lit = _lids_shade(flat) * (1 - hole)
    pink = np.maximum(PINK * _smooth((_from_iris(flat) - 1.25) / 1.15), behind)
    white = lit * outside * _white(eye.side, flat, blur)
    layers = (
        lit * (1 - outside) * _iris(eye.side, flat, share, blur),
        white * (1 - pink),
        white * pink * CORNER + hole * PUPIL_COLOUR,
    )
    return EyeLayers(*(layer.astype(np.float32) for layer in layers))


def _from_iris(flat: FloatArray) -> np.ndarray:
    """(N, 1) how far from the iris: whites are pink in the corners more than under the lids."""
    return np.hypot(flat[:, 0], 0.8 * flat[:, 1])[:, None]


def _white(side: str, flat: FloatArray, blur: float) -> np.ndarray:
    """(N, 3) what veins, and the thin dark seam round the iris, leave of the white's colour."""
    seam = 1 - 0.1 * _smooth((1.35 - _from_iris(flat)) / 0.4)
    veins, about = (veins_at(side, flat, width)[:, None] for width in (blur, BLUSH_WIDTH))
    return np.asarray(seam * (1 - VEIN * veins) * (1 - BLUSH * np.minimum(4 * about, 1)))


def _iris(side: str, flat: FloatArray, share: np.ndarray, blur: float) -> np.ndarray:
    """(N, 3) of the iris: fibres, an inner ring that is lighter and warmer, and a dark rim."""
    outwards = np.clip((share - PUPIL) / (1 - PUPIL), 0, 1)
    fibres = 1 + FIBRE_CONTRAST * fibres_at(side, flat, blur)[:, None]
    inner = 1 + (INNER - 1) * (1 - _smooth((outwards - 0.15) / 0.4))
    # A dark ruff of pigment lies round the pupil.
    ruff = 1 - 0.45 * (1 - _smooth((share - PUPIL) / 0.1))
    rim = 1 - 0.62 * _step(share, (LIMBUS + 1) / 2, 1 - LIMBUS)
    return np.asarray(inner * fibres * (1.18 - 0.3 * outwards) * ruff * rim)


def _lids_shade(flat: FloatArray) -> np.ndarray:
    """(N, 1) how much light the lids and their lashes leave, where the eye looks ahead."""
    left, bow = np.ones((len(flat), 1), np.float32), LID_BOW * np.square(flat[:, :1])
    for (dark, start, end), sign in ((UPPER_SHADE, 1), (LOWER_SHADE, -1)):
        left = left * (1 - dark * _smooth((sign * flat[:, 1:] + bow - start) / (end - start)))
    return left


def _spacing(share: np.ndarray) -> float:
    """The distance between texels, in radii of the iris, from how many lie on it."""
    return float(np.sqrt(np.pi / max((share < 1).sum(), 1)))


def _step(share: np.ndarray, edge: float, width: float) -> np.ndarray:
    return np.clip((share - edge) / width + 0.5, 0, 1)


def _smooth(share: np.ndarray) -> np.ndarray:
    share = np.clip(share, 0, 1)
    return np.asarray(share * share * (3 - 2 * share))
