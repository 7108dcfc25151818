"""Numbers of the frames that were followed, as they are kept on disk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..data import FaceBox, FloatArray
from ..fitting.coherence import controls_of
from ..fitting.gauss_newton import PoseFit
from ..head.arkit import EXPRESSION_NAMES
from .cuts import FRAMES
from .parts import Rows
from .track import Place, Sighting

Result = tuple[Sighting, PoseFit | None]


def rows_of(results: Sequence[Result]) -> Rows:
    """The frames, one row each."""
    count = controls_of(len(EXPRESSION_NAMES)).weights.shape[1]
    nothing = (np.zeros(count), np.ones(count + 6), np.eye(3), np.zeros(3))
    numbers = [_numbers(sight, found) or nothing for sight, found in results]
    controls, variance, rotation, translation = (
        np.stack(column).astype(np.float32) for column in zip(*numbers, strict=True)
    )
    return Rows(
        np.array([sight.frame.time for sight, _ in results]),
        np.array([sight.shot for sight, _ in results], np.int32),
        np.array([found is not None for _, found in results]),
        controls,
        variance,
        rotation,
        translation,
        np.stack([_numbers_of(sight.place) for sight, _ in results]),
    )


def place_of(rows: Rows) -> Place:
    """Where the tracker stood after these frames."""
    x, y, size, roll, score, across, down, missing, waits, *usual = rows.place[-1].tolist()
    return Place(
        int(rows.shot[-1]),
        None if np.isnan(size) else FaceBox((x, y), size, roll, score),
        (across, down),
        int(missing),
        int(waits),
        tuple(apart for apart in usual if not np.isnan(apart)),
    )


def _numbers_of(place: Place) -> np.ndarray:
    """(9 + FRAMES,) of a place, all but its shot; nan where there is nothing."""
    numbers, box = np.full(9 + FRAMES, np.nan), place.box
    if box is not None:
        numbers[:5] = *box.center, box.size, box.roll, box.score
    numbers[5:9] = *place.moved, place.missing, place.waits
    numbers[9 : 9 + len(place.usual)] = place.usual
    return numbers


def _numbers(sight: Sighting, found: PoseFit | None) -> tuple[FloatArray, ...] | None:
    if found is None or sight.face is None:
        return None
    camera = found.fit.camera
    return found.controls, found.variance, camera.rotation, camera.translation
