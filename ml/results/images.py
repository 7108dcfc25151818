"""The sizes of a result's images, from their headers: nothing is decoded. Standard library only."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from ..errors import HeadError
from ..settings import LARGEST_TEXTURE
from .detail import DISPLACEMENT_NAME, NORMAL_NAME

ALBEDO_NAME = "albedo.png"
PHOTO_NAME = "photo.jpg"
_PNG = b"\x89PNG\r\n\x1a\n"
# Start-of-frame markers, which hold a JPEG's size: SOF0 to SOF15 without DHT, JPG and DAC.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Markers without a length: TEM and restarts.
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
_MOST_SEGMENTS = 1000
# Pixels that rounding may move a side of the reduced photo by.
_ROUNDING = 2.0
_REMEDY = "Reconstruct the photo again"


def check_images(directory: Path, about: Mapping[str, Any]) -> None:
    """Check the sizes of the images in ``directory``, before a program decodes them.

    ``photo.jpg`` must have the shape of the photo in ``about`` (the contents of
    ``reconstruction.json``) and be no larger; textures have at most LARGEST_TEXTURE texels a side.
    Images that are not there are left out.

    Raises
    ------
    HeadError: an image is damaged, or of another size; it is named.
    """
    width, height = int(about["photo"]["width"]), int(about["photo"]["height"])
    photo = directory / PHOTO_NAME
    size = _size_of(photo)
    if size is not None:
        wide, high = size
        fits = wide <= width and high <= height
        # The shorter side of a reduced photo is rounded more coarsely than the longer one.
        scale = max(wide / width, high / height)
        off = max(abs(width * scale - wide), abs(height * scale - high))
        if not fits or off > _ROUNDING:
            raise _wrong(photo, size, f"{width} x {height} or less, as its photo has")
    for name in (ALBEDO_NAME, NORMAL_NAME, DISPLACEMENT_NAME):
        size = _size_of(directory / name)
        if size is not None and max(size) > LARGEST_TEXTURE:
            raise _wrong(directory / name, size, f"{LARGEST_TEXTURE} a side at most")


def _wrong(path: Path, size: tuple[int, int], wanted: str) -> HeadError:
    return HeadError(f"{path} has {size[0]} x {size[1]} pixels, not {wanted}", _REMEDY)


def _size_of(path: Path) -> tuple[int, int] | None:
    """Width and height of a PNG or JPEG; None if there is no such file."""
    if not path.exists():
        return None
    try:
        if not path.is_file():
            raise ValueError("it is no file")
        with path.open("rb") as stream:
            size = _png_size(stream) if path.suffix == ".png" else _jpeg_size(stream)
    except (OSError, ValueError, struct.error) as error:
        raise HeadError(f"{path} is damaged ({error})", _REMEDY) from error
    if min(size) < 1:
        raise HeadError(f"{path} is damaged (it has no pixels)", _REMEDY)
    return size


def _png_size(stream: IO[bytes]) -> tuple[int, int]:
    start = stream.read(24)
    if start[:8] != _PNG or start[12:16] != b"IHDR":
        raise ValueError("it is no PNG")
    width, height = struct.unpack(">II", start[16:24])
    return width, height


def _jpeg_size(stream: IO[bytes]) -> tuple[int, int]:
    if stream.read(2) != b"\xff\xd8":
        raise ValueError("it is no JPEG")
    for _ in range(_MOST_SEGMENTS):
        (filler, marker) = struct.unpack("BB", stream.read(2))
        if filler != 0xFF:
            break
        if marker == 0xFF:
            # Segments may be filled up with any number of these.
            stream.seek(-1, 1)
        elif marker not in _BARE:
            (length,) = struct.unpack(">H", stream.read(2))
            if marker in _FRAMES:
                _, height, width = struct.unpack(">BHH", stream.read(5))
                return width, height
            stream.seek(max(length - 2, 0), 1)
    raise ValueError("its size was not found")
