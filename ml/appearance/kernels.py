"""Compiled loops over all texels: NumPy would pass through memory once for every operation."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import cv2
import numpy as np

from ..geometry.compiled import compiled
from .colour import DARKEST_LOG

# Fewer texels than this are not worth a thread of their own.
LEAST = 100_000


def in_parts(work: Callable[[slice], None], count: int) -> None:
    """Call ``work`` with the parts of ``count`` texels, on as many threads as OpenCV may use.

    It has to write to the texels of its part only.
    """
    parts = max(min(cv2.getNumThreads(), count // LEAST), 1)
    ends = np.linspace(0, count, parts + 1).astype(int)
    slices = [slice(*span) for span in pairwise(ends)]
    if parts == 1:
        work(slices[0])
        return
    with ThreadPoolExecutor(parts) as pool:
        list(pool.map(work, slices))


@compiled
def mix(corners, weights, values, out):  # type: ignore[no-untyped-def]
    """(V, C) per-vertex values -> (N, C) ``out`` at texels with (N, 3) corners and weights."""
    for n in range(corners.shape[0]):
        a, b, c = corners[n, 0], corners[n, 1], corners[n, 2]
        wa, wb, wc = weights[n, 0], weights[n, 1], weights[n, 2]
        for k in range(values.shape[1]):
            out[n, k] = wa * values[a, k] + wb * values[b, k] + wc * values[c, k]


@compiled
def gather(corners, weights, values, out):  # type: ignore[no-untyped-def]
    """Add (N, C) values of texels to the vertices at their corners, in ``out`` (V, C)."""
    for n in range(corners.shape[0]):
        for k in range(values.shape[1]):
            value = values[n, k]
            if value != 0:
                for corner in range(3):
                    out[corners[n, corner], k] += weights[n, corner] * value


@compiled
def _cell(x, y, height, width):  # type: ignore[no-untyped-def]
    """The four pixels around a place in an (H, W) photo, and the bilinear weights there.

    Returns left, top, right and bottom pixel, and the share 0..1 across and down. The photo's
    border is repeated.
    """
    x = min(max(x - 0.5, 0.0), width - 1.0)
    y = min(max(y - 0.5, 0.0), height - 1.0)
    left, top = int(x), int(y)
    return left, top, min(left + 1, width - 1), min(top + 1, height - 1), x - left, y - top


@compiled
def _bilinear(rgb, k, left, top, right, low, across, down):  # type: ignore[no-untyped-def]
    """Channel ``k`` of an (H, W, 3) photo in a :func:`_cell`."""
    upper = rgb[top, left, k] * (1 - across) + rgb[top, right, k] * across
    lower = rgb[low, left, k] * (1 - across) + rgb[low, right, k] * across
    return upper * (1 - down) + lower * down


@compiled
def sample(rgb, pixels, out):  # type: ignore[no-untyped-def]
    """(N, 3) bilinear colours of an (H, W, 3) photo at (N, 2) pixels; its border is repeated."""
    height, width = rgb.shape[0], rgb.shape[1]
    for n in range(pixels.shape[0]):
        cell = _cell(pixels[n, 0], pixels[n, 1], height, width)
        for k in range(3):
            out[n, k] = _bilinear(rgb, k, *cell)


@compiled
def enlarge(image, rows, columns, ratio, wanted, out):  # type: ignore[no-untyped-def]
    """(N, C) ``out``: an (S, S, C) image, enlarged, at the rows and columns of the larger one.

    ratio: side of the image over that of the larger one. Interpolated as by ``cv2.resize``.
    wanted: (N,) above 0 where that is wanted; elsewhere it is 0.
    """
    height, width = image.shape[0], image.shape[1]
    for n in range(len(rows)):
        if wanted[n] <= 0:
            out[n] = 0
            continue
        cell = _cell((columns[n] + 0.5) * ratio, (rows[n] + 0.5) * ratio, height, width)
        for k in range(image.shape[2]):
            out[n, k] = _bilinear(image, k, *cell)


@compiled
def residual(corners, weights, wanted, values, rgb, table, out):  # type: ignore[no-untyped-def]
    """(N, 3) ``out``: logarithm of an (H, W, 3) photo's light at texels over the expected light.

    wanted: (N,) above 0 where that is wanted; elsewhere it is 0. values: (V, 5) pixel x, pixel y
    and three expected logs per vertex. table: (T,) logarithm of light by the photo's values, from
    0 to 255. The same as :func:`mix` and :func:`sample` without storing their results.
    """
    height, width = rgb.shape[0], rgb.shape[1]
    most = len(table) - 2
    steps = (most + 1) / 255
    mixed = np.empty(5, np.float32)
    for n in range(corners.shape[0]):
        if wanted[n] <= 0:
            out[n] = 0
            continue
        for k in range(5):
            mixed[k] = 0
            for corner in range(3):
                mixed[k] += weights[n, corner] * values[corners[n, corner], k]
        cell = _cell(mixed[0], mixed[1], height, width)
        for k in range(3):
            number = _bilinear(rgb, k, *cell) * steps
            whole = min(int(number), most)
            log = table[whole] + (number - whole) * (table[whole + 1] - table[whole])
            out[n, k] = log - mixed[2 + k]


@compiled
def take_light(detail, light, limit):  # type: ignore[no-untyped-def]
    """Subtract (N, 3) logarithms of light from (N, 3) logs in place, and keep them in +-limit."""
    for n in range(detail.shape[0]):
        for k in range(detail.shape[1]):
            detail[n, k] = min(max(detail[n, k] - light[n, k], -limit), limit)


@compiled
def reduce_bright(detail, bound, kept):  # type: ignore[no-untyped-def]
    """Keep a share of what (N, 3) logs are brighter than a bound, in place, and their hue."""
    for n in range(detail.shape[0]):
        bright = (detail[n, 0] + detail[n, 1] + detail[n, 2]) / 3
        if bright > bound:
            detail[n] *= (bound + kept * (bright - bound)) / bright


@compiled
def reduce_dark(detail, share, bound, kept):  # type: ignore[no-untyped-def]
    """Keep a share of what (N, 3) logs are darker than a bound, in place, where (N,) ``share``."""
    for n in range(detail.shape[0]):
        if share[n] > 0.01:
            bright = (detail[n, 0] + detail[n, 1] + detail[n, 2]) / 3
            if bright < bound:
                detail[n] -= (bright - bound) * (1 - kept) * share[n]


@compiled
def signed_distance(places, ring, behind, near, out):  # type: ignore[no-untyped-def]
    """Distance of (N, 3) places to a closed ring (P, 2) in the frontal plane, negative inside it.

    ``out`` (N,) stays as it is where places are farther back than ``behind``, or farther than
    ``near`` from the ring's box.
    """
    low_x, high_x = ring[:, 0].min() - near, ring[:, 0].max() + near
    low_y, high_y = ring[:, 1].min() - near, ring[:, 1].max() + near
    for n in range(places.shape[0]):
        x, y = places[n, 0], places[n, 1]
        if places[n, 2] <= behind or not (low_x < x < high_x and low_y < y < high_y):
            continue
        least, inside = np.inf, False
        for start in range(ring.shape[0]):
            end = (start + 1) % ring.shape[0]
            way_x, way_y = ring[end, 0] - ring[start, 0], ring[end, 1] - ring[start, 1]
            off_x, off_y = x - ring[start, 0], y - ring[start, 1]
            length = max(way_x * way_x + way_y * way_y, 1e-12)
            along = min(max((off_x * way_x + off_y * way_y) / length, 0.0), 1.0)
            miss_x, miss_y = off_x - along * way_x, off_y - along * way_y
            least = min(least, miss_x * miss_x + miss_y * miss_y)
            # A ray to the right crosses the ring an odd number of times from inside.
            if (off_y < 0) != (y < ring[end, 1]) and off_x < off_y / way_y * way_x:
                inside = not inside
        out[n] = -np.sqrt(least) if inside else np.sqrt(least)


@compiled
def blend_mirrored(off, weight, mirror, share, rows, columns, canvas):  # type: ignore[no-untyped-def]
    """Write (N, 3) values and their weight 0..1 into (S, S, 4) ``canvas``, times that weight.

    A texel whose own weight is small gets up to its (N,) ``share`` of its mirror texel's value.
    """
    for n in range(off.shape[0]):
        own, other, twin = weight[n], mirror[n], np.float32(0)
        if other >= 0:
            twin = share[n] * weight[other] * min(max(1 - 1.5 * own, 0.0), 1.0)
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


@compiled
def encode_albedo(corners, weights, values, detail, place, dim, table, out):  # type: ignore[no-untyped-def]
    """Write exp(log albedo + (S, S, 3) detail) as sRGB into (S, S, 3) ``out`` at the texels.

    values: (V, 3) the vertices' log albedo. place: (N,) rows and columns of the texels. dim: two
    logs; up to the first no colour is green or blue, from the second on any may be. table: sRGB by
    the logarithm of the linear colour, from DARKEST_LOG to 0.
    """
    rows, columns = place
    most = len(table) - 1
    steps = most / -DARKEST_LOG
    log = np.empty(3, np.float32)
    for n in range(corners.shape[0]):
        row, column = rows[n], columns[n]
        for k in range(3):
            log[k] = detail[row, column, k]
            for corner in range(3):
                log[k] += weights[n, corner] * values[corners[n, corner], k]
        middle = (log[0] + log[1] + log[2]) / 3
        cold = max(log[1], log[2]) - log[0]
        if cold > 0 and middle < dim[1]:
            share = min((dim[1] - middle) / (dim[1] - dim[0]), 1.0)
            for k in range(3):
                log[k] += share * (middle - log[k])
        for k in range(3):
            place = (min(max(log[k], DARKEST_LOG), np.float32(0)) - DARKEST_LOG) * steps
            out[row, column, k] = table[int(place + 0.5)]


@compiled
def fill_gaps(level, coarser, share, known):  # type: ignore[no-untyped-def]
    """Write (H, W, 4) weighted values and, in their gaps, a share of a coarser level's, enlarged.

    coarser: (H, W, 3) and known: (H, W, 3), which may be the same.
    """
    for row in range(level.shape[0]):
        for column in range(level.shape[1]):
            gap = share * (1 - level[row, column, 3])
            for k in range(3):
                known[row, column, k] = coarser[row, column, k] * gap + level[row, column, k]


@compiled
def add_neighbours(values, edges, out):  # type: ignore[no-untyped-def]
    """Add (V, C) values to those of the vertices at the other ends of (E, 2) edges, in ``out``."""
    for one, other in ((0, 1), (1, 0)):
        for n in range(edges.shape[0]):
            for k in range(values.shape[1]):
                out[edges[n, one], k] += values[edges[n, other], k]
