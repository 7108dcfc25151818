"""The loops over all texels, compiled: numpy would go through memory once for every step."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def mix(corners, weights, values, out):  # type: ignore[no-untyped-def]
    """(V, C) per-vertex values -> (N, C) ``out`` at texels with (N, 3) corners and weights."""
    for n in range(corners.shape[0]):
        a, b, c = corners[n, 0], corners[n, 1], corners[n, 2]
        wa, wb, wc = weights[n, 0], weights[n, 1], weights[n, 2]
        for k in range(values.shape[1]):
            out[n, k] = wa * values[a, k] + wb * values[b, k] + wc * values[c, k]


@njit(cache=True, nogil=True)
def gather(corners, weights, values, out):  # type: ignore[no-untyped-def]
    """Add (N, C) values of texels to the vertices at their corners, in ``out`` (V, C)."""
    for n in range(corners.shape[0]):
        for k in range(values.shape[1]):
            value = values[n, k]
            if value != 0:
                for corner in range(3):
                    out[corners[n, corner], k] += weights[n, corner] * value


@njit(cache=True, nogil=True)
def sample(rgb, pixels, out):  # type: ignore[no-untyped-def]
    """(N, 3) bilinear colours of an (H, W, 3) photo at (N, 2) pixels; its rim is repeated."""
    height, width = rgb.shape[0], rgb.shape[1]
    for n in range(pixels.shape[0]):
        x = min(max(pixels[n, 0] - 0.5, 0.0), width - 1.0)
        y = min(max(pixels[n, 1] - 0.5, 0.0), height - 1.0)
        left, top = int(x), int(y)
        right, low = min(left + 1, width - 1), min(top + 1, height - 1)
        across, down = x - left, y - top
        for k in range(3):
            upper = rgb[top, left, k] * (1 - across) + rgb[top, right, k] * across
            lower = rgb[low, left, k] * (1 - across) + rgb[low, right, k] * across
            out[n, k] = upper * (1 - down) + lower * down


@njit(cache=True, nogil=True)
def blend_twins(off, weight, mirror, share, rows, columns, canvas):  # type: ignore[no-untyped-def]
    """Write (N, 3) values and their weight 0..1 into (S, S, 4) ``canvas``, times that weight.

    A texel whose own weight is small gets up to ``share`` of its mirror texel's value.
    """
    for n in range(off.shape[0]):
        own, other, twin = weight[n], mirror[n], np.float32(0)
        if other >= 0:
            twin = share * weight[other] * min(max(1 - 1.5 * own, 0.0), 1.0)
        total = own + twin
        if total <= 1e-6:
            continue
        scale = min(total, 1.0) / total
        row, column = rows[n], columns[n]
        for k in range(3):
            value = own * off[n, k]
            if twin > 0:
                value += twin * off[other, k]
            canvas[row, column, k] = value * scale
        canvas[row, column, 3] = min(total, 1.0)


@njit(cache=True, nogil=True)
def develop(base, detail, rows, columns, table, out):  # type: ignore[no-untyped-def]
    """Write exp((N, 3) base + (S, S, 3) detail) through a table of its square root's values."""
    most = len(table) - 1
    for n in range(base.shape[0]):
        row, column = rows[n], columns[n]
        for k in range(3):
            root = np.exp(np.float32(0.5) * (base[n, k] + detail[row, column, k]))
            out[row, column, k] = table[int(min(root, np.float32(1.0)) * most + 0.5)]
