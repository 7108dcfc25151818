"""Brows, beard and moustache: strands that lie on the skin of the face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import FloatArray
from ..geometry.mirror import mirror_twins
from ..head.model import HeadModel
from .ground import Roots, ground_of
from .growth import POINTS
from .lip import read_lip
from .solid import Solid
from .view import HairView

# MediaPipe's landmarks along a brow's upper and lower edge, from its tail to the nose.
EDGES = (
    ((70, 63, 105, 66, 107), (46, 53, 52, 65, 55)),
    ((300, 293, 334, 296, 336), (276, 283, 282, 295, 285)),
)
# What may hide a brow, and the share of its pixels that makes it hidden.
COVERS, COVERED = ("hair", "hat", "glasses", "other"), 0.5
# Mean probability of a beard in its zone: a stubble below; none below, with and without a
# moustache: beards are seldom without one, shadows of chins always are.
STUBBLE, NO_BEARD = 0.4, (0.12, 0.4)
# The same of a moustache, which the photo itself can show, too (ml.hair.lip).
NO_MOUSTACHE = 0.3
# Metres over which a moustache thins out towards the edge of its zone.
THIN = 0.003
BROW_LENGTH, STUBBLE_LENGTH, BEARD_LENGTH = 0.0085, 0.0018, 0.008


@dataclass(frozen=True)
class FacialRead:
    """What the photo shows of the face's hair.

    brows: whether it shows them. beard: see ml.hair.look.BEARDS. moustache: whether there is one.
    length: of the beard's strands, metres. kept: by kind, (N,) 0..1 of the candidate roots.
    lip: (S, S) 0..1 where the photo shows a moustache. thin: whether skin shows through that.
    """

    brows: bool
    beard: str
    moustache: bool
    length: float
    kept: dict[str, FloatArray]
    lip: FloatArray
    thin: bool


def read_facial(view: HairView, model: HeadModel, solid: Solid) -> FacialRead:
    """Read brows, beard and moustache of the head ``solid``, its expression included."""
    roots = ground_of(model).roots
    kept, mean = dict[str, FloatArray](), dict[str, float]()
    for kind in ("beard", "moustache"):
        pixels, shown = _seen(view, solid, roots[kind])
        found = view.at(view.beard, pixels)
        mean[kind] = float((found * shown).sum() / max(shown.sum(), 1e-6))
        twin = mirror_twins(roots[kind].points.on(model.shape.mean))
        other = np.where(shown[twin] > 0.3, found[twin], mean[kind])
        kept[kind] = np.clip(1.6 * (shown * found + (1 - shown) * other) - 0.2, 0, 1)
    kept["brow"], brows = _brows(view, model, solid)
    lip = _lip(view, model, solid)
    parsed = mean["moustache"] > NO_MOUSTACHE
    moustache = parsed or lip is not None
    beard = "none" if mean["beard"] < NO_BEARD[not moustache] else "beard"
    length = _beard_length(view, solid, model)
    if beard == "beard" and mean["beard"] < STUBBLE and length < 0.004:
        beard = "stubble"
    if beard == "none":
        kept["beard"] *= 0
    if not moustache:
        kept["moustache"] *= 0
    elif lip is not None:
        kept["moustache"] = np.maximum(kept["moustache"], lip)
    length = STUBBLE_LENGTH if beard == "stubble" else BEARD_LENGTH + length
    where = _where(view, solid, roots["moustache"], kept["moustache"])
    return FacialRead(brows, beard, moustache, length, kept, where, not parsed)


def _lip(view: HairView, model: HeadModel, solid: Solid) -> FloatArray | None:
    """(N,) 0..1 of the moustache's candidate roots; None where the photo shows a bare lip."""
    roots = ground_of(model).roots["moustache"]
    lip = read_lip(view, model, solid, (roots, _seen(view, solid, roots)[1]))
    return lip.kept * np.clip(roots.margin / THIN, 0, 1) if lip.haired else None


def _where(view: HairView, solid: Solid, roots: Roots, kept: FloatArray) -> FloatArray:
    """(S, S) 0..1 where the photo shows strands of roots that are kept, or a beard."""
    drawn = np.zeros(view.hair.shape, np.float32)
    chosen = roots.take(np.flatnonzero(kept > 0.5))
    pixels, depth = view.project(chosen.points.on(solid.vertices))
    column, row = np.clip(pixels[view.shows(pixels, depth) > 0], 0, view.side - 1).astype(int).T
    drawn[row, column] = 1
    return np.maximum(view.beard, drawn)


def _seen(view: HairView, solid: Solid, roots: Roots) -> tuple[FloatArray, FloatArray]:
    """Pixels of the roots, and (N,) 0..1 how well the photo shows each."""
    pixels, depth = view.project(roots.points.on(solid.vertices))
    normal = roots.points.on(solid.normals) @ view.camera.rotation.T
    return pixels, view.shows(pixels, depth) * np.clip((-normal[:, 2] - 0.1) / 0.2, 0, 1)


def _brows(view: HairView, model: HeadModel, solid: Solid) -> tuple[FloatArray, bool]:
    """(N,) 0..1 of the brows' candidate roots, and whether the photo shows brows at all."""
    roots = ground_of(model).roots["brow"]
    pixels, shown = _seen(view, solid, roots)
    usual = np.clip(0.3 + roots.margin / 0.004, 0, 1) * 0.8
    covered = view.at(view.parse.of(*COVERS), pixels)
    shown = shown * np.clip(1.2 - 2 * covered, 0, 1)
    found = view.at(view.parse.of("brows"), pixels)
    seen = bool(shown.mean() > 1 - COVERED) and bool((found * shown).sum() > 0.25 * shown.sum())
    if not seen:
        return usual.astype(np.float32), False
    # A brow that hair hides looks like the other one.
    twin = mirror_twins(roots.points.on(model.shape.mean))
    other = np.where(shown[twin] > 0.3, found[twin], usual)
    kept = shown * found + (1 - shown) * other
    return np.clip(1.3 * kept - 0.1, 0, 1).astype(np.float32), True


def _beard_length(view: HairView, solid: Solid, model: HeadModel) -> float:
    """Metres that the beard reaches below the bare chin."""
    chin = solid.vertices[model.joints["chin"]].mean(0, keepdims=True)
    pixel, _ = view.project(chin)
    column = int(np.clip(pixel[0, 0], 2, view.side - 3))
    rows = np.flatnonzero(view.beard[:, column - 2 : column + 3].mean(1) > 0.5)
    if not len(rows):
        return 0.0
    return float(np.clip((rows.max() - pixel[0, 1]) * view.pixel() - 0.006, 0, 0.15))


def brow_strands(
    solid: Solid, model: HeadModel, roots: Roots, rng: np.random.Generator
) -> FloatArray:
    """(N, POINTS, 3): up at the nose, outwards along the brow and down at its tail."""
    points = model.landmark_sets["mediapipe478"].on(solid.vertices)
    place = roots.points.on(solid.vertices)
    left = place[:, 0] > 0
    side = np.where(left, 1.0, -1.0)
    x = np.abs(place[:, 0])
    upper, lower = (
        np.where(left, _edge(points[list(EDGES[1][k])], x), _edge(points[list(EDGES[0][k])], x))
        for k in (0, 1)
    )
    across = np.clip((place[:, 1] - lower) / np.maximum(upper - lower, 1e-4), 0, 1)
    inner, outer = 0.014, 0.055
    along = np.clip((x - inner) / (outer - inner), 0, 1)
    rise = np.interp(along, (0, 0.2, 0.55, 1), (1.6, 0.75, 0.15, -0.45)) - 0.9 * (across - 0.45)
    outwards = side * (0.35 + 0.9 * np.minimum(3 * along, 1))
    way = np.stack([outwards, rise, 0 * x], 1)
    length = BROW_LENGTH * (0.65 + 0.5 * rng.random(len(x)))
    length = length * np.interp(along, (0, 0.5, 1), (0.9, 1, 0.7))
    way += rng.normal(0, 0.16, way.shape)
    return laid(solid, place, way, (length, 0.0011))


def _edge(points: FloatArray, x: FloatArray) -> FloatArray:
    """Heights of a brow's edge (P, 3) at these distances from the middle."""
    order = np.argsort(np.abs(points[:, 0]))
    height = np.interp(x, np.abs(points[order, 0]), points[order, 1])
    return np.asarray(height, dtype=np.float32)


def beard_strands(
    solid: Solid, roots: Roots, length: float, rng: np.random.Generator, *, upper: bool
) -> FloatArray:
    """(N, POINTS, 3): down, and away from the middle on the upper lip (``upper``)."""
    place = roots.points.on(solid.vertices)
    clump = rng.normal(0, 0.18, (int(roots.clump.max(initial=0)) + 1, 3))[roots.clump]
    side = np.tanh(place[:, 0] / 0.008)
    if upper:
        way = np.stack([0.8 * side, -0.8 + 0 * side, 0.1 + 0 * side], 1)
        length = min(length, 0.011)
    else:
        way = np.stack([0.15 * side, -1 + 0 * side, 0.12 + 0 * side], 1)
    way = way + clump + rng.normal(0, 0.12, way.shape)
    lengths = length * (0.6 + 0.6 * rng.random(len(place)))
    return laid(solid, place, way, (lengths, 0.25 * length + 0.0006))


def laid(
    solid: Solid, root: FloatArray, way: FloatArray, size: tuple[FloatArray, float]
) -> FloatArray:
    """(N, POINTS, 3) strands that bend down to the skin; size: (N,) lengths and the height."""
    length, lift = size
    normal = solid.height(root)[1]
    track, point = [root], root
    step = (length / (POINTS - 1))[:, None]
    for number in range(POINTS - 1):
        flat = way - (way * normal).sum(1, keepdims=True) * normal
        flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
        height, normal, _ = solid.height(point)
        rise = np.clip((lift - height) / (4 * step[:, 0] + 1e-6), -0.3, 1.2)[:, None]
        turn = flat + rise * normal
        turn /= np.linalg.norm(turn, axis=1, keepdims=True)
        point = solid.pushed_out(point + turn * step, 0.0002 * (number + 1))
        track.append(point)
    return np.stack(track, 1).astype(np.float32)
