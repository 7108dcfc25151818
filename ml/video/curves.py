"""From what was found in each frame to the animation: smooth within shots, gaps bridged."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from ..data import FloatArray
from ..fitting.coherence import Controls, controls_of
from ..head.arkit import EXPRESSION_NAMES
from ..performance.animation import BRIDGED, LOST, SEEN
from .parts import Rows
from .smooth import Array, Smoothing, smoothed

# Seconds without the face that are bridged; longer ones are lost.
BRIDGE = 0.5
# Keys are 0..1; radians; of the place in the picture, and the logarithm of the distance.
KEYS, TURNS, PLACES = Smoothing(), Smoothing(least=1e-4), Smoothing(least=1e-5)


@dataclass(frozen=True)
class Curves:
    """F frames of the animation; see ml.performance.animation.Animation."""

    expression: FloatArray
    rotation: Array
    translation: Array
    status: np.ndarray
    deviation: Array


def curves_of(rows: Rows) -> Curves:
    """The animation of all frames."""
    count = len(rows)
    controls = controls_of(len(EXPRESSION_NAMES))
    status = np.where(rows.seen, SEEN, LOST).astype(np.uint8)
    found = np.zeros((count, rows.controls.shape[1]))
    turned, moved = np.tile(np.eye(3), (count, 1, 1)), np.zeros((count, 3))
    for span in _shots(rows):
        known = _fill(rows, span, status)
        for piece in known:
            found[piece], turned[piece], moved[piece] = _smooth(rows, piece)
        _between(rows.times, known, span, (found, turned, moved))
    _outside(_shots(rows), status, (found, turned, moved))
    rows_of_keys = [controls.expression(controls.clipped(row)) for row in found.astype(np.float32)]
    values = np.stack(rows_of_keys)
    deviation = np.sqrt(rows.variance[:, : found.shape[1]]) @ np.abs(controls.weights.T)
    return Curves(values, turned, moved, status, _bounded(deviation, controls))


def _bounded(deviation: Array, controls: Controls) -> Array:
    """Nobody knows less of a value in 0..1 than that."""
    return np.clip(np.nan_to_num(deviation, nan=1.0), 0, 1)


def _shots(rows: Rows) -> list[slice]:
    """The frames of each shot."""
    firsts = np.flatnonzero(np.diff(rows.shot, prepend=rows.shot[0] - 1))
    return [slice(int(a), int(b)) for a, b in zip(firsts, [*firsts[1:], len(rows)], strict=True)]


def _fill(rows: Rows, span: slice, status: np.ndarray) -> list[slice]:
    """Pieces of a shot to be smoothed each as a whole; frames of short gaps in them are BRIDGED."""
    seen = np.flatnonzero(rows.seen[span]) + span.start
    pieces: list[slice] = []
    for frame in seen.tolist():
        if pieces and rows.times[frame] - rows.times[pieces[-1].stop - 1] <= BRIDGE + 1e-9:
            status[pieces[-1].stop : frame] = BRIDGED
            pieces[-1] = slice(pieces[-1].start, frame + 1)
        else:
            pieces.append(slice(frame, frame + 1))
    return pieces


def _smooth(rows: Rows, piece: slice) -> tuple[Array, Array, Array]:
    """Controls, rotations and translations of one piece, which begins and ends with a face."""
    times, seen = rows.times[piece], rows.seen[piece]
    variance = rows.variance[piece].astype(np.float64)
    count = rows.controls.shape[1]
    controls = smoothed(
        times, rows.controls[piece].astype(np.float64), variance[:, :count], seen, KEYS
    )
    first = Rotation.from_matrix(rows.rotation[piece][0])
    turns = np.zeros((len(times), 3))
    turns[seen] = (Rotation.from_matrix(rows.rotation[piece][seen]) * first.inv()).as_rotvec()
    turns = smoothed(times, turns, variance[:, count : count + 3], seen, TURNS)
    x, y, z = np.where(seen[:, None], rows.translation[piece], [0, 0, 1]).astype(np.float64).T
    # A face's place in the picture is known far better than its distance.
    places = np.stack([x / z, y / z, np.log(z)], 1)
    places = smoothed(times, places, variance[:, count + 3 :], seen, PLACES)
    away = np.exp(places[:, 2:])
    moved = np.concatenate([places[:, :2] * away, away], 1)
    return controls, (Rotation.from_rotvec(turns) * first).as_matrix(), moved


def _between(
    times: Array, pieces: list[slice], span: slice, into: tuple[Array, Array, Array]
) -> None:
    """Straight lines through the frames of a shot between and beside its pieces."""
    found, turned, moved = into
    if not pieces:
        return
    for before, after in pairwise(pieces):
        ends = [before.stop - 1, after.start]
        gap = slice(before.stop, after.start)
        share = (times[gap] - times[ends[0]]) / (times[ends[1]] - times[ends[0]])
        for values in (found, moved):
            values[gap] = values[ends[0]] + share[:, None] * (values[ends[1]] - values[ends[0]])
        slerp = Slerp([0, 1], Rotation.from_matrix(turned[ends]))
        turned[gap] = slerp(share).as_matrix()
    first, last = pieces[0].start, pieces[-1].stop - 1
    for values in into:
        values[span.start : first] = values[first]
        values[last + 1 : span.stop] = values[last]


def _outside(shots: list[slice], status: np.ndarray, into: tuple[Array, Array, Array]) -> None:
    """Shots without the face stay as the one before, or else after them, was left."""
    known = [span for span in shots if (status[span] != LOST).any()]
    for span in shots:
        if span in known or not known:
            continue
        earlier = [other for other in known if other.stop <= span.start]
        source = earlier[-1].stop - 1 if earlier else known[0].start
        for values in into:
            values[span] = values[source]
