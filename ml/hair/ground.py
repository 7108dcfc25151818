"""Where hair grows on a head model: zones, candidate roots and the way strands lie by themselves.

All of it is found on the mean head once; vertices keep their meaning on every person.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..assets.kept import kept
from ..data import FloatArray, IntArray
from ..geometry.triangles import triangulate_with_uv
from ..head.model import HeadModel, SurfacePoints
from ..rendering import vertex_normals

# The hairline of the mean head: its height (metres) by azimuth (degrees from the nose, both ways):
# forehead, temple, sideburn, round the ear, nape.
AZIMUTH = (0, 15, 30, 42, 52, 60, 68, 74, 80, 84, 88, 106, 112, 122, 140, 180)
HAIRLINE = (0.093, 0.094, 0.096, 0.095, 0.078, 0.062, 0.04, 0.015, 0.004, 0.012, 0.05, 0.05, 0.012,
            -0.02, -0.038, -0.045)  # fmt: skip
# Closed rings of MediaPipe's landmarks.
BROWS = (
    (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
)
LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
# How far roots may lie beyond the mean hairline, if the photo shows hair there; metres.
BEYOND = 0.012
# How many roots are drawn on each zone; of these a photo keeps some.
CANDIDATES = {"scalp": 10500, "brow": 1500, "beard": 4200, "moustache": 1000}
CLUMPS = 420


@dataclass(frozen=True)
class Roots:
    """N places where a strand may grow.

    Attributes
    ----------
    points: of the surface. uv: (N, 2). clump: (N,) which strands hang together.
    margin: (N,) metres inside the zone; negative beyond its usual edge.
    """

    points: SurfacePoints
    uv: FloatArray
    clump: IntArray
    margin: FloatArray

    def take(self, which: np.ndarray) -> Roots:
        """A subset."""
        return Roots(self.points.take(which), self.uv[which], self.clump[which], self.margin[which])


@dataclass(frozen=True)
class Ground:
    """Zones of a head model.

    Attributes
    ----------
    triangles: (T, 3) of the outer skin.
    margins: by kind, (V,) metres inside the zone where strands of that kind grow.
    roots: by kind.
    scalp: (S,) vertices of the scalp. kernel: (S, S) how much one tells of another, rows sum to 1.
    """

    triangles: IntArray
    margins: dict[str, FloatArray]
    roots: dict[str, Roots]
    scalp: IntArray
    kernel: FloatArray


@lru_cache(maxsize=2)
def ground_of(model: HeadModel) -> Ground:
    """The zones of ``model``, an Effigy Head; see ml.head."""
    mean = model.shape.mean
    skin = model.part_faces("skin")
    triangles, uv_triangles = triangulate_with_uv(model.quads[skin], model.uv_quads[skin])
    points = model.landmark_sets["mediapipe478"].on(mean)
    margins = {
        "scalp": scalp_margin(mean, model.masks["ears"]),
        "brow": np.maximum(*(_inside(mean, points[list(ring)]) for ring in BROWS)),
        **_beard_margins(mean, points, model.masks["ears"]),
    }
    limits = {"scalp": -BEYOND, "brow": -0.002, "beard": 0.0, "moustache": 0.0}
    roots = {
        kind: _draw(model, triangles, uv_triangles, (margins[kind], limits[kind]), kind)
        for kind in CANDIDATES
    }
    scalp = np.flatnonzero(margins["scalp"] > -0.03).astype(np.int32)
    places = mean[scalp]
    kernel = kept("hair_kernel", {"places": places}, lambda: {"kernel": _kernel(places)})
    return Ground(triangles, margins, roots, scalp, kernel["kernel"])


def scalp_margin(places: FloatArray, ears: FloatArray) -> FloatArray:
    """(V,) metres above the hairline of (V, 3) places on the mean head; no hair grows on ears."""
    azimuth = np.degrees(np.arctan2(np.abs(places[:, 0]), places[:, 2]))
    above = places[:, 1] - np.interp(azimuth, AZIMUTH, HAIRLINE)
    return np.where(ears > 0.3, -1.0, above).astype(np.float32)


def _beard_margins(
    places: FloatArray, points: FloatArray, ears: FloatArray
) -> dict[str, FloatArray]:
    """Margins of beard and moustache, metres."""
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]
    lips = -_inside(places, points[list(LIPS)])
    # From the sideburn to the corner of the mouth.
    cheek = np.interp(x, (0.0, 0.03, 0.05, 0.075), (-0.045, -0.028, -0.018, 0.02))
    lower = np.minimum.reduce([cheek - y, y + 0.115, z - 0.005, lips - 0.001])
    nose, lip = points[2, 1], points[0, 1]
    upper = np.minimum.reduce(
        [nose - 0.002 - y - 0.12 * x, 0.034 - x, y - lip + 0.022 + 0.1 * x, lips - 0.0005]
    )
    upper = np.where(z > 0.07, upper, -1)
    found = {"beard": np.where(upper > 0, -1.0, lower), "moustache": upper}
    return {kind: np.where(ears > 0.3, -1.0, m).astype(np.float32) for kind, m in found.items()}


def _inside(places: FloatArray, ring: FloatArray) -> FloatArray:
    """(V,) metres inside a closed ring (P, 3) in the frontal plane, negative outside."""
    import cv2

    scale = 1e4
    polygon = np.round(ring[:, :2] * scale).astype(np.int32)[:, None]
    near = np.flatnonzero(places[:, 2] > ring[:, 2].min() - 0.035)
    found = np.full(len(places), -1.0, np.float32)
    for index in near:
        x, y = (float(value) for value in places[index, :2] * scale)
        found[index] = cv2.pointPolygonTest(polygon, (x, y), measureDist=True) / scale
    return found


def _draw(
    model: HeadModel,
    triangles: IntArray,
    uv_triangles: IntArray,
    zone: tuple[FloatArray, float],
    kind: str,
) -> Roots:
    """Roots spread evenly over the mean head's area where ``zone``'s margin is above its limit."""
    mean, (margin, limit) = model.shape.mean, zone
    rng = np.random.default_rng(7)
    corner = mean[triangles]
    across = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    area = np.linalg.norm(across, axis=1) * (margin[triangles].max(1) > limit)
    wanted = CANDIDATES[kind]
    # Evenly spaced shares of the summed area spread better than independent draws.
    share = (np.arange(4 * wanted) + rng.random(4 * wanted)) / (4 * wanted)
    face = np.searchsorted(np.cumsum(area) / area.sum(), share).clip(0, len(area) - 1)
    first, second = np.sqrt(rng.random(len(face))), rng.random(len(face))
    weights = np.stack([1 - first, first * (1 - second), first * second], 1).astype(np.float32)
    inside = (margin[triangles[face]] * weights).sum(1)
    used = np.flatnonzero(inside > limit)
    used = np.sort(rng.permutation(used)[:wanted])
    face, weights = face[used], weights[used]
    points = SurfacePoints(triangles[face], weights)
    uv = (model.uv[uv_triangles[face]] * weights[..., None]).sum(1)
    places = points.on(mean)
    centres = places[rng.permutation(len(places))[:CLUMPS]]
    inputs = {"places": places, "centres": centres}
    clump = kept("hair_clumps", inputs, lambda: {"clump": _nearest(places, centres)})["clump"]
    return Roots(points, uv.astype(np.float32), clump, inside[used])


def _nearest(places: FloatArray, centres: FloatArray) -> IntArray:
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(centres).query(places)[1], dtype=np.int32)


def _kernel(places: FloatArray, width: float = 0.028) -> FloatArray:
    """(S, S) Gaussian weights between (S, 3) places, and half of them to mirrored places."""
    found = np.zeros((len(places), len(places)), np.float32)
    for mirrored, gain in ((places, 1.0), (places * np.array([-1, 1, 1], np.float32), 0.35)):
        squared = ((places[:, None] - mirrored[None]) ** 2).sum(-1)
        found += gain * np.exp(-squared / (2 * width**2))
    return found / found.sum(1, keepdims=True)


def normals_of(vertices: FloatArray, model: HeadModel) -> FloatArray:
    """(V, 3) unit normals of the outer skin."""
    return vertex_normals(vertices, ground_of(model).triangles)
