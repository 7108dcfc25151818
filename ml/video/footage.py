"""Frames of a video or of a sequence of images, one after the other, with their times.

Videos are decoded by OpenCV's FFmpeg: turned as their metadata says, each frame at its own time,
so that videos of a variable frame rate keep theirs. Nothing but the frame in hand is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..data import ByteArray
from ..errors import VideoUnreadable, explained
from ..file_types import PHOTO_EXTENSIONS
from ..performance.sequence import images_in
from ..performance.timecode import nearest_rate
from ..photo.read import read_photo
from .timecodes import start_of

# Of a sequence of images, unless somebody says otherwise.
IMAGE_RATE = 24.0
# What no camera records at; containers that do not know say 1000 or 90000, or 0.
_SLOWEST, _FASTEST = 1.0, 480.0
_CONVERT = "Convert it to H.264 in an MP4 file, or export it as a sequence of images"
# Bytes at either end of a file that tell it from others; of a sequence, every so-many-th image's.
_TOLD, _EACH = 1 << 20, 50


@dataclass(frozen=True)
class Frame:
    """One frame. number: from 0. time: seconds after the first. rgb: (H, W, 3) uint8, upright."""

    number: int
    time: float
    rgb: ByteArray


@dataclass(frozen=True)
class Footage:
    """A video, or a sequence of images in a folder.

    Attributes
    ----------
    path: the file or folder. width, height: of the upright frames, pixels.
    rate: frames per second, on the whole. count: how many frames there are, as far as the file
    says; 0 if it does not. start: timecode of the first frame, seconds after midnight; None where
    there is none. drops: whether that leaves out numbers of frames. images: (number, file) of a
    sequence; empty for a video. fixed: whether frames follow each other at ``rate``, whatever times
    the video has.
    """

    path: Path
    width: int
    height: int
    rate: float
    count: int
    start: float | None = None
    images: tuple[tuple[int, Path], ...] = ()
    fixed: bool = False
    drops: bool = False

    def frames(self, first: int = 0, step: int = 1) -> Iterator[Frame]:
        """Every ``step``-th frame from ``first`` on, in order.

        Raises
        ------
        VideoUnreadable: nothing can be decoded. ImageUnreadable: of an image of a sequence.
        """
        return self._of_images(first, step) if self.images else self._of_video(first, step)

    @property
    def digest(self) -> str:
        """A fingerprint of the content: of sizes, beginnings and ends, for films are large."""
        seen = hashlib.sha256()
        for place, path in enumerate([path for _, path in self.images] or [self.path]):
            size = path.stat().st_size
            seen.update(f"{path.name} {size} ".encode())
            if place % _EACH == 0:
                with path.open("rb") as file:
                    seen.update(file.read(_TOLD))
                    file.seek(max(size - _TOLD, 0))
                    seen.update(file.read(_TOLD))
        return seen.hexdigest()

    def _of_images(self, first: int, step: int) -> Iterator[Frame]:
        begin = self.images[0][0]
        for place in range(first, len(self.images), step):
            number, path = self.images[place]
            rgb = read_photo(path).rgb
            if rgb.shape[:2] != (self.height, self.width):
                raise VideoUnreadable(
                    f"{path} has {rgb.shape[1]} x {rgb.shape[0]} pixels, the images before it "
                    f"{self.width} x {self.height}",
                    "Leave only images of one recording in the folder",
                )
            yield Frame(place, (number - begin) / self.rate, rgb)

    def _of_video(self, first: int, step: int) -> Iterator[Frame]:
        with _opened(self.path) as capture:
            number = -1
            # Seeking is not exact in all containers; frames that nobody wants are only decoded.
            for number, time in enumerate(self._times(capture)):
                if number < first or (number - first) % step:
                    continue
                good, bgr = capture.retrieve()
                if not good:
                    break
                yield Frame(number, time, np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)))
        if number < 0:
            raise VideoUnreadable(f"{self.path} has no frame that can be decoded", _CONVERT)

    def _times(self, capture: cv2.VideoCapture) -> Iterator[float]:
        """Seconds after the first frame of each that was grabbed."""
        first, last = None, -1.0
        while capture.grab():
            stamp = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            first = stamp if first is None else first
            time = stamp - first
            if self.fixed or time <= last:  # the container has no times, or damaged ones
                time = last + 1 / self.rate if last >= 0 else 0.0
            yield time
            last = time


def open_footage(path: Path, rate: float | None = None) -> Footage:
    """The video at ``path``, or the sequence of images in that folder.

    rate: frames per second, instead of what the video says, or of IMAGE_RATE for images.

    Raises
    ------
    VideoUnreadable: missing, empty, damaged, no video, or a folder without images.
    """
    try:
        about = path.stat()
    except FileNotFoundError as error:
        raise VideoUnreadable(f"{path} does not exist", "Check the path") from error
    except (OSError, ValueError) as error:
        cause = explained(error, path)
        raise VideoUnreadable(cause.message, cause.hint) from error
    if stat.S_ISDIR(about.st_mode):
        return _images_in(path, rate or IMAGE_RATE)
    if not stat.S_ISREG(about.st_mode):
        raise VideoUnreadable(f"{path} is no regular file", "Choose a video")
    if not about.st_size:
        raise VideoUnreadable(f"{path} is empty", "Get the file again from its source")
    return _video(path, rate)


def _video(path: Path, rate: float | None) -> Footage:
    with _opened(path) as capture:
        said = float(capture.get(cv2.CAP_PROP_FPS))
        count = int(max(capture.get(cv2.CAP_PROP_FRAME_COUNT), 0))
        good, bgr = capture.read()
    if not good:
        raise VideoUnreadable(f"{path} has no frame that can be decoded", _CONVERT)
    height, width = bgr.shape[:2]
    found = nearest_rate(said) if _SLOWEST <= said <= _FASTEST else IMAGE_RATE
    found = rate or found
    start, drops = start_of(path, found) or (None, False)
    fixed = rate is not None
    return Footage(path, width, height, found, count, start, fixed=fixed, drops=drops)


def _images_in(folder: Path, rate: float) -> Footage:
    """The images of a folder, by the numbers at the ends of their names; else by their names."""
    images = images_in(folder)
    if not images:
        raise VideoUnreadable(
            f"{folder} holds no images",
            f"Choose a video, or a folder with one of {', '.join(PHOTO_EXTENSIONS)}",
        )
    shown = read_photo(images[0][1])
    return Footage(folder, shown.width, shown.height, rate, len(images), None, images)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise VideoUnreadable(f"{path} is not a video that can be read", _CONVERT)
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        yield capture
    finally:
        capture.release()
