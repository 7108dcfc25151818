"""Read the hair in a photo: where it is rooted, how thick it lies, how far it reaches."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..data import FloatArray
from ..head.model import HeadModel
from .ground import BEYOND, ground_of
from .knot import FLAT, Knot, knot_of
from .solid import Solid
from .view import CHIN, HairView

# Rays from the middle of the skull to the outline of hair, and how far they are followed (metres).
RAYS, FARTHEST = 120, 0.24
SKULL = (0.0, 0.055, 0.0)
# Thickness where nothing is seen, and the least and most that is believed, metres.
USUAL, THINNEST, THICKEST = 0.014, 0.0025, 0.1
# How much the usual counts beside what is seen.
PRIOR = 0.02
# Below these shares of the scalp that the photo shows, with hair on it, a head is bald; up to this
# thickness hair is shaved.
BALD, SHAVED = 0.12, 0.005
# Height on the mean head where short hair ends, below the ear; long hair begins at the chin.
EAR = -0.03
# Height above which hair that is seen beyond the head grows on top of it, metres.
TOP = 0.085
# Narrower pieces of hair say nothing of its length, metres.
WISP = 0.005
# x of the columns in which a fringe is sought, metres.
COLUMNS = np.linspace(-0.056, 0.056, 9, dtype=np.float32)
# The share of the scalp in view that a hat must cover to hide hair.
HATTED = 0.25
# See _outline.
Outline = tuple[FloatArray, FloatArray, FloatArray]


@dataclass(frozen=True)
class HairRead:
    """What the photo shows of the hair of the scalp.

    Attributes
    ----------
    length: see ml.hair.look.LENGTHS. hat: whether one hides hair, which is grown under it.
    rooted: (V,) 0..1 how surely hair is rooted at a vertex. thickness: (V,) metres of hair above
    the vertices of the scalp, 0 elsewhere.
    reach: (2,) the lowest height of the hair on the subject's right and left, metres in head space.
    parting: x of the parting at the hairline, metres. fringe: (COLUMNS,) 0..1 how much of the
    forehead's upper part hair covers, from right to left. knot: of tied hair, else None.
    """

    length: str
    hat: bool
    rooted: FloatArray
    thickness: FloatArray
    reach: tuple[float, float]
    parting: float
    fringe: FloatArray
    knot: Knot | None = None


def read_hair(view: HairView, model: HeadModel, solid: Solid) -> HairRead:
    """Read the hair that ``view`` shows round the head ``solid``, its expression included."""
    ground = ground_of(model)
    pixels, depth = view.project(solid.vertices[ground.scalp])
    facing = _facing(view, solid, ground.scalp)
    shown = view.shows(pixels, depth) * np.clip((facing - 0.08) / 0.25, 0, 1)
    hat = view.at(view.hat, pixels)
    covered = float((shown * hat).sum() / max(shown.sum(), 1e-6))
    hatted = covered > HATTED
    outline = _outline(view)
    beyond = _beyond(view, outline, solid.vertices[ground.scalp])
    # A hat is no bare skin: under it is what is round it.
    rooted, share = _rooted(view, model, (pixels, shown * (1 - hat)), beyond)
    thickness = _thickness(view, model, solid, outline)
    reach = _reach(view)
    middle = float(np.average(thickness[ground.scalp], weights=rooted[ground.scalp] + 1e-6))
    length = _length(0.5 * (reach[0] + reach[1]), middle, share, hatted)
    parting, fringe = _forehead(view, model, solid)
    knot = None if hatted or length == "bald" else knot_of(view, model, solid, outline)
    if knot is not None:
        thickness = np.minimum(thickness, FLAT)
    return HairRead(length, hatted, rooted, thickness, reach, parting, fringe, knot)


def _facing(view: HairView, solid: Solid, which: np.ndarray) -> FloatArray:
    """(N,) cosine between a vertex's normal and the way to the camera."""
    camera = -view.camera.rotation.T @ view.camera.translation
    way = camera - solid.vertices[which]
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    return np.asarray((way * solid.normals[which]).sum(1), dtype=np.float32)


def _rooted(
    view: HairView, model: HeadModel, seen: tuple[FloatArray, FloatArray], beyond: FloatArray
) -> tuple[FloatArray, float]:
    """(V,) how surely hair is rooted at each vertex, and the share of the scalp in view with hair.

    seen: pixels and 0..1 visibility of the scalp's vertices. Hidden ones follow those round them
    and across; the usual is hair. beyond: see :func:`_beyond`.
    """
    ground = ground_of(model)
    pixels, shown = seen
    margin = ground.margins["scalp"][ground.scalp]
    hair, bare = view.at(view.hair, pixels), view.at(view.bare, pixels)
    evidence = np.maximum(np.clip((hair - bare) * 1.2 + 0.5, 0, 1), beyond)
    shown = np.maximum(shown, beyond)
    own = np.clip((margin + BEYOND) / BEYOND, 0, 1) * (margin > -BEYOND)
    within = margin > 0.006
    share = float((shown * evidence * within).sum() / max((shown * within).sum(), 1e-6))
    around = (ground.kernel @ (shown * within * evidence) + PRIOR) / (
        ground.kernel @ (shown * within) + PRIOR
    )
    if share < BALD:
        around *= 0
    inside = np.clip((margin + 0.004) / 0.008, 0, 1)
    guessed = inside * np.clip(1.6 * around - 0.3, 0, 1)
    told = np.where(evidence > 0.5, own, inside) * evidence
    found = np.zeros(len(model.shape.mean), np.float32)
    found[ground.scalp] = shown * told + (1 - shown) * guessed
    return found, share


def _beyond(view: HairView, outline: Outline, places: FloatArray) -> FloatArray:
    """(S,) 0..1: places on top at the rim of the head, beyond which hair is seen.

    It is rooted there; what is beside a head may be rooted elsewhere.
    """
    seen, sure = _at_rim(view, outline, places)
    return sure * (places[:, 1] > TOP) * np.clip((seen - 0.004) / 0.006, 0, 1)


def _at_rim(view: HairView, outline: Outline, places: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(S,) metres of hair on the rays through (S, 3) places, and 0..1 how much these tell."""
    angle, gap, known = outline
    centre = view.project(np.array([SKULL], np.float32))[0][0]
    away = view.project(places)[0] - centre
    direction = np.arctan2(away[:, 1], away[:, 0])
    angles = np.concatenate([angle - 2 * np.pi, angle, angle + 2 * np.pi])
    seen, sure = (np.interp(direction, angles, np.tile(row, 3)) for row in (gap, known))
    return seen.astype(np.float32), (sure * _on_rim(view, places)).astype(np.float32)


def _thickness(view: HairView, model: HeadModel, solid: Solid, outline: Outline) -> FloatArray:
    """(V,) metres from the skull to the outline of the hair, smooth over the scalp."""
    ground, (_, gap, known) = ground_of(model), outline
    seen, sure = _at_rim(view, outline, solid.vertices[ground.scalp])
    usual = float(np.average(gap, weights=known + 1e-3)) if known.any() else USUAL
    usual = 0.8 * usual + 0.2 * USUAL
    around = (ground.kernel @ (sure * seen) + PRIOR * usual) / (ground.kernel @ sure + PRIOR)
    edge = np.clip(0.35 + (ground.margins["scalp"][ground.scalp]) / 0.03, 0.2, 1)
    found = np.zeros(len(model.shape.mean), np.float32)
    found[ground.scalp] = np.clip(around * edge, THINNEST, THICKEST)
    return found


def _on_rim(view: HairView, places: FloatArray) -> FloatArray:
    """(S,) 0..1 how near each place is to the bare head's outline."""
    depth = np.isfinite(view.depth).astype(np.uint8)
    inward = cv2.distanceTransform(depth, cv2.DIST_L2, 3)
    pixels = view.project(places)[0]
    near = view.at(inward, pixels) * view.pixel()
    return np.clip(1 - near / 0.02, 0, 1).astype(np.float32)


def _outline(view: HairView) -> Outline:
    """Of RAYS from the skull's middle: angles, metres from head to outline, 0..1 how sure.

    Hair ends at the last pixel in a row of hair; where the photo ends first, nothing is known.
    """
    angle = (np.arange(RAYS) / RAYS * 2 * np.pi - np.pi).astype(np.float32)
    centre = view.project(np.array([SKULL], np.float32))[0][0]
    pixel = view.pixel()
    steps = np.arange(0, FARTHEST / pixel, 0.5, dtype=np.float32)
    rays = centre + steps[None, :, None] * np.stack([np.cos(angle), np.sin(angle)], 1)[:, None]
    flat = rays.reshape(-1, 2)
    head = np.isfinite(view.at(view.depth, flat)).reshape(RAYS, -1)
    hair = (view.at(view.hair, flat) > 0.5).reshape(RAYS, -1)
    there = view.within(flat).reshape(RAYS, -1)
    last = np.where(head.any(1), head.shape[1] - 1 - head[:, ::-1].argmax(1), 0)
    count = np.arange(hair.shape[1])[None]
    # The first gap of a few pixels beyond the head ends the hair.
    beyond = hair | (count <= last[:, None] - 6)
    closed = np.cumsum(~beyond, 1) - np.cumsum(~beyond, 1)[np.arange(RAYS), last][:, None]
    run = beyond & (count >= last[:, None] - 6) & (np.abs(closed) < 5)
    end = np.where(run.any(1), run.shape[1] - 1 - run[:, ::-1].argmax(1), 0)
    end = np.minimum(end, (hair * count).max(1))
    gap = (steps[end] - steps[last]) * pixel
    inside = there[np.arange(RAYS), np.minimum(end + 6, there.shape[1] - 1)]
    rim = np.clip(last[:, None] + np.arange(-8, 9), 0, hair.shape[1] - 1)
    haired = np.take_along_axis(hair, rim, 1).any(1)
    # Rays down beside the neck tell how hair hangs, not how thick it lies.
    up = np.sin(angle) < 0.35
    gap = np.clip(gap, -0.02, FARTHEST).astype(np.float32)
    return angle, gap, (inside & up & haired).astype(np.float32)


def _reach(view: HairView) -> tuple[float, float]:
    """The lowest height of hair on the subject's right and left, in head space.

    Where the photo cuts hair off, it is taken to go on for a hand's breadth.
    """
    wide = max(round(WISP / view.pixel()), 1)
    mask = cv2.morphologyEx(
        (view.hair > 0.5).astype(np.uint8),
        cv2.MORPH_OPEN,
        cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wide, wide)),
    )
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return EAR + 1, EAR + 1
    pixels = np.stack([columns, rows], 1) + 0.5
    places = view.at_ears(pixels.astype(np.float32))
    cut = ~view.within(pixels + np.array([0, 4.0])) | (rows > view.side - 4)
    found = []
    for side in (-1, 1):
        mine = places[:, 0] * side > 0
        if mine.sum() < 12:
            found.append(0.03)
            continue
        low = float(np.quantile(places[mine, 1], 0.012))
        ends = cut[mine] & (places[mine, 1] < -0.06)
        found.append(low - 0.06 * (ends.sum() > 3))
    return found[0], found[1]


def _length(reach: float, thickness: float, share: float, hat: bool) -> str:
    if share < BALD and not hat and reach > EAR:
        return "bald"
    if reach < CHIN:
        return "long"
    if reach < EAR:
        return "middle"
    return "shaved" if thickness < SHAVED else "short"


def _forehead(view: HairView, model: HeadModel, solid: Solid) -> tuple[float, FloatArray]:
    """Where the hairline is highest (x, metres), and the fringe; see :class:`HairRead`."""
    margin = ground_of(model).margins["scalp"]
    mean = model.shape.mean
    strip = np.flatnonzero((np.abs(mean[:, 0]) < 0.06) & (mean[:, 2] > 0.045))
    strip = strip[(margin[strip] > -0.03) & (margin[strip] < 0.02)]
    pixels, depth = view.project(solid.vertices[strip])
    bare = view.at(view.bare, pixels) * view.shows(pixels, depth)
    x = solid.vertices[strip, 0]
    high = bare * np.exp(margin[strip] / 0.008) * (np.abs(mean[strip, 0]) < 0.042)
    parting = float((high * x).sum() / max(high.sum(), 1e-6)) if high.sum() > 0.5 else 0.0
    near = np.exp(-((mean[strip, 0][None] - COLUMNS[:, None]) ** 2) / (2 * 0.008**2))
    near *= (margin[strip] < -0.012) * view.shows(pixels, depth)
    fringe = (near * view.at(view.hair, pixels)).sum(1) / np.maximum(near.sum(1), 1e-3)
    return parting, fringe.astype(np.float32)
