"""What a video shows of a person, as ``animation.npz``: expression, pose and camera of each frame.

NumPy only, so that Blender can read it.
"""

from __future__ import annotations

import os
import uuid
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from ..data import Camera, FloatArray
from ..errors import PerformanceUnreadable
from ..geometry.rotations import angles_from_rotations
from ..head.arkit import EXPRESSION_NAMES
from ..results.files import ANIMATION_NAMES, write_arrays
from .gaze import gaze_of
from .performance import Performance

NPZ_NAME, CSV_NAME = ANIMATION_NAMES
# What an unfinished run leaves in the folder of its result.
PARTS_NAME = "animation.parts"
# In it, the frame in hand: an array (H, W, 4) uint8, RGBA.
PREVIEW_NAME = "preview.npy"
FORMAT = 1
# What is known of a frame.
SEEN, BRIDGED, LOST = 0, 1, 2
# Of a head that looks into the camera: head +Y is camera -y, head +Z is camera -z.
FACING = np.diag([1.0, -1.0, -1.0])


@dataclass(frozen=True)
class Animation:
    """A person over F frames.

    Attributes
    ----------
    times: (F,) seconds after the first frame. expression: (F, E) activations 0..1 in the order of
    ``ml.head.arkit.EXPRESSION_NAMES``. rotation: (F, 3, 3), translation: (F, 3) head space ->
    camera space, metres. intrinsics: (3, 3) of the camera, pixels; size: (2,) width and height.
    status: (F,) uint8: SEEN, BRIDGED or LOST. shot: (F,) number of the shot that the frame is in.
    deviation: (F, E) standard deviations of the expression as the fit knows them.
    rate: frames per second. start: timecode of the first frame, seconds after midnight; nan where
    there is none. source: name of the video. drops: whether its timecode leaves out numbers of
    frames.
    """

    times: np.ndarray
    expression: FloatArray
    rotation: FloatArray
    translation: FloatArray
    intrinsics: FloatArray
    size: np.ndarray
    status: np.ndarray
    shot: np.ndarray
    deviation: FloatArray
    rate: float
    start: float
    source: str
    drops: bool = False

    def camera(self, frame: int) -> Camera:
        """The camera that sees the head of a frame, which stands still in head space."""
        width, height = (int(side) for side in self.size)
        return Camera(self.intrinsics, self.rotation[frame], self.translation[frame], width, height)

    def performance(self) -> Performance:
        """The same as a performance, without the frames that show no face.

        Rotations are those of the head before the camera: none where it looks into it.
        """
        known = self.status != LOST
        times = self.times[known] - self.times[known][0]
        start = None if np.isnan(self.start) else self.start + float(self.times[known][0])
        values = self.expression[known].astype(np.float64)
        moved = self.translation[known].astype(np.float64)
        return Performance(
            times,
            values,
            angles_from_rotations(FACING @ self.rotation[known]),
            gaze_of(values),
            self.rate,
            start,
            int((~known).sum()),
            (moved - moved[0]) @ FACING,
            self.drops,
        )

    def spans(self, status: int) -> list[tuple[int, int]]:
        """First and last frame of every stretch of this status."""
        edges = np.diff(np.concatenate([[0], (self.status == status).astype(np.int8), [0]]))
        firsts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        return [(int(first), int(end) - 1) for first, end in zip(firsts, ends, strict=True)]


def save_animation(animation: Animation, path: Path) -> None:
    """Write ``animation.npz``; an earlier file is replaced in one go. Raises OSError."""
    values = {item.name: getattr(animation, item.name) for item in fields(Animation)}
    values |= {"format": FORMAT, "expression_names": np.array(EXPRESSION_NAMES)}
    aside = path.with_name(f".partial-{uuid.uuid4().hex}.npz")
    try:
        write_arrays(aside, values)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def load_animation(path: Path) -> Animation:
    """The animation in a file, checked.

    Raises
    ------
    PerformanceUnreadable: it is missing, damaged, or of another format.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            if int(file["format"]) != FORMAT:
                raise PerformanceUnreadable(
                    f"{path} was written by a newer Effigy", "Update the extension"
                )
            # The first files did not say whether timecodes drop frames.
            found = {"drops": False} | {
                item.name: file[item.name]
                for item in fields(Animation)
                if item.name != "drops" or item.name in file
            }
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise PerformanceUnreadable(
            f"{path} is no animation that can be read ({error})", "Animate the video again"
        ) from error
    for name, kind in (("rate", float), ("start", float), ("source", str), ("drops", bool)):
        found[name] = kind(found[name])
    animation = Animation(**found)
    _check(animation, path)
    return animation


def _check(animation: Animation, path: Path) -> None:
    count = len(animation.times)
    shapes = {
        "expression": (count, len(EXPRESSION_NAMES)),
        "rotation": (count, 3, 3),
        "translation": (count, 3),
        "intrinsics": (3, 3),
        "size": (2,),
        "status": (count,),
        "shot": (count,),
    }
    wrong = [name for name, shape in shapes.items() if getattr(animation, name).shape != shape]
    numbers = [animation.times, animation.expression, animation.rotation, animation.translation]
    if wrong or not count or not all(np.isfinite(each).all() for each in numbers):
        raise PerformanceUnreadable(f"{path} is damaged", "Animate the video again")
