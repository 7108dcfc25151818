"""Hair as cards: ribbons with a texture of strands, for programs that know meshes only.

Strands that lie beside one another become one ribbon; each ribbon shows a strip of the atlas that
:mod:`.atlas` draws. NumPy only: Blender's own Python uses it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import FloatArray
from .atlas import STRIPS, strip_edges

MOST_TRIANGLES = 12_000
# Metres of a strand in one segment of its ribbon, and how many segments a ribbon may have.
_SEGMENT, _FEWEST, _MOST = 0.02, 2, 8
# How many strands at least go into one ribbon, where there are enough.
_BUNDLE = 4
_ROUNDS = 2
# Strands that are compared with all ribbons in one go, a bound on memory.
_AT_ONCE = 8192
# From the skin to the middle of the head: ribbons lie flat on spheres about it.
_DEPTH = 0.09
# A ribbon is so many standard deviations of its strands wide, and its tip narrower.
_SPREAD, _TIP = 3.2, 0.75
# Metres by which roots lie in the skin, and by which ribbons lie above one another.
_SUNK, _LIFT = 0.0005, 0.0015


@dataclass(frozen=True)
class Style:
    """How ribbons of one part of the hair are made.

    Attributes
    ----------
    triangles: how many there may be. width: least and greatest, metres.
    """

    triangles: int
    width: tuple[float, float]


STYLES = {
    "hair": Style(9000, (0.004, 0.022)),
    "brows": Style(800, (0.0015, 0.005)),
    "beard": Style(2200, (0.003, 0.010)),
}


@dataclass(frozen=True)
class Bundle:
    """Strands of one part, all with as many points.

    Attributes
    ----------
    points: (N, K, 3) metres, from root to tip. normal: (N, 3) of the skin at the roots.
    colour: (N, 3) sRGB 0..255.
    """

    points: FloatArray
    normal: FloatArray
    colour: FloatArray


@dataclass(frozen=True)
class Cards:
    """Ribbons.

    Attributes
    ----------
    vertices: (V, 3) in the strands' space. uv: (V, 2) in the atlas. triangles: (T, 3).
    strand: (V,) of the bundle: with its root the vertex moves.
    colours: (S, 3) sRGB 0..255 of the part's strips of the atlas.
    """

    vertices: FloatArray
    uv: FloatArray
    triangles: np.ndarray
    strand: np.ndarray
    colours: FloatArray


def make_cards(part: str, bundle: Bundle) -> Cards:
    """The ribbons of one part of the hair, one of STYLES, from at least one strand."""
    style, points = STYLES[part], np.asarray(bundle.points, np.float32)
    length = np.linalg.norm(np.diff(points, axis=1), axis=2).sum(1)
    segments = int(np.clip(round(float(np.median(length)) / _SEGMENT), _FEWEST, _MOST))
    count = min(style.triangles // (2 * segments), max(1, len(points) // _BUNDLE))
    member, heart = _clusters(points, count)
    count = len(heart)
    levels = np.linspace(0, points.shape[1] - 1, segments + 1)
    at = _at_levels(points, levels)
    spine = _means(at, member, count)
    side = _sides(spine, bundle)
    half = _widths(at - spine[member], side[member], member, style)
    spine = _lifted(spine, bundle.normal[heart], half)
    edges = np.stack([spine - side * half[..., None], spine + side * half[..., None]], 2)
    strip, colours = _strips(part, _means(bundle.colour.astype(np.float32), member, count))
    rows = segments + 1
    return Cards(
        vertices=edges.reshape(-1, 3).astype(np.float32),
        uv=_uv(part, strip, rows),
        triangles=_triangles(count, rows),
        strand=np.repeat(heart, 2 * rows),
        colours=colours,
    )


def _clusters(points: FloatArray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(N,) the cluster of each strand, and (C,) the strand nearest to each cluster's middle."""
    middle = points[:, points.shape[1] // 2]
    features = np.concatenate([points[:, 0], 0.7 * middle, 0.5 * points[:, -1]], 1)
    features = features - features.mean(0)
    # Evenly through the strands in an order that keeps neighbours together.
    order = np.lexsort(np.floor(features[:, :3] / 0.006).T)
    centres = features[order[np.linspace(0, len(order) - 1, count).astype(int)]]
    for _ in range(_ROUNDS):
        _, member = np.unique(_nearest(features, centres), return_inverse=True)
        centres = _means(features, member, int(member.max()) + 1)
    away = ((features - centres[member]) ** 2).sum(1)
    # The nearest of each cluster is written last.
    heart, far = np.zeros(len(centres), int), np.argsort(-away, kind="stable")
    heart[member[far]] = far
    return member, heart


def _nearest(features: FloatArray, centres: FloatArray) -> np.ndarray:
    own = (centres**2).sum(1)
    parts = np.array_split(features, max(1, len(features) // _AT_ONCE))
    return np.concatenate([np.argmin(own - 2 * part @ centres.T, axis=1) for part in parts])


def _means(values: FloatArray, member: np.ndarray, count: int) -> FloatArray:
    """(count, ...) mean of (N, ...) values over each cluster."""
    flat = values.reshape(len(values), -1)
    order = np.argsort(member, kind="stable")
    size = np.bincount(member, minlength=count)
    sums = np.add.reduceat(flat[order], np.cumsum(size) - size, axis=0)
    return (sums / size[:, None]).reshape(count, *values.shape[1:])


def _at_levels(points: FloatArray, levels: np.ndarray) -> FloatArray:
    """(N, L, 3) points at fractional places along strands."""
    first = np.minimum(levels.astype(int), points.shape[1] - 2)
    share = (levels - first)[:, None].astype(np.float32)
    return points[:, first] * (1 - share) + points[:, first + 1] * share


def _sides(spine: FloatArray, bundle: Bundle) -> FloatArray:
    """(C, L, 3) unit vectors across each ribbon, along the head's surface."""
    centre = (bundle.points[:, 0] - _DEPTH * bundle.normal).mean(0)
    along = _unit(np.gradient(spine, axis=1))
    across = np.cross(along, _unit(spine - centre))
    # Hair that stands up has no side of its own: any along the skin does.
    upright = np.cross(along, [0.36, 0.48, 0.8])
    across = np.where(np.linalg.norm(across, axis=2, keepdims=True) < 0.2, upright, across)
    for level in range(1, across.shape[1]):
        turned = (across[:, level] * across[:, level - 1]).sum(1) < 0
        across[turned, level] *= -1
    return _unit(across)


def _widths(away: FloatArray, side: FloatArray, member: np.ndarray, style: Style) -> FloatArray:
    """(C, L) half the width of each ribbon at each level."""
    spread = (away * side).sum(2)
    deviation = np.sqrt(_means(spread**2, member, int(member.max()) + 1))
    low, high = style.width
    taper = np.linspace(1, _TIP, deviation.shape[1])
    return np.clip(_SPREAD * deviation, low, high) * taper / 2


def _lifted(spine: FloatArray, normal: FloatArray, half: FloatArray) -> FloatArray:
    """Ribbons a little off the skin, each at a height of its own, their roots in it."""
    height = _LIFT * np.random.default_rng(0).uniform(0.2, 1, len(spine))[:, None]
    # The edges of a flat ribbon would be below the round skin.
    height = height + half**2 / (2 * _DEPTH)
    height[:, 0] = -_SUNK
    return spine + height[..., None] * normal[:, None]


def _strips(part: str, colour: FloatArray) -> tuple[np.ndarray, FloatArray]:
    """(C,) which of its part's strips each ribbon shows, dark to light, and the strips' colours."""
    count = STRIPS[part]
    rank = np.argsort(np.argsort(colour.sum(1), kind="stable"), kind="stable")
    strip = rank * count // len(colour)
    colours = np.stack(
        [colour[strip == k].mean(0) if (strip == k).any() else colour.mean(0) for k in range(count)]
    )
    return strip, colours


def _uv(part: str, strip: np.ndarray, rows: int) -> FloatArray:
    left, right = strip_edges(part)
    columns = np.stack([left[strip], right[strip]], 1)  # (C, 2)
    uv = np.zeros((len(strip), rows, 2, 2), np.float32)
    uv[..., 0] = columns[:, None]
    uv[..., 1] = np.linspace(0.004, 0.996, rows)[None, :, None]
    return uv.reshape(-1, 2)


def _triangles(count: int, rows: int) -> np.ndarray:
    first = 2 * np.arange(rows - 1)[:, None, None]
    one = (first + np.array([[0, 1, 3], [0, 3, 2]])).reshape(-1, 3)
    return (one + 2 * rows * np.arange(count)[:, None, None]).reshape(-1, 3)


def _unit(vectors: FloatArray) -> FloatArray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
