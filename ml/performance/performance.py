"""One facial performance as plain data, and the same at another frame rate."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..errors import PerformanceUnreadable

Array = npt.NDArray[np.float64]
# Blender's last frame is 1,048,574; ten hours at 24 frames/s are fewer.
MOST_FRAMES = 1_000_000


@dataclass(frozen=True)
class Performance:
    """A face over F frames.

    Attributes
    ----------
    times: (F,) seconds after the first frame, strictly increasing.
    values: (F, 52) activations in the order of ``ml.head.arkit.EXPRESSION_NAMES``.
    head: (F, 3) radians about head space's x, y and z: pitch (positive: down), yaw (positive: to
        the subject's left) and roll (positive: to the subject's right shoulder); composed as
        ``Ry @ Rx @ Rz``. None where the file has none.
    eyes: (F, 2, 3) of the left and the right eye, the same, within the head. None: the file has
        none.
    rate: frames per second of the recording.
    start: the timecode of the first frame, seconds after midnight; None where there is none.
    lost: how many frames of the file were left out, since no face was seen in them.
    drops: whether the timecode leaves out numbers of frames.
    places: (F, 3) metres in head space, where the head's origin is beside where it began; None
        where that is not known. No table has them.
    """

    times: Array
    values: Array
    head: Array | None
    eyes: Array | None
    rate: float
    start: float | None = None
    lost: int = 0
    places: Array | None = None
    drops: bool = False


def resampled(performance: Performance, rate: float) -> Performance:
    """The performance at ``rate`` frames/s, interpolated linearly; angles the short way round.

    The last frame is the nearest to the end.

    Raises
    ------
    PerformanceUnreadable: there would be more than MOST_FRAMES frames.
    """
    length = float(performance.times[-1])
    if length * rate > MOST_FRAMES:
        raise PerformanceUnreadable(
            f"The performance lasts {length / 3600:,.0f} hours: {length * rate:,.0f} frames",
            "Cut it, or correct its times",
        )
    times = np.arange(int(np.floor(length * rate + 0.5)) + 1) / rate

    def channels(array: Array, *, angles: bool) -> Array:
        flat = array.reshape(len(array), -1)
        flat = np.unwrap(flat, axis=0) if angles else flat
        columns = [np.interp(times, performance.times, column) for column in flat.T]
        return np.stack(columns, -1).reshape(len(times), *array.shape[1:])

    head, eyes, places = performance.head, performance.eyes, performance.places
    return replace(
        performance,
        times=times,
        values=channels(performance.values, angles=False),
        head=None if head is None else channels(head, angles=True),
        eyes=None if eyes is None else channels(eyes, angles=True),
        places=None if places is None else channels(places, angles=False),
        rate=rate,
    )
