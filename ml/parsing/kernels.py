"""Compiled loops over places in a parse. Imported on use, as numba takes long to load."""

from __future__ import annotations

from ..geometry.compiled import compiled


@compiled
def between_pixels(image, places, out):  # type: ignore[no-untyped-def]
    """(N,) ``out``: an (S, S) image interpolated at (N, 2) places; its border is repeated.

    places: column and row in float64; whole numbers are the pixels' centres.
    """
    side = image.shape[0]
    for n in range(places.shape[0]):
        x = min(max(places[n, 0], 0.0), side - 1.0)
        y = min(max(places[n, 1], 0.0), side - 1.0)
        # NaN would be read as a place far outside.
        left, top = max(min(int(x), side - 2), 0), max(min(int(y), side - 2), 0)
        across, down = x - left, y - top
        upper = image[top, left] * (1 - across) + image[top, left + 1] * across
        lower = image[top + 1, left] * (1 - across) + image[top + 1, left + 1] * across
        out[n] = upper * (1 - down) + lower * down
