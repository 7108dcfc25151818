"""Read a photo as a viewer shows it: upright, in sRGB, with eight bits per channel."""

from __future__ import annotations

import hashlib
import io
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from ..data import ByteArray, Photo
from ..errors import ImageUnreadable
from ..settings import PHOTO_EXTENSIONS

# A face needs some pixels, and a photo of more than 100 megapixels takes gigabytes of memory.
SMALLEST_SIDE, LARGEST_PIXELS, LARGEST_ASPECT = 32, 100_000_000, 12
FILM_WIDTH_MM = 36.0
# Transparent pixels are composited on this grey: white or black would make strong edges.
BEHIND_ALPHA = (128, 128, 128)


def read_photo(path: Path) -> Photo:
    """Decode the photo at ``path``.

    EXIF rotation is applied, transparency composited on grey, an embedded colour profile turned
    into sRGB, sixteen bits reduced to eight; of an animation the first frame is taken.

    Raises
    ------
    ImageUnreadable: missing, unreadable, empty, truncated, not an image, or of an absurd size.
    """
    content = _bytes_of(path)
    try:
        with warnings.catch_warnings():
            # Pillow warns at 89 megapixels and refuses at 179: the limit here lies between.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as image:
                _check_size(path, *image.size)
                image.load()
                focal = _focal_px(image)
                rgb = _to_srgb(image)
    except Image.DecompressionBombError as error:
        raise ImageUnreadable(
            f"{path} claims to be larger than {LARGEST_PIXELS // 10**6} megapixels",
            "Reduce it in an image editor first",
        ) from error
    except UnidentifiedImageError as error:
        raise ImageUnreadable(
            f"{path} is not an image that Effigy can read",
            f"Use one of {', '.join(PHOTO_EXTENSIONS)}",
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise ImageUnreadable(
            f"{path} is damaged or cut off ({error})", "Get the file again from its source"
        ) from error
    return Photo(rgb, path, hashlib.sha256(content).hexdigest(), focal)


def _bytes_of(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise ImageUnreadable(f"{path} is a folder", "Choose a photo, or use the batch command")
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ImageUnreadable(f"{path} does not exist", "Check the path") from error
    except (OSError, ValueError) as error:
        # ValueError: a path that no system can hold, such as one with a null character.
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageUnreadable(
            f"{path} cannot be opened ({reason})", "Check the file's permissions"
        ) from error
    if not content:
        raise ImageUnreadable(f"{path} is empty", "Get the file again from its source")
    return content


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > LARGEST_PIXELS:
        raise ImageUnreadable(
            f"{path} has {width} x {height} pixels, more than {LARGEST_PIXELS // 10**6} megapixels",
            "Reduce it in an image editor first",
        )
    if min(width, height) < SMALLEST_SIDE:
        raise ImageUnreadable(
            f"{path} has only {width} x {height} pixels",
            f"Use a photo of at least {SMALLEST_SIDE} pixels in each direction",
        )
    if max(width, height) > LARGEST_ASPECT * min(width, height):
        raise ImageUnreadable(
            f"{path} is a strip of {width} x {height} pixels", "Crop it to the person first"
        )


def _to_srgb(image: Image.Image) -> ByteArray:
    upright = ImageOps.exif_transpose(image)
    profile = image.info.get("icc_profile")
    eight = _eight_bits(upright)
    if eight.mode in ("LA", "RGBA", "PA") or "transparency" in eight.info:
        rgba = eight.convert("RGBA")
        ground = Image.new("RGBA", rgba.size, (*BEHIND_ALPHA, 255))
        eight = Image.alpha_composite(ground, rgba).convert("RGB")
    converted = _through_profile(eight, profile)
    return np.array(converted.convert("RGB"), dtype=np.uint8)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale modes with one wide channel (I;16, I, F) to eight bits; others are returned as is."""
    if not (image.mode.startswith("I") or image.mode == "F"):
        return image
    values = np.asarray(image, dtype=np.float64)
    # PNG and TIFF store 16 bits in "I". Floats are 0..1 by convention, else 0..255 or 16 bits.
    top = 1.0 if image.mode == "F" and np.nanmax(values) <= 1 else 65535.0
    if image.mode == "F" and 1 < np.nanmax(values) <= 255:
        top = 255.0
    scaled = np.clip(np.nan_to_num(values) / top * 255, 0, 255)
    return Image.fromarray(np.round(scaled).astype(np.uint8), "L")


def _through_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    if not profile:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        found = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        # A broken or mismatched profile is common and harmless: use the values as they are.
        return image
    return found if found is not None else image


def _focal_px(image: Image.Image) -> float | None:
    """EXIF's focal length in pixels of the upright image, or None.

    The 35 mm equivalent refers to the longer side here. Cameras use the width or the diagonal,
    which differ by less than four per cent for 3:2 frames.
    """
    try:
        exif = image.getexif().get_ifd(ExifTags.IFD.Exif)
        equivalent = float(exif.get(ExifTags.Base.FocalLengthIn35mmFilm) or 0)
    except (OSError, ValueError, TypeError, ZeroDivisionError, SyntaxError, KeyError):
        return None
    if not 5 <= equivalent <= 2000:
        return None
    return equivalent / FILM_WIDTH_MM * max(image.size)
