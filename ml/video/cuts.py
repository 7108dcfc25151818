"""Where one shot ends and the next begins."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import cv2
import numpy as np

from ..data import ByteArray

# Side of the small grey pictures that are compared, and grey levels by which they differ on the
# whole at a cut, at least. Hands and heads that move fast come to 15.
SIDE, APART = 32, 22.0
# A cut differs so many times more than the frames before it do: not in a camera that swings.
SUDDEN, FRAMES = 4.0, 8


class Cuts:
    """Told one frame after the other, says which begin a new shot."""

    def __init__(self) -> None:
        self._last: np.ndarray | None = None
        self._usual: deque[float] = deque(maxlen=FRAMES)

    @property
    def usual(self) -> tuple[float, ...]:
        """How the last frames differ from those before them, grey levels."""
        return tuple(self._usual)

    def begin(self, usual: Sequence[float], before: ByteArray) -> None:
        """Go on after the frame ``before`` as who had found :attr:`usual` there."""
        self.begins_here(before)
        self._usual.clear()
        self._usual.extend(usual)

    def begins_here(self, rgb: ByteArray) -> bool:
        """Whether this frame begins a shot; never the first that is seen."""
        step = max(1, min(rgb.shape[:2]) // (4 * SIDE))
        small = cv2.resize(rgb[::step, ::step], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        now = small.astype(np.float32).mean(2)
        last, self._last = self._last, now
        if last is None:
            return False
        apart = float(np.abs(now - last).mean())
        usual = float(np.median(self._usual)) if self._usual else 0.0
        if apart > APART and apart > SUDDEN * usual:
            self._usual.clear()
            return True
        self._usual.append(apart)
        return False
