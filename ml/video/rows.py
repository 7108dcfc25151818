"""Numbers of the frames that were followed, as they are kept on disk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..data import FaceBox
from ..fitting.coherence import controls_of
from ..fitting.gauss_newton import PoseFit
from ..head.arkit import EXPRESSION_NAMES
from .parts import Rows
from .track import Place, Sighting

Result = tuple[Sighting, PoseFit | None]


def rows_of(results: Sequence[Result]) -> Rows:
    """The frames, one row each."""
    count = controls_of(len(EXPRESSION_NAMES)).weights.shape[1]
    nothing = (np.zeros(count), np.ones(count + 6), np.eye(3), np.zeros(3), np.zeros(4))
    numbers = [_numbers(sight, found) or nothing for sight, found in results]
    columns = [np.stack(column).astype(np.float32) for column in zip(*numbers, strict=True)]
    return Rows(
        np.array([sight.frame.time for sight, _ in results]),
        np.array([sight.shot for sight, _ in results], np.int32),
        np.array([found is not None for _, found in results]),
        *columns,
    )


def place_of(rows: Rows) -> Place:
    """Where the tracker stood after these frames."""
    x, y, size, roll = rows.box[-1].tolist()
    box = FaceBox((x, y), size, roll) if rows.seen[-1] else None
    return Place(int(rows.shot[-1]), box)


def _numbers(sight: Sighting, found: PoseFit | None) -> tuple[np.ndarray, ...] | None:
    if found is None or sight.face is None:
        return None
    camera, box = found.fit.camera, sight.face.box
    place = np.array([*box.center, box.size, box.roll])
    return found.controls, found.variance, camera.rotation, camera.translation, place
