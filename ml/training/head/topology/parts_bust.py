"""The lower side of the bust, which closes the skin below and gives it thickness."""

from __future__ import annotations

import numpy as np

from ....data import FloatArray
from ....geometry.triangles import tube_quads
from .parts import Carry, Part

# Rings from the skin's border inwards: how far below the border (metres), and which share of its
# size they keep. The first ones round the edge off. A last one is drawn together to a line.
RINGS = ((0.0045, 0.992), (0.006, 0.955), (0.0, 0.62), (-0.006, 0.25))


def bust(border: FloatArray, border_carry: Carry) -> Part:
    """The surface within the skin's lower border.

    ``border`` (N, 3): from the nape over the subject's left to the throat and back on the right;
    ``border_carry`` moves it. The surface's first ring coincides with it.
    """
    count = len(border)
    half, quarter = count // 2, count // 4
    # Before and behind: the left shoulder is in the middle between nape and throat.
    front = (half - np.arange(count)) % count
    kept = np.concatenate([np.arange(quarter + 1), np.arange(count - quarter, count)])
    own = np.eye(count)
    # Halfway between a line from shoulder to shoulder and the middle.
    fold = (own + own[front]) / 4 + 0.5 / count
    blends = [size * own + (1 - size) * fold for _, size in RINGS]
    drops = np.array([0.0, *(drop for drop, _ in RINGS), -0.006])
    weights = np.concatenate([own, *blends, fold[kept]]).astype(np.float32)
    rows = len(RINGS) + 2
    row = np.minimum(np.arange(len(weights)) // count, rows - 1)
    places = weights @ border
    places[:, 1] -= drops[row]
    index = np.arange(rows * count, dtype=np.int32).reshape(rows, count)
    index[-1, kept] = index[-1, 0] + np.arange(len(kept))
    index[-1, front[kept]] = index[-1, kept]

    def carry(field: FloatArray) -> FloatArray:
        moved = np.einsum("nb,...bc->...nc", weights, border_carry(field), optimize=True)
        return np.asarray(moved, np.float32)

    # Even rings, which do not fold where the edge is steep.
    shrunk = np.linspace(1, 0.15, rows)[row][:, None]
    flat = np.concatenate([np.tile(border, (rows - 1, 1)), (weights[-len(kept) :] @ border)])
    middle = border[:, [0, 2]].mean(0)
    flat = middle + shrunk * (flat[:, [0, 2]] - middle)
    low, size = flat.min(0), np.ptp(flat, axis=0)
    uv = ((flat - low) / size).astype(np.float32)
    return Part("bust", places.astype(np.float32), tube_quads(index), uv, carry)
