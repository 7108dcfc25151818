"""The picture formats that are opened, and the names of those that are not."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

# Pillow opens many more, some of them through other programs (EPS starts Ghostscript).
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF")
SAVE_AS = "Save it as JPEG, PNG or TIFF first"
RAW_SUFFIXES = {".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".pef", ".raf", ".raw", ".rw2"}
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_MAGIC = (
    (b"%!PS", "an EPS drawing"),
    (b"%PDF", "a PDF document"),
    (b"8BPS", "a Photoshop file"),
    (b"gimp xcf", "a GIMP file"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"v/1\x01", "an OpenEXR picture"),
    (b"#?RADIANCE", "a Radiance picture"),
    (b"FUJIFILMCCD-RAW", "a camera's raw file"),
    (b"\0\0\x01\0", "an icon"),
)
_PNG = b"\x89PNG\r\n\x1a\n"
# How files of FORMATS begin; of AVIF and WebP, what follows a length.
_OURS = (b"\xff\xd8", _PNG, b"GIF8", b"II*\0", b"MM\0*", b"BM")
_OURS_LATER = ((4, b"ftypavif"), (4, b"ftypavis"), (8, b"WEBP"))
_TEXT = (b"tEXt", b"zTXt", b"iTXt")
# Pillow refuses a PNG whose texts or colour profile are larger than this after decompression.
_LARGEST_CHUNK = 1 << 20


@dataclass(frozen=True)
class Foreign:
    """A format that is not read: ``description`` with its article, and the remedy."""

    description: str
    hint: str = SAVE_AS


@lru_cache(maxsize=1)
def opened_formats() -> tuple[str, ...]:
    """Pillow's names of the formats that are opened; HEIF where pillow_heif is installed."""
    from PIL import features

    formats = tuple(name for name in FORMATS if name != "AVIF" or features.check("avif"))
    try:
        from pillow_heif import register_heif_opener  # type: ignore[import-not-found]
    except ImportError:
        return formats
    register_heif_opener()
    return (*formats, "HEIF")


def foreign_format(path: Path, content: bytes) -> Foreign | None:
    """The format of a file that cannot be opened, by its first bytes or else its suffix."""
    suffix = path.suffix.lower()
    if content[4:8] == b"ftyp" and content[8:12] in HEIC_BRANDS:
        return _heic()
    if content[4:12] == b"ftypcrx ":
        return Foreign("a camera's raw file")
    for magic, description in _MAGIC:
        if content.startswith(magic):
            return Foreign(description)
    if b"<svg" in content[:4096]:
        return Foreign("an SVG drawing")
    if suffix in (".heic", ".heif", ".hif"):
        return _heic()
    if suffix in RAW_SUFFIXES:
        return Foreign("a camera's raw file")
    return None


def begins_as_ours(content: bytes) -> bool:
    """Whether a file begins as those of FORMATS do, whatever comes after."""
    return content.startswith(_OURS) or any(
        content.startswith(magic, at) for at, magic in _OURS_LATER
    )


def is_camera_raw(path: Path, content: bytes) -> bool:
    """Whether this is a raw file: many are TIFFs whose first picture is only a thumbnail."""
    tiff = content[:4] in (b"II*\0", b"MM\0*")
    return content[8:10] == b"CR" or (tiff and path.suffix.lower() in RAW_SUFFIXES)


def _heic() -> Foreign:
    if find_spec("pillow_heif"):
        return Foreign("a damaged HEIC photo", "Get the file again from its source")
    return Foreign(
        "a HEIC photo, which Effigy cannot read here",
        "Save it as JPEG first (iPhone: Settings, Camera, Formats, Most Compatible)",
    )


def without_texts(content: bytes) -> bytes:
    """A PNG without its texts, and without what is damaged or of absurd size beside its pixels.

    Texts tell nothing of the pixels. Pillow refuses the whole picture for any of these, and viewers
    show it. Other formats are returned unchanged.
    """
    if not content.startswith(_PNG):
        return content
    kept, begun = [], 0
    for start, end in _chunks(content):
        kind, sound = content[start + 4 : start + 8], content[end - 4 : end]
        # A small first letter: decoders may do without the chunk.
        damaged = kind[:1].islower() and _checksum(content[start + 4 : end - 4]) != sound
        if damaged or _is_dropped(kind, content[start + 8 : end - 4]):
            kept.append(content[begun:start])
            begun = end
    return b"".join([*kept, content[begun:]]) if kept else content


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "big")


def _chunks(content: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of every whole chunk of a PNG, in order."""
    start = len(_PNG)
    while start + 12 <= len(content):
        end = start + 12 + int.from_bytes(content[start : start + 4], "big")
        if end > len(content):
            return
        yield start, end
        start = end


def _is_dropped(kind: bytes, data: bytes) -> bool:
    if kind in _TEXT:
        # ImageMagick keeps EXIF, and with it the orientation, in a text.
        return not data.startswith(b"Raw profile type") or len(data) > _LARGEST_CHUNK // 16
    if kind != b"iCCP":
        return False
    stream = zlib.decompressobj()
    try:
        profile = stream.decompress(data.partition(b"\0")[2][1:], _LARGEST_CHUNK)
    except zlib.error:
        return True
    return len(profile) >= _LARGEST_CHUNK
