"""SMPTE timecode, ``14:03:52:28.207``: hours, minutes, seconds, frames and a part of a frame."""

from __future__ import annotations

import math
import re

import numpy as np

from .performance import Array

_PATTERN = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})([:;])(\d{1,3}(?:\.\d+)?)")
_DAY = 24 * 3600.0
# What apps and cameras record at, in whole frames per second.
_NOMINAL = (24, 25, 30, 48, 50, 60, 90, 100, 120, 240)
# ARKit tracks faces at this rate.
FACE_RATE = 60.0
Parts = tuple[int, int, int, float, bool]


def parts_of(text: str) -> Parts | None:
    """Hours, minutes, seconds, frames and whether frame numbers are dropped; None: no timecode."""
    found = _PATTERN.fullmatch(text.strip())
    if found is None:
        return None
    hours, minutes, seconds = (int(found[number]) for number in (1, 2, 3))
    return hours, minutes, seconds, float(found[5]), found[4] == ";"


def rate_of(parts: list[Parts]) -> float:
    """Frames per second of successive timecodes: the file itself does not say.

    The frames' numbers say it where they pass a whole second; else it is :data:`FACE_RATE`, or as
    much more as they need.
    """
    highest = max(int(frames) for *_, frames, _ in parts)
    passed = len({part[:3] for part in parts}) > 1
    least = highest + 1 if passed else max(highest + 1, int(FACE_RATE))
    nominal = float(next((rate for rate in _NOMINAL if rate >= least), least))
    return nominal * 1000 / 1001 if parts[0][4] else nominal


def nearest_rate(rate: float) -> float:
    """The usual rate that a measured one stands for: clocks in milliseconds are 1 % off."""
    usual = [n * slow for n in _NOMINAL for slow in (1.0, 1000 / 1001)]
    nearest = min(usual, key=lambda one: abs(one - rate))
    return nearest if abs(nearest - rate) < 0.015 * nearest else rate


def seconds_of(parts: list[Parts], rate: float) -> Array:
    """(F,) seconds after midnight of the first timecode; midnight itself may be passed."""
    nominal = math.floor(rate + 0.5)
    found = np.array([_frames(part, nominal) for part in parts]) / rate
    day = _DAY * nominal / rate
    return found + day * np.cumsum(np.diff(found, prepend=found[0]) < -day / 2)


def _frames(parts: Parts, nominal: int) -> float:
    hours, minutes, seconds, frames, drops = parts
    counted = ((hours * 60 + minutes) * 60 + seconds) * nominal + frames
    if not drops:
        return counted
    # Two numbers of thirty are left out each minute, but not in every tenth one.
    passed = hours * 60 + minutes
    return counted - nominal // 15 * (passed - passed // 10)


def can_drop(rate: float) -> bool:
    """Whether timecodes at this rate may leave out numbers: at 29.97, 59.94 and so on."""
    nominal = math.floor(rate + 0.5)
    return nominal % 30 == 0 and 0 < nominal - rate < 0.002 * nominal


def timecode(seconds: float, rate: float, *, drops: bool = False) -> str:
    """The timecode of a time after midnight.

    drops: leave out numbers of frames, so that it follows the clock, where the rate is one of
    those. Parts of a frame have three digits; a time that rounds to the next frame is written as
    that.
    """
    nominal, drops = math.floor(rate + 0.5), drops and can_drop(rate)
    thousandths = math.floor(seconds * rate * 1000 + 0.5)
    frames, part = divmod(thousandths, 1000)
    if drops:
        frames = _numbered(frames, nominal)
    whole, frame = divmod(frames, nominal)
    minutes, second = divmod(whole, 60)
    hour, minute = divmod(minutes, 60)
    mark = ";" if drops else ":"
    return f"{hour % 24:02d}:{minute:02d}:{second:02d}{mark}{frame:02d}.{part:03d}"


def _numbered(frames: int, nominal: int) -> int:
    """The number that a frame has where some numbers are left out."""
    left_out, minute = nominal // 15, 60 * nominal - nominal // 15
    tens, rest = divmod(frames, 10 * minute + left_out)
    # The first of ten minutes has all its numbers.
    return frames + left_out * (9 * tens + max(rest - left_out, 0) // minute)
