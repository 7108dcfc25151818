"""EXIF data, believed where they agree with the picture."""

from __future__ import annotations

import io
import math
from typing import Any

from PIL import ExifTags, Image

FILM_WIDTH_MM = 36.0
SHORTEST_MM, LONGEST_MM = 5, 2000
# Cameras take the 35 mm equivalent by width or diagonal, and round it.
EQUIVALENT_TOLERANCE = 0.15
ASPECT_TOLERANCE = 0.03
# DCF prescribes this size of a thumbnail whatever the photo's aspect is.
DCF_THUMBNAIL = (120, 160)
MM_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0}


def orientation_of(image: Image.Image) -> int:
    """EXIF's orientation, 1 to 8; 1 where there is none or it cannot be read."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001
        # Damaged EXIF raises almost anything and says nothing of the pixels.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def believed_focal(image: Image.Image, size: tuple[int, int]) -> tuple[float | None, str]:
    """EXIF's focal length per longer side of the picture, or None and the reason for it.

    The reason is empty where EXIF has no focal length. size: width and height of the picture in
    its file, before it was reduced. The 35 mm equivalent refers to the longer side here. Cameras
    use the width or the diagonal, which differ by less than four per cent for 3:2 frames.
    """
    try:
        exif = image.getexif()
        tags = exif.get_ifd(ExifTags.IFD.Exif)
        equivalent = _number(tags, ExifTags.Base.FocalLengthIn35mmFilm)
        if not SHORTEST_MM <= equivalent <= LONGEST_MM:
            return None, ""
        refused = (
            _other_size(tags, size)
            or _digital_zoom(tags)
            or _other_sensor(tags, size, equivalent)
            or _other_thumbnail(exif, size)
        )
    except Exception:  # noqa: BLE001
        # Damaged EXIF raises almost anything and says nothing of the pixels.
        return None, "EXIF is damaged"
    if refused:
        return None, refused
    return equivalent / FILM_WIDTH_MM, ""


def _number(tags: Any, tag: int) -> float:
    """The value of a tag; 0 where it is absent or no number."""
    try:
        value = float(tags.get(tag) or 0)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0
    return value if math.isfinite(value) else 0.0


def _other_size(tags: Any, size: tuple[int, int]) -> str:
    """EXIF keeps the size of the camera's picture; what was cropped afterwards has another."""
    there = [
        _number(tags, tag) for tag in (ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight)
    ]
    # Some programs keep one of both only.
    fits = sorted(there) == sorted(size) if all(there) else {*there} <= {0.0, *size}
    if fits:
        return ""
    width, height = (f"{side:.0f}" if side else "?" for side in there)
    return (
        f"EXIF is of a picture of {width} x {height} pixels, and this one has {size[0]} x {size[1]}"
    )


def _digital_zoom(tags: Any) -> str:
    """Some cameras count it into the 35 mm equivalent, and some do not."""
    zoom = _number(tags, ExifTags.Base.DigitalZoomRatio)
    return f"EXIF tells of a digital zoom of {zoom:.3g}" if zoom > 1.05 else ""


def _other_sensor(tags: Any, size: tuple[int, int], equivalent: float) -> str:
    """The width of the sensor that the picture shows follows from the pitch of its pixels.

    Where that is less than the 35 mm equivalent is stated for, the picture is a part of another.
    """
    unit = MM_PER_UNIT.get(int(_number(tags, ExifTags.Base.FocalPlaneResolutionUnit)) or 2)
    pitch = _number(tags, ExifTags.Base.FocalPlaneXResolution)
    focal = _number(tags, ExifTags.Base.FocalLength)
    if unit is None or pitch <= 0 or focal <= 0:
        return ""
    width = max(size) / pitch * unit
    expected = focal * FILM_WIDTH_MM / width
    if expected > equivalent * (1 + EQUIVALENT_TOLERANCE):
        return f"by EXIF this picture shows {width:.3g} mm of a larger sensor"
    return ""


def _other_thumbnail(exif: Image.Exif, size: tuple[int, int]) -> str:
    """The thumbnail shows the camera's picture; its aspect is that picture's."""
    offset, length = (
        exif.get_ifd(ExifTags.IFD.IFD1).get(tag)
        for tag in (ExifTags.Base.JpegIFOffset, ExifTags.Base.JpegIFByteCount)
    )
    stream = getattr(exif, "fp", None) or io.BytesIO(b"")
    if not isinstance(offset, int) or not isinstance(length, int) or not 0 < length < 1 << 17:
        return ""
    try:
        stream.seek(offset)
        with Image.open(io.BytesIO(stream.read(length)), formats=("JPEG",)) as thumbnail:
            low, high = sorted(thumbnail.size)
    except (OSError, SyntaxError, ValueError):
        return ""
    if (low, high) == DCF_THUMBNAIL or low < 1:
        return ""
    if abs(math.log(high / low * min(size) / max(size))) < ASPECT_TOLERANCE:
        return ""
    return "EXIF's thumbnail has another aspect than the picture"
