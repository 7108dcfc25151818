"""What hair, glasses and clothes are fitted to: the head as a field of radii, ears and bust."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from ....data import IntArray
from ....geometry import MILLIMETRES
from ....geometry.mirror import MIRROR
from ....geometry.sampling import bilinear
from ....rendering import vertex_normals
from ..picture.scene import Stage
from .extra import Floats, circle, dot, unit

ROWS, COLUMNS, LOWEST = 44, 64, 2.6
CENTRE = np.array([0, 0.045, 0.0], np.float32)
# Height of the hairline over the azimuth (degrees from the front), on the mean head: forehead,
# temple, sideburn, over the ear, behind it, nape.
_AZIMUTH = (0, 22, 36, 48, 58, 66, 73, 80, 88, 100, 112, 125, 142, 180)
_HAIRLINE = (91, 92, 88, 76, 56, 24, 16, 44, 57, 56, 40, -4, -32, -42)
# The left ear's top, back, lobe and hole on the mean head.
_EAR = np.array(
    [
        [0.071, 0.044, 0.006],
        [0.0735, 0.026, -0.016],
        [0.0735, -0.011, 0.014],
        [0.072, 0.02, 0.008],
    ]
)
_EARS = np.stack([_EAR, _EAR * MIRROR])


@dataclass(frozen=True)
class HeadAnchors:
    """Where things are fitted to the mean head of ``stage``.

    Attributes
    ----------
    corners, weights: (ROWS, COLUMNS, 3) the skin first met on each ray from CENTRE.
    hairline: (COLUMNS,) polar angle, radians. polar, azimuth: (D,) of the drawn vertices.
    on_skull: (D,) bool, skin without the ears. area: (D,) relative share of the skin.
    nearest, offset: (478,) and (478, 3) drawn vertex by each landmark, and the way from it.
    middle: (3,) of the upper half of the field. skull: indices on_skull near the hair.
    bust: indices of some vertices under the chin. front: indices of the frontal face.
    """

    stage: Stage
    corners: IntArray
    weights: Floats
    hairline: Floats
    polar: Floats
    azimuth: Floats
    on_skull: np.ndarray
    area: Floats
    nearest: IntArray
    offset: Floats
    ears: IntArray
    middle: Floats
    skull: IntArray
    bust: IntArray
    front: IntArray


@dataclass(frozen=True, eq=False)
class Wearer:
    """One head to dress.

    Attributes
    ----------
    vertices, normals: (D, 3). centre: (3,) of the skull. radius: (ROWS, COLUMNS) metres.
    landmarks: (478, 3). ears: (2, 4, 3) top, back, lobe and hole; the subject's left first.
    bust: (2, 3) scale and shift from the mean bust to this one.
    """

    anchors: HeadAnchors
    vertices: Floats
    normals: Floats
    centre: Floats
    radius: Floats
    landmarks: Floats
    ears: Floats
    bust: Floats

    def reach(self, directions: Floats) -> Floats:
        """(..., 3) unit directions from the centre -> (...) metres to the skin."""
        polar, azimuth = angles(directions)
        return self.reach_at(polar, azimuth)

    def reach_at(self, polar: Floats, azimuth: Floats) -> Floats:
        """(...) polar angles and azimuths -> (...) metres from the centre to the skin."""
        row = np.clip(polar * ((ROWS - 1) / LOWEST), 0, ROWS - 1)
        column = azimuth * (COLUMNS / (2 * np.pi)) % COLUMNS
        places = np.stack(np.broadcast_arrays(column, row), -1)
        found = bilinear(self._wrapped, places.reshape(-1, 2))
        return found.reshape(places.shape[:-1])

    @cached_property
    def _wrapped(self) -> Floats:
        """(ROWS, COLUMNS + 1, 1) the radius, its first column once more after the last."""
        return np.concatenate([self.radius, self.radius[:, :1]], 1)[..., None]

    def on_body(self, points: Floats) -> Floats:
        """Mean bust -> this person's."""
        return (points * self.bust[0] + self.bust[1]).astype(np.float32)


@lru_cache(maxsize=1)
def anchors_of(stage: Stage) -> HeadAnchors:
    """The anchors of ``stage``, which take seconds to find."""
    from scipy.spatial import cKDTree

    mean = stage.shape.mean
    skin = stage.is_part("Face", "Head and Neck")
    beside = np.abs(mean[:, 0]) > 0.0705
    ear = beside & (np.abs(mean[:, 1] - 0.02) < 0.045) & (mean[:, 2] > -0.035)
    facing = stage.triangles[(skin & ~ear)[stage.triangles].all(1)]
    corners, weights = _first_met(mean, facing)
    hit = _met(mean, corners, weights)
    polar, azimuth = angles(unit(mean - CENTRE))
    tree = cKDTree(np.where(skin[:, None], mean, 9))
    landmarks = stage.dense.mean[:478]
    nearest = tree.query(landmarks)[1].astype(np.int32)
    ears = tree.query(_EARS)[1].astype(np.int32)
    frontal = skin & (np.abs(mean[:, 0]) < 0.075) & (np.abs(mean[:, 1] - 0.025) < 0.05)
    return HeadAnchors(
        stage,
        corners,
        weights,
        _hairline(hit),
        polar,
        azimuth,
        skin & ~ear,
        _areas(stage, skin),
        nearest,
        landmarks - mean[nearest],
        ears,
        hit[: ROWS // 2].reshape(-1, 3).mean(0),
        np.flatnonzero(skin & ~ear & (polar < 2.3)),
        np.flatnonzero(skin & (mean[:, 1] < -0.1))[::2],
        np.flatnonzero(frontal & (mean[:, 2] > 0.04)),
    )


def measure(anchors: HeadAnchors, vertices: Floats, normals: Floats | None = None) -> Wearer:
    """The head with the expressed ``vertices`` (D, 3), ready to be dressed."""
    mean = anchors.stage.shape.mean
    if normals is None:
        normals = vertex_normals(vertices, anchors.stage.triangles)
    hit = _met(vertices, anchors.corners, anchors.weights)
    centre = CENTRE + hit[: ROWS // 2].reshape(-1, 3).mean(0) - anchors.middle
    before, after = mean[anchors.bust], vertices[anchors.bust]
    scale = after.std(0) / np.maximum(before.std(0), 1e-6)
    bust = np.stack([scale, after.mean(0) - before.mean(0) * scale])
    landmarks = vertices[anchors.nearest] + anchors.offset
    ears = vertices[anchors.ears] + _EARS.astype(np.float32) - mean[anchors.ears]
    away = hit - centre
    radius = np.sqrt(dot(away, away)).astype(np.float32)
    return Wearer(
        anchors, vertices, normals, centre.astype(np.float32), radius, landmarks, ears, bust
    )


def angles(directions: Floats) -> tuple[Floats, Floats]:
    """Unit directions -> polar angle from +Y and azimuth from +Z towards +X."""
    # Copied, as arctan2 of strided float32 rounds differently from place to place in memory.
    x, y, z = (directions[..., axis].copy() for axis in range(3))
    return np.arccos(np.clip(y, -1, 1)), np.arctan2(x, z)


def direction(polar: Floats, azimuth: Floats) -> Floats:
    """The inverse of angles."""
    ring = np.sin(polar)
    parts = [ring * np.sin(azimuth), np.cos(polar) * np.ones_like(azimuth), ring * np.cos(azimuth)]
    return np.stack(np.broadcast_arrays(*parts), -1).astype(np.float32)


def _hairline(hit: Floats) -> Floats:
    """(COLUMNS,) polar angle at which each column of the field reaches the hairline's height."""
    around = circle(COLUMNS)
    wrapped = np.degrees(np.abs((around + np.pi) % (2 * np.pi) - np.pi))
    height = np.interp(wrapped, _AZIMUTH, _HAIRLINE) / MILLIMETRES
    rows = np.arange(ROWS) * LOWEST / (ROWS - 1)
    columns = [np.interp(-height[c], -hit[:, c, 1], rows) for c in range(COLUMNS)]
    return np.array(columns, np.float32)


def _met(vertices: Floats, corners: IntArray, weights: Floats) -> Floats:
    """(ROWS, COLUMNS, 3) where the rays of the field meet the skin of this head."""
    return sum(vertices[corners[..., k]] * weights[..., k, None] for k in range(3))


def _areas(stage: Stage, skin: np.ndarray) -> Floats:
    a, b, c = (stage.shape.mean[stage.triangles[:, corner]] for corner in range(3))
    size = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    area = np.bincount(stage.triangles.ravel(), np.repeat(size, 3), len(skin))
    return (area * skin).astype(np.float32)


def _first_met(mean: Floats, triangles: IntArray) -> tuple[IntArray, Floats]:
    """Where each ray of the field first meets the skin: (ROWS, COLUMNS, 3) corners, weights."""
    polar = np.arange(ROWS) * LOWEST / (ROWS - 1)
    rays = direction(polar[:, None], circle(COLUMNS))
    corners = (mean[triangles] - CENTRE).astype(np.float64).transpose(0, 2, 1)
    good = np.abs(np.linalg.det(corners)) > 1e-14
    triangles, inverse = triangles[good], np.linalg.inv(corners[good])
    found = np.zeros((ROWS, COLUMNS), np.int64)
    weights = np.zeros((ROWS, COLUMNS, 3), np.float32)
    for row in range(ROWS):
        # All rays start at one point, so a ray in a triangle is a positive mix of its corners.
        mix = inverse.reshape(-1, 3) @ rays[row].T
        mix = mix.reshape(len(triangles), 3, COLUMNS)
        near = np.where((mix >= -1e-7).all(1), mix.sum(1), 0)
        best = near.argmax(0)
        hit = near[best, np.arange(COLUMNS)] > 0
        found[row] = np.where(hit, best, found[max(row - 1, 0)])
        chosen = mix[best, :, np.arange(COLUMNS)]
        chosen = chosen / np.maximum(chosen.sum(1, keepdims=True), 1e-9)
        weights[row] = np.where(hit[:, None], chosen, weights[max(row - 1, 0)])
    return triangles[found].astype(np.int32), weights
