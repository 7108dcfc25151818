"""Compiled loops over the window's texels: NumPy would pass through memory once per operation.

All arrays are (S, S) float32 unless said otherwise; beyond the window's border everything is 0.
"""

from __future__ import annotations

import numpy as np

from ..geometry.compiled import compiled


@compiled
def spread(corners, weights, values, out):  # type: ignore[no-untyped-def]
    """(V, C) values per vertex -> (S, S, C) ``out`` at texels with corners and weights (S, S, 3).

    Texels whose weights are zero stay as they are.
    """
    for i in range(corners.shape[0]):
        for j in range(corners.shape[1]):
            first, second, third = weights[i, j, 0], weights[i, j, 1], weights[i, j, 2]
            if first + second + third == 0:
                continue
            a, b, c = corners[i, j, 0], corners[i, j, 1], corners[i, j, 2]
            for k in range(values.shape[1]):
                out[i, j, k] = first * values[a, k] + second * values[b, k] + third * values[c, k]


@compiled
def predict(height, crease, along_u, along_v, weight, per_step, out):  # type: ignore[no-untyped-def]
    """``out`` = weight * (crease - along_u * d(height)/du - along_v * d(height)/dv).

    per_step: half of one over a texel's width, for central differences.
    """
    rows, columns = height.shape
    none = np.float32(0)
    for i in range(rows):
        for j in range(columns):
            right = height[i, j + 1] if j < columns - 1 else none
            left = height[i, j - 1] if j > 0 else none
            below = height[i + 1, j] if i < rows - 1 else none
            above = height[i - 1, j] if i > 0 else none
            slope = along_u[i, j] * (right - left) + along_v[i, j] * (below - above)
            out[i, j] = weight[i, j] * (crease[i, j] - per_step * slope)


@compiled
def predict_adjoint(error, along_u, along_v, per_step, out):  # type: ignore[no-untyped-def]
    """``out`` = the adjoint of the slopes' part of :func:`predict`, applied to ``error``.

    Central differences are antisymmetric, so it is again a sum of differences.
    """
    rows, columns = error.shape
    none = np.float32(0)
    for i in range(rows):
        for j in range(columns):
            right = along_u[i, j + 1] * error[i, j + 1] if j < columns - 1 else none
            left = along_u[i, j - 1] * error[i, j - 1] if j > 0 else none
            below = along_v[i + 1, j] * error[i + 1, j] if i < rows - 1 else none
            above = along_v[i - 1, j] * error[i - 1, j] if i > 0 else none
            out[i, j] = per_step * (right - left + below - above)


@compiled
def flatten(values, price, steps, layer, ahead, flow):  # type: ignore[no-untyped-def]
    """Steps of Chambolle and Pock (2011) towards the piecewise constant layer in ``values``.

    The layer minimises the sum of (layer - values)^2 / 2 + price * |gradient of layer|.
    ``layer``, ``ahead`` (the extrapolated layer) and ``flow`` (2, S, S), the dual variable, are
    changed in place, so that a later call continues.
    """
    rows, columns = values.shape
    none, tau, sigma = np.float32(0), np.float32(0.25), np.float32(0.5)
    for _ in range(steps):
        for i in range(rows):
            for j in range(columns):
                here = ahead[i, j]
                across = ahead[i, j + 1] - here if j < columns - 1 else none
                down = ahead[i + 1, j] - here if i < rows - 1 else none
                u, v = flow[0, i, j] + sigma * across, flow[1, i, j] + sigma * down
                length = u * u + v * v
                if length > price * price:
                    share = price / np.sqrt(length)
                    u, v = u * share, v * share
                flow[0, i, j], flow[1, i, j] = u, v
        for i in range(rows):
            for j in range(columns):
                into = flow[0, i, j - 1] if j > 0 else none
                into += flow[1, i - 1, j] if i > 0 else none
                gain = flow[0, i, j] + flow[1, i, j] - into
                before = layer[i, j]
                after = (before + tau * (gain + values[i, j])) / (1 + tau)
                ahead[i, j] = 2 * after - before
                layer[i, j] = after


@compiled
def _light_on(light, x, y, z):  # type: ignore[no-untyped-def]
    """Harmonics of (9,) ``light`` at a unit normal, and their derivatives by x, y and z."""
    bright = 0.282095 * light[0] + 0.488603 * (light[1] * y + light[2] * z + light[3] * x)
    bright += 1.092548 * (light[4] * x * y + light[5] * y * z + light[7] * x * z)
    bright += 0.315392 * light[6] * (3 * z * z - 1) + 0.546274 * light[8] * (x * x - y * y)
    by_x = 0.488603 * light[3] + 1.092548 * (light[4] * y + light[7] * z + light[8] * x)
    by_y = 0.488603 * light[1] + 1.092548 * (light[4] * x + light[5] * z - light[8] * y)
    by_z = 0.488603 * light[2] + 1.092548 * (light[5] * y + light[7] * x) + 1.892352 * light[6] * z
    return bright, by_x, by_y, by_z


@compiled
def light_and_slopes(normals, places, light, least, per_step, seen, out):  # type: ignore[no-untyped-def]
    """Light on the surface and how slopes of a height field change its logarithm.

    normals, places: (S, S, 3) unit and mm, camera space. light: (9,) coefficients of
    ml.rendering.harmonics_of. least: the least light. seen: texels where it is 0 are skipped.
    out: (3, S, S): the light; and what slopes of 1 along the window's columns and rows subtract
    from its logarithm.
    """
    rows, columns = seen.shape
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            if seen[i, j] == 0:
                continue
            gain = _light_on(light, normals[i, j, 0], normals[i, j, 1], normals[i, j, 2])
            bright = max(gain[0], least)
            uu = vv = np.float32(1e-3)
            uv = gu = gv = np.float32(0)
            for k in range(3):
                u = per_step * (places[i, j + 1, k] - places[i, j - 1, k])
                v = per_step * (places[i + 1, j, k] - places[i - 1, j, k])
                uu, vv, uv = uu + u * u, vv + v * v, uv + u * v
                gu, gv = gu + gain[k + 1] * u, gv + gain[k + 1] * v
            area = max(uu * vv - uv * uv, np.float32(0.05)) * bright
            out[0, i, j] = bright
            out[1, i, j] = min(max((vv * gu - uv * gv) / area, -2), 2)
            out[2, i, j] = min(max((uu * gv - uv * gu) / area, -2), 2)
