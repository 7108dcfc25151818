"""What the tags of a TIFF say of its samples: which kinds are read, and whether 0 is white."""

from __future__ import annotations

import io

from PIL import Image, TiffImagePlugin

from .formats import Foreign

MAGIC = (b"II*\0", b"MM\0*")
BITS, PHOTOMETRIC, CHANNELS, SAMPLE_FORMAT = 258, 262, 277, 339
FLOAT, WHITE_IS_ZERO = 3, 0
MOST_BITS = 16
HINT = "Save it with 8 or 16 bits per channel first"


def unread_tiff(content: bytes) -> Foreign | None:
    """The kind of a TIFF whose samples Pillow refuses or misreads; None for other files.

    Of numbers of 32 bits only one channel is read.
    """
    if content[:4] not in MAGIC:
        return None
    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(content[:8])
        stream = io.BytesIO(content)
        stream.seek(tags.next)
        tags.load(stream)
        bits = max(tags.get(BITS, (1,)))
        channels = int(tags.get(CHANNELS, 1))
        is_float = FLOAT in tags.get(SAMPLE_FORMAT, ())
    except Exception:  # noqa: BLE001
        # A damaged directory raises almost anything; the decoder tells what is wrong.
        return None
    if bits == 32 and channels == 1:
        return None
    if is_float or bits > MOST_BITS:
        kind = "floating-point numbers" if is_float else "numbers"
        return Foreign(f"a TIFF of {bits}-bit {kind}", HINT)
    if bits == MOST_BITS and channels == 2:
        return Foreign("a grey TIFF of 16 bits with transparency", HINT)
    return None


def too_many_bits(image: Image.Image) -> Foreign | None:
    """What a decoded picture is if its whole numbers take more than 16 bits; else None.

    Pillow wraps the upper half of 32 bits round to negative numbers.
    """
    if image.mode != "I":
        return None
    low, high = image.getextrema()
    beyond = low < 0 or high >= 1 << MOST_BITS  # type: ignore[operator]
    return Foreign("a picture of 32-bit numbers", HINT) if beyond else None


def white_is_zero(image: Image.Image) -> bool:
    """Whether a TIFF with one wide channel is stored as a negative, which Pillow leaves so."""
    tags = getattr(image, "tag_v2", None)
    return tags is not None and tags.get(PHOTOMETRIC) == WHITE_IS_ZERO
