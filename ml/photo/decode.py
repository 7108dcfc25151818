"""From a file's bytes to upright sRGB pixels; large pictures are reduced once, while decoding."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

from ..data import ByteArray
from ..errors import ImageUnreadable
from .formats import SAVE_AS, Foreign, is_camera_raw, opened_formats, without_texts
from .metadata import believed_focal, orientation_of
from .tiff import too_many_bits, unread_tiff, white_is_zero

# A face needs some pixels. Decoding more than 100 megapixels takes gigabytes of memory; WebP's and
# AVIF's decoders hold several copies of the picture.
SMALLEST_SIDE, LARGEST_PIXELS, LARGEST_ASPECT = 32, 100_000_000, 12
LARGEST_OF_FORMAT = {"WEBP": 50_000_000, "AVIF": 50_000_000, "HEIF": 50_000_000}
# Larger pictures are halved in both directions, which makes 25 megapixels of LARGEST_PIXELS.
UNREDUCED_PIXELS = 25_000_000
# Transparent pixels are composited on this grey: white or black would make strong edges.
BEHIND_ALPHA = (128, 128, 128)
# Rows that are converted at a time; even, for halving.
STRIP = 256
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What Pillow notes about damaged files is told in the error, if it matters.
logging.getLogger("PIL").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Picture:
    """Pixels and what the metadata say of them; see :class:`ml.data.Photo`."""

    rgb: ByteArray
    focal_px: float | None
    focal_refused: str
    orientation: int


def decode(content: bytes, path: Path) -> Picture:
    """The picture in ``content``; ``path``: of the file, for messages.

    Raises
    ------
    ImageUnreadable: it has too many or too few pixels. Whatever a decoder raises otherwise.
    """
    if is_camera_raw(path, content):
        raise ImageUnreadable(f"{path} is a camera's raw file", SAVE_AS)
    with warnings.catch_warnings():
        # Pillow warns at 89 megapixels and refuses at 179: the limit here lies between.
        warnings.simplefilter("ignore")
        _check_samples(path, unread_tiff(content))
        stream = io.BytesIO(without_texts(content))
        with Image.open(stream, formats=opened_formats()) as image:
            _check_size(
                path, *image.size, LARGEST_OF_FORMAT.get(image.format or "", LARGEST_PIXELS)
            )
            size = image.size
            if size[0] * size[1] > UNREDUCED_PIXELS:
                # JPEG's decoder halves by itself, at a quarter of the work; others ignore this.
                image.draft(None, (size[0] // 2, size[1] // 2))
            image.load()
            _check_samples(path, too_many_bits(image))
            focal, refused = believed_focal(image, size)
            orientation = orientation_of(image)
            rgb = _to_srgb(image)
    return Picture(rgb, focal and focal * max(rgb.shape[:2]), refused, orientation)


def _check_samples(path: Path, unread: Foreign | None) -> None:
    if unread:
        raise ImageUnreadable(f"{path} is {unread.description}", unread.hint)


def _check_size(path: Path, width: int, height: int, most: int) -> None:
    if width * height > most:
        raise ImageUnreadable(
            f"{path} has {width} x {height} pixels, more than {most // 10**6} megapixels",
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
    turn = TURNS.get(orientation_of(image))
    profile = image.info.get("icc_profile")
    negative = _is_wide(image) and white_is_zero(image)
    if image.width * image.height > UNREDUCED_PIXELS:
        eight = _halved(image)
    else:
        eight = _opaque(_eight_bits(image, _white(image)))
    if negative:
        eight = ImageOps.invert(eight)
    upright = eight if turn is None else eight.transpose(turn)
    converted = _through_profile(upright, profile)
    return np.array(converted.convert("RGB"), dtype=np.uint8)


def _halved(image: Image.Image) -> Image.Image:
    """The opaque picture of half the size, made strip by strip to save memory."""
    white = _white(image)
    half: Image.Image | None = None
    for top, strip in _strips(image):
        eight = _opaque(_eight_bits(strip, white))
        if eight.mode in ("1", "P"):
            eight = eight.convert("RGB")
        small = eight.reduce(2)
        if half is None:
            half = Image.new(small.mode, ((image.width + 1) // 2, (image.height + 1) // 2))
        half.paste(small, (0, top // 2))
    if half is None:
        raise ValueError("no pixels")
    return half


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """The picture in strips of STRIP rows, each with its first row."""
    for top in range(0, image.height, STRIP):
        yield top, image.crop((0, top, image.width, min(top + STRIP, image.height)))


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode not in ("LA", "RGBA", "PA") and "transparency" not in image.info:
        return image
    rgba = image.convert("RGBA")
    ground = Image.new("RGBA", rgba.size, (*BEHIND_ALPHA, 255))
    return Image.alpha_composite(ground, rgba).convert("RGB")


def _is_wide(image: Image.Image) -> bool:
    """Whether the picture has one channel of more than eight bits (I;16, I, F)."""
    return image.mode.startswith("I") or image.mode == "F"


def _white(image: Image.Image) -> float:
    """The value of white in a picture with one wide channel."""
    if image.mode != "F":
        # PNG and TIFF store 16 bits in "I".
        return 65535.0
    # Floats are 0..1 by convention, else 0..255 or 16 bits.
    most = np.nanmax([np.nanmax(np.asarray(strip)) for _, strip in _strips(image)])
    return 1.0 if most <= 1 else 255.0 if most <= 255 else 65535.0


def _eight_bits(image: Image.Image, white: float) -> Image.Image:
    """Scale modes with one wide channel to eight bits; others are returned as is."""
    if not _is_wide(image):
        return image
    strips = (np.asarray(strip) for _, strip in _strips(image))
    if image.mode == "F":
        rows = [_scaled(strip, white) for strip in strips]
    else:
        table = _scaled(np.arange(65536), white)
        rows = [table[np.clip(strip, 0, 65535)] for strip in strips]
    return Image.fromarray(np.concatenate(rows), "L")


def _scaled(values: np.ndarray, white: float) -> np.ndarray:
    scaled = np.clip(np.nan_to_num(values.astype(np.float64)) / white * 255, 0, 255)
    return np.round(scaled).astype(np.uint8)


def _through_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    if not profile:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        found = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        # A broken or mismatched profile is common and harmless: use the values as they are.
        return image
    return found if found is not None else image
