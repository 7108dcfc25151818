"""Lids that close and do not cut the eyeball, for every person.

A linear model cannot do this: how far a lid must travel depends on how open the person's eye is.
So the keys that move lids are settled for each identity once it is known. Everything else stays
linear, and the change is at most a few millimetres wide round the eye.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..data import FloatArray, IntArray

# Metres that a lid keeps from the eyeball.
CLEARANCE = 0.00012
# The lid's margin is this many rings wide; skin above it follows a closing lid less and less.
MARGIN_RINGS, FOLLOW = 3, (0.8, 0.6, 0.42, 0.26, 0.12)
# Lashes stand in this ring of the lid. They turn as it slides over the ball, and by the skin's own
# roll a little more, but no further (radians) than lashes can.
ROOT_RING = -2
TURN_SHARE, TURN_LIMIT = 1.25, 1.1
# The upper lid does most of the closing.
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
    rings: (K, P) of the skin, outermost first; column 0 is the inner canthus, the upper lid comes
        next, and column P - i faces column i.
    lashes: (N,) vertices of its lashes; lash_columns: (N,) the column each grows from.
    ball: (B,) vertices of the eyeball.
    """

    rings: IntArray
    lashes: IntArray
    lash_columns: IntArray
    ball: IntArray


def settle_lids(
    neutral: FloatArray, keys: FloatArray, names: tuple[str, ...], lids: Mapping[str, LidRings]
) -> tuple[FloatArray, FloatArray]:
    """A person's (V, 3) rest and (E, V, 3) keys, settled. ``lids`` by "Left" and "Right"."""
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
            wanted = closed(posed) if key == "eyeBlink" else posed
            wanted = outside(wanted, (neutral + keys[index])[eye.ball], centre)
            keys[index, eye.rings] = wanted - settled
            root, goal = settled[ROOT_RING] - centre, wanted[ROOT_RING] - centre
            arm = neutral[eye.lashes] - centre - root[eye.lash_columns]
            keys[index, eye.lashes] = _with_lid(arm, root, goal, eye.lash_columns)
    return neutral, keys


def _with_lid(arm: FloatArray, root: FloatArray, goal: FloatArray, column: IntArray) -> FloatArray:
    """(N, 3) displacements of lashes that stay in their lid and turn with it.

    arm: (N, 3) from their place in the lid's ring; root, goal: (P, 3) that ring at rest and moved,
    from the centre of the ball; column: (N,) into the ring.
    """
    before, after = _smooth_directions(root), _smooth_directions(goal)
    axis = np.cross(before, after)
    sine = np.linalg.norm(axis, axis=1)
    angle = np.clip(TURN_SHARE * np.arctan2(sine, (before * after).sum(1)), 0, TURN_LIMIT)
    axis /= np.maximum(sine, 1e-9)[:, None]
    axis, angle = axis[column], angle[column, None]
    along = (axis * arm).sum(1, keepdims=True) * axis
    # Rodrigues' formula.
    turned = arm * np.cos(angle) + np.cross(axis, arm) * np.sin(angle)
    turned += along * (1 - np.cos(angle))
    return np.asarray((goal - root)[column] + turned - arm, dtype=np.float32)


def _smooth_directions(columns: FloatArray) -> FloatArray:
    """(P, 3) unit directions, averaged over five neighbours round the eye so that lashes do not
    cross."""
    total = sum(np.roll(columns, step, axis=0) for step in (-2, -1, 0, 1, 2))
    return np.asarray(total / np.linalg.norm(total, axis=1, keepdims=True))


def closed(posed: FloatArray) -> FloatArray:
    """(K, P, 3) lids -> the same with both margins meeting."""
    rings, count, _ = posed.shape
    upper = np.arange(1, count // 2)
    lower = count - upper
    moved = posed.copy()
    change = np.zeros_like(posed[0])
    for ring in range(-1, -1 - rings, -1):
        depth = -1 - ring
        if depth < MARGIN_RINGS:
            gap = posed[ring, lower] - posed[ring, upper]
            change[upper], change[lower] = UPPER_SHARE * gap, -(1 - UPPER_SHARE) * gap
            share = 1.0
        elif depth - MARGIN_RINGS < len(FOLLOW):
            share = FOLLOW[depth - MARGIN_RINGS]
        else:
            break
        moved[ring] += share * change
    return moved


def ball_centre(ball: FloatArray) -> FloatArray:
    """The centre of the sphere through the white of an eye (B, 3), by least squares:
    |p|^2 = 2 c.p + constant is linear in c. The cornea, which stands out, is left out."""
    white = ball[ball[:, 2] < np.percentile(ball[:, 2], 55)].astype(np.float64)
    middle = white.mean(0)
    offset = white - middle
    design = np.column_stack([2 * offset, np.ones(len(white))])
    centre = np.linalg.lstsq(design, (offset**2).sum(1), rcond=None)[0][:3]
    return np.asarray(middle + centre, dtype=np.float32)


def outside(points: FloatArray, ball: FloatArray, centre: FloatArray) -> FloatArray:
    """(..., 3) points, those inside the ball (B, 3) pushed out of it, away from its centre."""
    away = ball - centre
    radius = np.linalg.norm(away, axis=1)
    offset = points - centre
    far = np.linalg.norm(offset, axis=-1, keepdims=True)
    # The cornea stands out: compare with the ball where the point lies over it.
    nearest = ((offset / far) @ (away / radius[:, None]).T).argmax(-1)
    short = np.clip(radius[nearest][..., None] + CLEARANCE - far, 0, None)
    return np.asarray(points + offset / far * short, dtype=np.float32)
