"""The built-in rasteriser: a numba z-buffer."""

from __future__ import annotations

import numpy as np

from ..geometry.compiled import compiled


@compiled
def fill(points, triangles, face, weights, depth):  # type: ignore[no-untyped-def]
    """Rasterise triangles of (V, 3) pixel x, y and depth into the three buffers, in place."""
    height, width = face.shape
    for index in range(triangles.shape[0]):
        a, b, c = triangles[index, 0], triangles[index, 1], triangles[index, 2]
        ax, ay, az = points[a, 0], points[a, 1], points[a, 2]
        bx, by, bz = points[b, 0], points[b, 1], points[b, 2]
        cx, cy, cz = points[c, 0], points[c, 1], points[c, 2]
        if az <= 0 or bz <= 0 or cz <= 0:
            continue
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if abs(area) < 1e-12:
            continue
        x0 = max(0, int(np.ceil(min(ax, bx, cx) - 0.5)))
        x1 = min(width - 1, int(np.floor(max(ax, bx, cx) - 0.5)))
        y0 = max(0, int(np.ceil(min(ay, by, cy) - 0.5)))
        y1 = min(height - 1, int(np.floor(max(ay, by, cy) - 0.5)))
        inverse = 1.0 / area
        for y in range(y0, y1 + 1):
            py = y + 0.5
            for x in range(x0, x1 + 1):
                px = x + 0.5
                wb = ((px - ax) * (cy - ay) - (cx - ax) * (py - ay)) * inverse
                wc = ((bx - ax) * (py - ay) - (px - ax) * (by - ay)) * inverse
                wa = 1.0 - wb - wc
                if wa < 0 or wb < 0 or wc < 0:
                    continue
                ia, ib, ic = wa / az, wb / bz, wc / cz
                z = 1.0 / (ia + ib + ic)
                if z < depth[y, x]:
                    depth[y, x] = z
                    face[y, x] = index
                    weights[y, x, 0] = ia * z
                    weights[y, x, 1] = ib * z
                    weights[y, x, 2] = ic * z
