"""Correct the lids of a person so that they close and do not cut the eyeball.

A linear model cannot do this: how far a lid must move depends on how open the person's eye is.
Therefore the shape keys that move lids are corrected once per identity. The correction affects a
few millimetres round the eye; everything else stays linear.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..data import FloatArray, IntArray
from ..geometry.rotations import rotated_about

# Distance of lids from the eyeball in metres; number of nearest vertices that determine the
# eyeball's surface between them; iterations of pushing a lid out of the eyeball.
CLEARANCE, NEAREST, ROUNDS = 0.0002, 6, 4
# How far the surface between vertices can rise above the highest of them, generously.
BULGE = 0.0015
# Rings of the lid's margin, and the share of the closing movement of each further ring.
MARGIN_RINGS, FOLLOW = 3, (0.8, 0.6, 0.42, 0.26, 0.12)
# What keeps quads from turning over beside the eye's corners, by columns away from one: shares of
# their movement by which further rings follow, and shares by which the margin lies straight behind
# its front edge. The margin's corner comes so far towards the next ring.
CORNER_FOLLOW, CORNER_BEHIND, CORNER_COMES = (0.0, 0.3, 0.65), (1.0, 1.0, 0.5, 0.2), 0.4
# The ring in which lashes are rooted: the margin's front edge. Lashes rotate with the lid as it
# slides over the eyeball, up to a limit in radians: closed, the upper ones come to lie on the lower
# ones and do not reach through them.
ROOT_RING = -3
TURN_SHARE, TURN_LIMIT = 1.0, 1.1
# The upper lid's share of the closing movement.
UPPER_SHARE = 0.7
LID_KEYS = (
    "eyeBlink",
    "eyeLookUp",
    "eyeLookDown",
    "eyeLookIn",
    "eyeLookOut",
    "eyeSquint",
    "eyeWide",
)


@dataclass(frozen=True)
class LidRings:
    """The vertices round one eye.

    Attributes
    ----------
    rings: (K, P) of the skin, outermost first. Column 0 is the inner canthus, the upper lid's
        columns follow, and column P - i is opposite column i.
    lashes: (N,) vertices of its lashes, caruncle and tear film; lash_columns: (N,) the column each
        grows from.
    ball: (B,) vertices of the eyeball.
    """

    rings: IntArray
    lashes: IntArray
    lash_columns: IntArray
    ball: IntArray


def settle_lids(
    neutral: FloatArray, keys: FloatArray, names: tuple[str, ...], lids: Mapping[str, LidRings]
) -> tuple[FloatArray, FloatArray]:
    """A person's (V, 3) vertices at rest and (E, V, 3) shape keys with corrected lids.

    names: (E,) of the keys. lids: by side, "Left" and "Right". Inputs are not changed.
    """
    neutral, keys = neutral.copy(), keys.copy()
    for side, eye in lids.items():
        centre = ball_centre(neutral[eye.ball])
        rest = neutral[eye.rings]
        settled = outside(rest, neutral[eye.ball], centre)
        neutral[eye.rings] = settled
        neutral[eye.lashes] += (settled - rest)[ROOT_RING][eye.lash_columns]
        for key in LID_KEYS:
            index = names.index(key + side)
            posed = rest + keys[index, eye.rings]
            ball = (neutral + keys[index])[eye.ball]
            # Closed, the lids' quads are the largest, and the cornea would come through.
            closes = key == "eyeBlink"
            wanted = outside(closed(posed) if closes else posed, ball, centre, 4 if closes else 2)
            keys[index, eye.rings] = wanted - settled
            root, goal = settled[ROOT_RING] - centre, wanted[ROOT_RING] - centre
            arm = neutral[eye.lashes] - centre - root[eye.lash_columns]
            keys[index, eye.lashes] = _with_lid(arm, root, goal, eye.lash_columns)
    return neutral, keys


def _with_lid(arm: FloatArray, root: FloatArray, goal: FloatArray, column: IntArray) -> FloatArray:
    """(N, 3) displacements of lashes that stay in their lid and rotate with it.

    arm: (N, 3) from the lash's place in the lid's ring. root, goal: (P, 3) that ring at rest and
    moved, relative to the eyeball's centre. column: (N,) indices into the ring.
    """
    before, after = _smooth_directions(root), _smooth_directions(goal)
    axis = np.cross(before, after)
    sine = np.linalg.norm(axis, axis=1)
    angle = np.clip(TURN_SHARE * np.arctan2(sine, (before * after).sum(1)), 0, TURN_LIMIT)
    axis /= np.maximum(sine, 1e-9)[:, None]
    axis, angle = axis[column], angle[column, None]
    turned = rotated_about(arm, axis, angle)
    return np.asarray((goal - root)[column] + turned - arm, dtype=np.float32)


def _smooth_directions(columns: FloatArray) -> FloatArray:
    """(P, 3) unit directions, averaged over five neighbours so that lashes do not cross."""
    total = sum(np.roll(columns, step, axis=0) for step in (-2, -1, 0, 1, 2))
    return np.asarray(total / np.linalg.norm(total, axis=1, keepdims=True))


def closed(posed: FloatArray) -> FloatArray:
    """(K, P, 3) rings of the lids -> the same with both margins in contact."""
    rings, count, _ = posed.shape
    upper = np.arange(1, count // 2)
    lower = count - upper
    moved = posed.copy()
    change = np.zeros_like(posed[0])
    beside = _by_corner(CORNER_FOLLOW, count, 1)
    for ring in range(-1, -1 - rings, -1):
        depth = -1 - ring
        if depth < MARGIN_RINGS:
            gap = posed[ring, lower] - posed[ring, upper]
            change[upper], change[lower] = UPPER_SHARE * gap, -(1 - UPPER_SHARE) * gap
            moved[ring] += change
        elif depth - MARGIN_RINGS < len(FOLLOW):
            moved[ring] += FOLLOW[depth - MARGIN_RINGS] * beside * change
    return _with_corners(posed, moved)


def _with_corners(posed: FloatArray, moved: FloatArray) -> FloatArray:
    """``moved`` rings (K, P, 3), whose margins are in contact, with corners that are closed."""
    count = posed.shape[1]
    corners = np.array([0, count // 2])
    front = -MARGIN_RINGS
    moved[front:, corners] += CORNER_COMES * (posed[front - 1] - posed[front])[corners]
    off = moved[front + 1 :] - moved[front]
    straight = np.linalg.norm(off, axis=-1, keepdims=True) * np.array([0, 0, -1], np.float32)
    moved[front + 1 :] += _by_corner(CORNER_BEHIND, count, 0) * (straight - off)
    return moved


def _by_corner(values: tuple[float, ...], count: int, other: float) -> FloatArray:
    """(P, 1) of ``count`` columns: the value by how far the nearer corner is, else ``other``."""
    away = np.arange(count) % (count // 2)
    away = np.minimum(away, count // 2 - away)
    table = np.array((*values, other), np.float32)
    return table[np.minimum(away, len(values)), None]


def ball_centre(ball: FloatArray) -> FloatArray:
    """(3,) centre of the least-squares sphere through the white of an eye (B, 3), metres.

    |p|^2 = 2 c.p + constant is linear in the centre c. The cornea, which protrudes, is left out.
    """
    white = ball[ball[:, 2] < np.percentile(ball[:, 2], 55)].astype(np.float64)
    middle = white.mean(0)
    offset = white - middle
    design = np.column_stack([2 * offset, np.ones(len(white))])
    centre = np.linalg.lstsq(design, (offset**2).sum(1), rcond=None)[0][:3]
    return np.asarray(middle + centre, dtype=np.float32)


def outside(lids: FloatArray, ball: FloatArray, centre: FloatArray, parts: int = 2) -> FloatArray:
    """(K, P, 3) rings of a lid, pushed out of the eyeball (B, 3), away from its centre.

    Points between are tested, too: where one would lie inside, the corners that it is nearest to
    are pushed farther out. parts: 2 or 4, into which the edges between vertices are divided.
    """
    offset = (lids - centre).astype(np.float64)
    # Lids hardly move along the eyeball while they are pushed, so its radius is computed once.
    wall = _wall(_divided(offset, parts), ball - centre)
    for _ in range(ROUNDS):
        push = np.clip(wall - np.linalg.norm(_divided(offset, parts), axis=-1), 0, None)
        for _ in range(parts // 2):
            push = _largest_beside(push)
        offset *= 1 + (push[::parts, ::parts] / np.linalg.norm(offset, axis=-1))[..., None]
    return np.asarray(centre + offset, dtype=np.float32)


def _divided(rings: np.ndarray, parts: int) -> np.ndarray:
    return refined(rings) if parts == 2 else refined(refined(rings))


def _largest_beside(values: np.ndarray) -> np.ndarray:
    """(R, C) the largest of each value and the eight round it; the columns form a loop."""
    across = np.maximum(np.maximum(np.roll(values, 1, 1), np.roll(values, -1, 1)), values)
    largest = across.copy()
    largest[1:] = np.maximum(largest[1:], across[:-1])
    largest[:-1] = np.maximum(largest[:-1], across[1:])
    return largest


def _wall(offset: np.ndarray, away: np.ndarray) -> np.ndarray:
    """(...,) the least distance from the eyeball's centre in the directions of (..., 3) ``offset``.

    0 for what lies outside anyway: most of the rings, whose walls would take most of the time.
    """
    distance = np.linalg.norm(offset, axis=-1)
    near = distance < np.linalg.norm(away, axis=1).max() + BULGE
    wall = np.zeros(distance.shape)
    wall[near] = surface_radius(offset[near], away) + CLEARANCE
    return wall


def refined(rings: np.ndarray) -> np.ndarray:
    """(K, P, 3) closed rings -> (2 K - 1, 2 P, 3) with the middles of edges and quads between."""
    finer = np.stack([rings, (rings + np.roll(rings, -1, axis=1)) / 2], 2)
    finer = finer.reshape(len(rings), -1, 3)
    middles = (finer[1:] + finer[:-1]) / 2
    whole = np.empty((2 * len(rings) - 1, *finer.shape[1:]))
    whole[::2], whole[1::2] = finer, middles
    return whole


def surface_radius(offset: np.ndarray, away: np.ndarray) -> np.ndarray:
    """(...,) radius of an eyeball's surface in the directions of (..., 3) ``offset``.

    away: (B, 3) the eyeball's vertices relative to its centre. Between them the radius is a
    weighted least-squares plane through the nearest vertices: the nearest vertex alone would be
    half a millimetre off on the cornea's flank.
    """
    radius = np.linalg.norm(away, axis=1).astype(np.float64)
    units = away / radius[:, None]
    places = offset.reshape(-1, 3)
    places = places / np.linalg.norm(places, axis=1, keepdims=True)
    near = largest(places @ units.T, NEAREST)
    steps = units[near] - places[:, None]
    square = (steps**2).sum(-1)
    weight = 1 / (square + 0.1 * square.mean(1, keepdims=True))
    # A plane over the two tangent directions; the third coordinate is of second order.
    one = np.cross(places, np.where(np.abs(places[:, :1]) < 0.7, [[1.0, 0, 0]], [[0, 1.0, 0]]))
    one /= np.linalg.norm(one, axis=1, keepdims=True)
    frame = np.stack([one, np.cross(places, one)], -1)
    design = np.concatenate([np.ones_like(square)[..., None], steps @ frame], -1)
    system = np.einsum("nk,nki,nkj->nij", weight, design, design) + 1e-9 * np.eye(3)
    right = np.einsum("nk,nki,nk->ni", weight, design, radius[near])
    found = np.linalg.solve(system, right[..., None])[:, 0, 0]
    return np.asarray(found.reshape(offset.shape[:-1]))


def largest(values: np.ndarray, count: int) -> np.ndarray:
    """(N, count) columns of the largest of each row's (N, B) values, which are changed.

    For a few of some hundred, finding the maximum as often takes half as long as a partition.
    """
    rows = np.arange(len(values))
    found = np.empty((len(values), count), np.intp)
    for place in range(count):
        found[:, place] = values.argmax(axis=1)
        values[rows, found[:, place]] = -np.inf
    return found
