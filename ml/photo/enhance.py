"""Enhanced copies of a photo in which faces may be found that are too faint in the photo itself.

Dim and foggy photos want their levels stretched, coloured light each channel by itself or none of
the colours, and a face against the light a range of its own for the dark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from ..data import ByteArray

# Percentiles that become black and white.
BLACK, WHITE = 0.5, 99.5
# A smaller range of values is noise, not a picture.
SMALLEST_RANGE = 4.0
# Every so many pixels are enough for percentiles.
STRIDE = 4


def stretched(rgb: ByteArray) -> ByteArray:
    """Every channel stretched to the whole range of values."""
    sample = rgb[::STRIDE, ::STRIDE].reshape(-1, rgb.shape[2])
    low, high = np.percentile(sample, [BLACK, WHITE], axis=0)
    values = np.arange(256)[:, None]
    table = np.clip((values - low) * 255 / np.maximum(high - low, SMALLEST_RANGE), 0, 255)
    channels = [table[:, i].round().astype(np.uint8)[rgb[..., i]] for i in range(rgb.shape[2])]
    return np.stack(channels, -1)


def stretched_grey(rgb: ByteArray) -> ByteArray:
    """The lightness, stretched, in all three channels."""
    return _in_all_channels(_grey(rgb))


def strongest_channel(rgb: ByteArray) -> ByteArray:
    """The channel with the widest range of values, stretched, in all three channels."""
    sample = rgb[::STRIDE, ::STRIDE].reshape(-1, rgb.shape[2])
    best = int(np.argmax(np.ptp(np.percentile(sample, [BLACK, WHITE], axis=0), axis=0)))
    return _in_all_channels(rgb[..., best])


def equalised(rgb: ByteArray) -> ByteArray:
    """The lightness with its histogram equalised, in all three channels."""
    return _in_all_channels(np.asarray(cv2.equalizeHist(_grey(rgb)), np.uint8))


def _grey(rgb: ByteArray) -> ByteArray:
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)


def _in_all_channels(grey: ByteArray) -> ByteArray:
    return np.repeat(stretched(grey[..., None]), 3, 2)


# In the order in which they are tried.
ENHANCEMENTS: Mapping[str, Callable[[ByteArray], ByteArray]] = {
    "levels": stretched,
    "grey": stretched_grey,
    "channel": strongest_channel,
    "equalised": equalised,
}
