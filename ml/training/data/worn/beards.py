"""Beards, moustaches and brows: short ribbons on the face, with the machinery of hair."""

from __future__ import annotations

import numpy as np

from ....data import IntArray
from .anchors import Wearer
from .extra import Extra, Floats, unit
from .strands import SEGMENTS, ribbons


def beard_area(wearer: Wearer, kind: str) -> Floats:
    """(D,) 0..1 where a beard of ``kind`` (full, goatee, moustache) grows, from the mean head."""
    x, y, z = wearer.anchors.stage.shape.mean.T
    x = np.abs(x)
    lip = _edge(0.027 - x, 0.006) * _edge(y + 0.0285, 0.002) * _edge(-0.0125 - y, 0.003)
    lip = lip * (z > 0.09)
    if kind == "moustache":
        return np.asarray(lip, dtype=np.float32)
    # The upper edge runs from the mouth's corner to the sideburn.
    edge = np.interp(x, [0, 0.026, 0.04, 0.06, 0.07], [-0.052, -0.034, -0.03, 0.0, 0.03])
    jaw = _edge(edge - y, 0.006) * _edge(y + 0.098, 0.012) * _edge(z - 0.022, 0.008)
    if kind == "goatee":
        jaw = jaw * _edge(0.026 - x, 0.006) * (z > 0.05)
    jaw = jaw * wearer.anchors.on_skull
    return np.maximum(jaw, lip).astype(np.float32)


def _edge(distance: Floats, soft: float) -> Floats:
    return np.clip(distance / soft, 0, 1)


def make_beard(wearer: Wearer, colour: Floats, small: bool, rng: np.random.Generator) -> Extra:
    """Stubble to a long beard on chin and jaw."""
    area = beard_area(wearer, "goatee" if small else "full")
    length = float(np.exp(rng.uniform(np.log(0.005), np.log(0.05))))
    count = 420 if small else 1100
    roots = _pick(
        wearer,
        area * (wearer.anchors.stage.shape.mean[:, 1] < -0.03 + 0.06 * (not small)),
        count,
        rng,
    )
    y = wearer.anchors.stage.shape.mean[roots, 1]
    long = length * np.interp(y, [-0.07, -0.03, 0.03], [1, 0.7, 0.3])
    down = np.array([0, -1, 0.0])
    return _tufts(wearer, roots, down, long, 0.0019, colour, rng)


def moustache(wearer: Wearer, colour: Floats, rng: np.random.Generator) -> Extra:
    """From under the nose to the corners of the mouth."""
    roots = _pick(wearer, beard_area(wearer, "moustache"), 260, rng)
    side = np.sign(wearer.anchors.stage.shape.mean[roots, :1])
    way = side * np.array([0.8, 0, 0]) + np.array([0, -0.7, 0.1])
    length = np.full(len(roots), rng.uniform(0.006, 0.014))
    return _tufts(wearer, roots, way, length, 0.0015, colour, rng)


def brows(wearer: Wearer, colour: Floats, rng: np.random.Generator) -> Extra:
    """Bushy brows, combed outwards."""
    roots = _pick(wearer, wearer.anchors.stage.brow * wearer.anchors.on_skull, 260, rng)
    side = np.sign(wearer.anchors.stage.shape.mean[roots, :1])
    way = side * np.array([1.0, 0, -0.3]) + np.array([0, 0.3, 0])
    length = np.full(len(roots), rng.uniform(0.004, 0.008))
    return _tufts(wearer, roots, way, length, 0.0009, colour, rng)


def _pick(wearer: Wearer, area: Floats, count: int, rng: np.random.Generator) -> IntArray:
    """Random vertices, as many per square metre everywhere."""
    total = np.cumsum(area * wearer.anchors.area)
    return np.searchsorted(total, rng.random(count) * total[-1]).clip(0, len(total) - 1)


def _tufts(
    wearer: Wearer,
    roots: IntArray,
    way: Floats,
    length: Floats,
    width: float,
    colour: Floats,
    rng: np.random.Generator,
) -> Extra:
    """Straight short strands that stand off the skin and lie down towards ``way``."""
    count, knots = len(roots), SEGMENTS // 2 + 1
    out = wearer.normals[roots]
    jitter = rng.normal(0, 0.0012, (count, 3))
    start = wearer.vertices[roots] + jitter - out * 0.001
    flat = way - out * (way * out).sum(1, keepdims=True)
    lying = unit(flat + rng.normal(0, 0.3, (count, 3)))
    share = np.linspace(0, 1, knots)[:, None]
    rise = np.minimum(0.25 * length, 0.007) * rng.uniform(0.5, 1.2, count)
    # Long hairs leave the chin's surface and hang down.
    hang = np.clip(length - 0.012, 0, None)[:, None, None] * share**2 * np.array([0, -1, 0.15])
    forth = lying[:, None] * np.minimum(length, 0.02)[:, None, None] * share
    lines = start[:, None] + forth + out[:, None] * rise[:, None, None] * np.sin(share * 2) + hang
    widths = width * rng.uniform(0.6, 1.4, count)
    return ribbons(
        wearer, lines.astype(np.float32), widths, colour, rng.lognormal(0, 0.2, count), rng
    )
