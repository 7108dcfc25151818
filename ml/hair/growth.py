"""Grow the strands of the scalp, step by step from their roots."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..data import FloatArray
from .flow import DOWN, Flow
from .ground import Roots
from .read import HairRead
from .strands import resampled
from .view import HairView

STEPS, POINTS = 26, 20
# The first steps are shorter than the others, and points of a strand stand closer at its root, by
# this power of their number: there hair bends most.
SHORT, CLOSER = 3, 1.35
# Waves: order of the photo's strands (ml.hair.flow) at which hair is straight, and fully curled;
# length and height of a wave, metres.
STRAIGHT, CURLY, WAVE, WAVINESS = 0.84, 0.58, 0.05, 0.007
# How far a parting is from a straight line, metres.
FRAYED = 0.004
# Below this height hair no longer lies on the head but hangs; metres, over a span.
HANGS, SPAN = 0.02, 0.06
# The length of hair that has no thickness of its own, metres: it lies and covers the skin.
SHAVED = 0.008
# z of the ears, metres, and how far hair that hangs before them falls back, per metre down.
EARS, BACK = 0.015, 0.7
# Metres beyond which strands are not pulled back to the hair in the photo, but end: of hair that
# lies, and of hair that hangs.
ASTRAY = (0.005, 0.02)
ENDS = 0.003


@dataclass(frozen=True)
class Allowed:
    """Where strands may be in the photo.

    before, behind: (S, S, 2) way in pixels to the nearest hair, and to the nearest hair or head.
    """

    before: FloatArray
    behind: FloatArray


def allowed_in(view: HairView) -> Allowed:
    """What the photo allows; outside it anything is, and so it is under a hat."""
    hair = (view.hair > 0.4) | (view.hat > 0.4)
    head = hair | np.isfinite(view.depth)
    ways = [_way_to(mask) * view.inside[..., None] for mask in (hair, head)]
    return Allowed(ways[0], ways[1])


def _way_to(mask: np.ndarray) -> FloatArray:
    if not mask.any():
        return np.zeros((*mask.shape, 2), np.float32)
    _, label = cv2.distanceTransformWithLabels(
        (~mask).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = np.nonzero(mask)
    place = np.zeros((label.max() + 1, 2), np.float32)
    place[label[rows, columns]] = np.stack([columns, rows], 1)
    own = np.stack(np.meshgrid(np.arange(mask.shape[1]), np.arange(mask.shape[0])), -1)
    return (place[label] - own).astype(np.float32)


@dataclass(frozen=True)
class Wish:
    """What each of N strands is to become: length, layer (height above the skin) and lowest y."""

    length: FloatArray
    layer: FloatArray
    lowest: FloatArray


def wishes(roots: Roots, places: FloatArray, read: HairRead, rng: np.random.Generator) -> Wish:
    """Lengths and layers of strands with these roots at (N, 3) ``places``."""
    count = len(places)
    thick = roots.points.on(read.thickness[:, None])[:, 0]
    # Some lie on the skin: it would be seen under the others along a parting.
    layer = thick * (0.06 + 0.94 * rng.random(count, np.float32) ** 0.4)
    side = np.clip(places[:, 0] / 0.06, -1, 1) * 0.5 + 0.5
    lowest = read.reach[0] * (1 - side) + read.reach[1] * side
    lowest = lowest + 0.03 * rng.random(count, np.float32) ** 2
    if read.knot is not None:
        lowest = lowest - 1
        length = read.knot.lengths(places) * (0.9 + 0.2 * rng.random(count))
    elif read.length in ("middle", "long"):
        length = np.maximum(places[:, 1] - lowest, 0.04) * 1.15 + 0.06
    elif read.length == "shaved":
        layer = np.full(count, 0.002, np.float32)
        length = SHAVED * (0.7 + 0.6 * rng.random(count))
        lowest = lowest - 1
    else:
        lowest = lowest - 1
        length = np.clip(1.5 * thick + 0.01, 0.008, 0.075) * (0.75 + 0.5 * rng.random(count))
    return Wish(length.astype(np.float32), layer.astype(np.float32), lowest.astype(np.float32))


def grown(roots: Roots, flow: Flow, wish: Wish, rng: np.random.Generator) -> FloatArray:
    """(N, POINTS, 3) strands from these roots, in head space."""
    solid, view = flow.solid, flow.view
    allowed = allowed_in(view)
    root = roots.points.on(solid.vertices)
    normal = roots.points.on(solid.normals)
    noise = _noise(roots, rng)
    frayed = np.zeros_like(root)
    frayed[:, 0] = rng.normal(0, FRAYED, len(root))
    share = np.minimum(np.arange(1, STEPS + 1, dtype=np.float32) / SHORT, 1)
    steps = wish.length[:, None] * share / share.sum()
    point, way = root.copy(), normal.copy()
    track, alive = [root.copy()], np.ones(len(root), bool)
    for number, step in enumerate(steps.T):
        height, normal, _ = solid.height(point)
        hangs = np.clip((HANGS - point[:, 1]) / SPAN, 0, 1 if flow.hanging else 0)
        wanted = _direction(flow, (point, frayed), normal, hangs) + noise
        # Hair leaves the skin at an angle and lies down at the height of its layer.
        rise = np.clip((wish.layer - height) / np.maximum(6 * step, 0.004), -1, 1.5)
        if flow.read.knot is not None:
            rise *= 1 - flow.read.knot.near(point)
        wanted += normal * (rise * (1 - hangs))[:, None]
        stiff = 0.35 if number else 0.6
        way = stiff * way + (1 - stiff) * wanted
        way /= np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-6)
        ahead = point + way * step[:, None]
        ahead, lost = _held(view, allowed, (ahead, way), ASTRAY[flow.hanging])
        ahead = solid.pushed_out(ahead, np.minimum(0.0015 * (number + 1), 0.6 * wish.layer + 0.001))
        if flow.hanging:
            ahead = solid.over_ears(ahead)
        alive &= ~lost & (point[:, 1] > wish.lowest)
        point = np.where(alive[:, None], ahead, point)
        track.append(point.copy())
    shares = np.linspace(0, 1, POINTS) ** CLOSER
    return curled(resampled(np.stack(track, 1), shares), roots, flow, rng)


def _direction(
    flow: Flow, place: tuple[FloatArray, FloatArray], normal: FloatArray, hangs: np.ndarray
) -> FloatArray:
    """(N, 3) where hair goes on. place: points, and by how much they count as lying elsewhere."""
    point, frayed = place
    usual = flow.usual(point + frayed, normal)
    # Before the ears it falls back to them, beside the face and not before it.
    fall = DOWN - BACK * np.clip((point[:, 2:] - EARS) / 0.04, 0, 1) * [0, 0, 1]
    usual = usual * (1 - hangs)[:, None] + fall * hangs[:, None]
    way, trust = flow.seen(flow.view.project(point), normal, usual)
    trust = 0.85 * trust[:, None]
    return np.asarray((1 - trust) * usual + trust * way, dtype=np.float32)


def _held(
    view: HairView, allowed: Allowed, ahead: tuple[FloatArray, FloatArray], astray: float
) -> tuple[FloatArray, np.ndarray]:
    """Points moved to where the photo allows them, and (N,) bool: those that went astray.

    ahead: the points, and the unit vectors along which they were reached.
    """
    point, way = ahead
    pixels, depth = view.project(point)
    hidden = np.asarray(depth > view.at(view.depth, pixels))
    ways = view.at(allowed.behind, pixels), view.at(allowed.before, pixels)
    move = np.where(hidden[:, None], *ways)
    moved = view.moved(move, depth)
    far = np.linalg.norm(moved, axis=1)
    # Where hair ends ahead of a strand it ends, too; beside it, it turns.
    against = (moved * way).sum(1) < -0.6 * far
    lost: np.ndarray = ~hidden & ((far > astray) | ((far > ENDS) & against))
    return point + 0.7 * moved * (far < 0.05)[:, None], lost


def curled(strands: FloatArray, roots: Roots, flow: Flow, rng: np.random.Generator) -> FloatArray:
    """Hanging strands as wavy as the photo's are unlike each other; a clump waves together."""
    curl = float(np.clip((STRAIGHT - flow.strokes.order) / (STRAIGHT - CURLY), 0, 1))
    if not flow.hanging or not curl or not len(strands):
        return strands
    clumps = int(roots.clump.max()) + 1
    phase = 2 * np.pi * rng.random(clumps)[roots.clump] + rng.normal(0, 0.4, len(strands))
    length = WAVE * (0.8 + 0.4 * rng.random(clumps))[roots.clump]
    way = np.gradient(strands, axis=1)
    size = np.linalg.norm(way, axis=2)
    along = np.cumsum(size, 1)
    turn = 2 * np.pi * along / length[:, None] + phase[:, None]
    gain = curl * WAVINESS * np.clip((along - size) / 0.07, 0, 1)
    normal = flow.solid.height(strands.reshape(-1, 3))[1].reshape(strands.shape)
    across = np.cross(way / np.maximum(size, 1e-6)[..., None], normal)
    moved = (gain * np.sin(turn))[..., None] * across + (gain * np.cos(turn))[..., None] * normal
    return (strands + moved).astype(np.float32)


def _noise(roots: Roots, rng: np.random.Generator) -> FloatArray:
    """(N, 3) how strands stray: in clumps more than by themselves."""
    clump = rng.normal(0, 0.16, (int(roots.clump.max(initial=0)) + 1, 3))
    own = rng.normal(0, 0.05, (len(roots.clump), 3))
    return (clump[roots.clump] + own).astype(np.float32)
