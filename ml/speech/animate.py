"""Curves of speech on shape keys: on the visemes of a set, or on the 52 expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..data import FloatArray
from .curves import Influences, influences, split_diphthongs, thinned
from .read import Cue
from .sets import SETS, Weights
from .sounds import SOUNDS

# Of the sets, the one that tells most sounds apart; it also says how the 52 expressions speak.
FINEST = "MICROSOFT"
# These part or press lips, too: a value of the photo's expression must not stay in a contact.
_BESIDE = ("mouthClose", "mouthShrugLower", "mouthShrugUpper")
Curves = dict[str, tuple[np.ndarray, FloatArray]]


def viseme_curves(cues: Sequence[Cue], rate: float, which: str) -> Curves:
    """Frames and values by the names of the visemes of a set; see :data:`.sets.SETS`.

    Frame 0 is where the recording starts. Raises UsageError: there would be too many frames.
    """
    spoken = influences(cues if which == FINEST else split_diphthongs(cues), rate)
    weights = {sound: _visemes(sound, which) for sound in spoken.sounds}
    return _mixed(spoken, weights, tuple(SETS[which].shapes))


def expression_curves(cues: Sequence[Cue], rate: float, shapes: Mapping[str, Weights]) -> Curves:
    """The same by the names of the expressions that any viseme uses, or that part lips.

    shapes: weights of the set FINEST, of the person who speaks (:func:`.lips.settled`).
    """
    spoken = influences(split_diphthongs(cues), rate)
    weights = {sound: shapes[f"viseme_{SOUNDS[sound].microsoft}"] for sound in spoken.sounds}
    used = dict.fromkeys(name for shape in shapes.values() for name in (*shape, *_BESIDE))
    return _mixed(spoken, weights, tuple(used))


def _visemes(sound: str, which: str) -> Weights:
    """A sound in the visemes of a set; silence is one where the set has it."""
    about = SOUNDS[sound]
    if which == "VRM":
        return about.vrm
    return {f"viseme_{about.oculus if which == 'OCULUS' else about.microsoft}": 1.0}


def _mixed(spoken: Influences, weights: Mapping[str, Weights], names: tuple[str, ...]) -> Curves:
    table = np.array([[weights[sound].get(name, 0.0) for name in names] for sound in spoken.sounds])
    values = spoken.values @ table
    return {name: thinned(spoken.frames, values[:, k]) for k, name in enumerate(names)}
