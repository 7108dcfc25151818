"""Curves of what is said: each sound blends into its neighbours, and lips that must touch do.

A sound's influence rises and falls along a raised cosine round its start and end (dominance, after
Cohen and Massaro, "Modeling coarticulation in synthetic visual speech", 1993, but without tails);
influences are divided by their sum. An average never closes the lips, so sounds that need contact
are laid over it: wholly for the middle of the sound, at least at one frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..data import FloatArray
from ..errors import UsageError
from .read import Cue
from .sounds import SILENCE, SOUNDS

# The shortest transition, and how long one may be of a sound's own length, seconds.
_LEAST, _SHARE = 0.06, 1.2
# How long lips take to their contact and from it, and what part of a sound at either end is not
# contact, seconds.
_CLOSING, _EDGE = 0.07, 0.02
MOST_FRAMES = 400_000
# Below this a curve counts as constant.
_SAME = 1e-5
# Of diphthongs, how much of the sound its beginning lasts.
_FIRST = 0.55


@dataclass(frozen=True)
class Influences:
    """How much of each sound is seen at each frame.

    Attributes
    ----------
    frames: (F,) whole numbers, 0 where the recording starts. sounds: names, (S,).
    values: (F, S) from 0 to 1; each row sums to 1.
    """

    frames: np.ndarray
    sounds: tuple[str, ...]
    values: FloatArray


def split_diphthongs(cues: Sequence[Cue]) -> tuple[Cue, ...]:
    """The cues with two for each diphthong: for sets without visemes of their own for them."""
    return tuple(part for cue in cues for part in _halves(cue))


def influences(cues: Sequence[Cue], rate: float) -> Influences:
    """Blend cues at a frame rate.

    Raises
    ------
    UsageError: that would be more than MOST_FRAMES.
    """
    whole = _without_gaps(cues)
    most = max(SOUNDS[cue.sound].reach for cue in whole)
    first = int(np.floor((whole[0].start - most) * rate))
    last = int(np.ceil((whole[-1].end + most) * rate))
    if last - first >= MOST_FRAMES:
        raise UsageError(
            f"At {rate:g} frames per second this speech has more than {MOST_FRAMES:,} frames",
            "Lower the scene's frame rate, or split the recording",
        )
    frames = np.arange(first, last + 1)
    names = tuple(dict.fromkeys([SILENCE, *(cue.sound for cue in whole)]))
    values = _blended(whole, frames / rate, names)
    _lay_contacts(values, frames, rate, (whole, names))
    return Influences(frames, names, values)


def thinned(frames: np.ndarray, values: FloatArray) -> tuple[np.ndarray, FloatArray]:
    """Frames (F,) and values (F,) without those inside of constant stretches."""
    still = np.abs(np.diff(values)) < _SAME
    kept = np.ones(len(values), bool)
    kept[1:-1] = ~(still[:-1] & still[1:])
    return frames[kept], values[kept]


def _halves(cue: Cue) -> tuple[Cue, ...]:
    halves = SOUNDS[cue.sound].halves
    if not halves:
        return (cue,)
    middle = cue.start + _FIRST * (cue.end - cue.start)
    return Cue(cue.start, middle, halves[0]), Cue(middle, cue.end, halves[1])


def _without_gaps(cues: Sequence[Cue]) -> list[Cue]:
    """The cues with silence between them, and one for neighbours of the same sound."""
    whole: list[Cue] = []
    for cue in cues:
        if whole and cue.start > whole[-1].end:
            whole.append(Cue(whole[-1].end, cue.start, SILENCE))
        if whole and whole[-1].sound == cue.sound:
            whole[-1] = whole[-1]._replace(end=cue.end)
        else:
            whole.append(cue)
    return whole or [Cue(0.0, 0.0, SILENCE)]


def _blended(cues: Sequence[Cue], times: FloatArray, names: tuple[str, ...]) -> FloatArray:
    """(F, S) influences without contacts."""
    values = np.zeros((len(times), len(names)))
    for number, cue in enumerate(cues):
        sound, column = SOUNDS[cue.sound], names.index(cue.sound)
        width = float(np.clip(_SHARE * (cue.end - cue.start), _LEAST, sound.reach))
        start, end = np.searchsorted(times, (cue.start - width / 2, cue.end + width / 2))
        near = times[start:end]
        rising, falling = _step((near - cue.start) / width), _step((near - cue.end) / width)
        values[start:end, column] += sound.dominance * (rising - falling)
        if number in (0, len(cues) - 1):
            _add_silence(values[:, 0], times, cue, number == 0)
    return np.asarray(values / np.maximum(values.sum(1, keepdims=True), 1e-12))


def _add_silence(column: np.ndarray, times: FloatArray, cue: Cue, before: bool) -> None:
    """What is outside of the recording is silence, for ever."""
    width = float(np.clip(_SHARE * (cue.end - cue.start), _LEAST, SOUNDS[cue.sound].reach))
    if before:
        column += 1 - _step((times - cue.start) / width)
    else:
        column += _step((times - cue.end) / width)


def _step(share: FloatArray) -> FloatArray:
    """0 up to -1/2, 1 from 1/2 on, and half a cosine between."""
    return np.asarray((1 + np.sin(np.pi * np.clip(share, -0.5, 0.5))) / 2)


def _lay_contacts(
    values: FloatArray,
    frames: np.ndarray,
    rate: float,
    speech: tuple[Sequence[Cue], tuple[str, ...]],
) -> None:
    """Lay the sounds that need contact over the others, in ``values`` (F, S)."""
    cues, names = speech
    holds = list(_holds([cue for cue in cues if SOUNDS[cue.sound].closes], rate))
    for number, (first, last, sound) in enumerate(holds):
        room = [_CLOSING * rate, _CLOSING * rate]
        # Another contact beside it is left whole.
        if number:
            room[0] = min(room[0], first - holds[number - 1][1])
        if number + 1 < len(holds):
            room[1] = min(room[1], holds[number + 1][0] - last)
        start, end = np.searchsorted(frames, (first - room[0], last + room[1]))
        near = frames[start : end + 1]
        away = np.maximum((first - near) / max(room[0], 1e-9), (near - last) / max(room[1], 1e-9))
        share = _step(0.5 - np.clip(away, 0, 1))[:, None]
        part = values[start : end + 1]
        part *= 1 - share
        part[:, names.index(sound)] += share[:, 0]


def _holds(cues: Sequence[Cue], rate: float) -> Iterator[tuple[int, int, str]]:
    """First and last frame of contact of each cue: at least one, its own."""
    taken = None
    for cue in cues:
        edge = min(_EDGE, (cue.end - cue.start) / 4)
        first = int(np.ceil((cue.start + edge) * rate))
        last = int(np.floor((cue.end - edge) * rate))
        if last < first:  # between two frames
            first = last = round((cue.start + cue.end) / 2 * rate)
        if taken is not None and first <= taken:
            first, last = taken + 1, max(last, taken + 1)
        taken = last
        yield first, last, cue.sound
