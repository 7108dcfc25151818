"""Read a photo as a viewer shows it: upright, in sRGB, with eight bits per channel."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from ..data import Photo
from ..errors import ImageUnreadable, explained
from ..file_types import FOREIGN_EXTENSIONS, PHOTO_EXTENSIONS
from .decode import LARGEST_PIXELS, decode
from .formats import begins_as_ours, foreign_format

# Photos are at most some dozens of megabytes large; a disk image or a film is none.
LARGEST_FILE = 500_000_000
# Decoders keep the file beside the picture; of 100 megapixels only these need as many bytes.
LARGEST_COMPRESSED, UNCOMPRESSED = 250_000_000, (b"II*\0", b"MM\0*", b"BM")
DAMAGED = "Get the file again from its source"
_NOT_FILES = (
    (stat.S_ISDIR, "a folder", "Choose a photo, or use the batch command"),
    (stat.S_ISFIFO, "a named pipe, not a file", "Choose a photo"),
    (stat.S_ISSOCK, "a socket, not a file", "Choose a photo"),
    (stat.S_ISCHR, "a device, not a file", "Choose a photo"),
    (stat.S_ISBLK, "a device, not a file", "Choose a photo"),
)


def read_photo(path: Path) -> Photo:
    """Decode the photo at ``path``.

    EXIF rotation is applied, transparency composited on grey, an embedded colour profile turned
    into sRGB, sixteen bits reduced to eight; of an animation the first frame is taken. A picture
    of more than 25 megapixels is halved in both directions while it is decoded: the pixels, the
    size and the focal length of the result are those of the reduced picture.

    Raises
    ------
    ImageUnreadable: missing, not a regular file, unreadable, empty, truncated, not an image of a
        known format, or of an absurd size.
    """
    content = _bytes_of(path)
    try:
        picture = decode(content, path)
    except ImageUnreadable:
        raise
    except Image.DecompressionBombError as error:
        raise ImageUnreadable(
            f"{path} claims to be larger than {LARGEST_PIXELS // 10**6} megapixels",
            "Reduce it in an image editor first",
        ) from error
    except MemoryError as error:
        raise ImageUnreadable(
            f"{path} needs more memory than there is", "Close other programs, or reduce the picture"
        ) from error
    except Exception as error:
        # Decoders raise almost anything for damaged content: struct.error, TypeError, zlib.error...
        raise _undecodable(path, content, error) from error
    digest = hashlib.sha256(content).hexdigest()
    focal, refused = picture.focal_px, picture.focal_refused
    return Photo(picture.rgb, path, digest, focal, refused, picture.orientation)


def _undecodable(path: Path, content: bytes, error: Exception) -> ImageUnreadable:
    named = foreign_format(path, content)
    if named:
        return ImageUnreadable(f"{path} is {named.description}", named.hint)
    unidentified = isinstance(error, UnidentifiedImageError)
    ours = begins_as_ours(content) and path.suffix.lower() not in FOREIGN_EXTENSIONS
    if unidentified and not ours:
        return ImageUnreadable(
            f"{path} is not an image that Effigy can read",
            f"Use one of {', '.join(PHOTO_EXTENSIONS)}",
        )
    reason = "" if unidentified else f" ({str(error) or type(error).__name__})"
    return ImageUnreadable(f"{path} is damaged or cut off{reason}", DAMAGED)


def _bytes_of(path: Path) -> bytes:
    """The content of a regular file of sane size; anything else is refused before it is opened."""
    try:
        about = os.stat(path)
        for is_kind, kind, hint in _NOT_FILES:
            if is_kind(about.st_mode):
                raise ImageUnreadable(f"{path} is {kind}", hint)
        with path.open("rb") as stream:
            # What the system reports may be wrong, or the file may grow.
            small = about.st_size <= LARGEST_FILE
            content = stream.read(LARGEST_FILE + 1) if small else b""
    except FileNotFoundError as error:
        raise ImageUnreadable(f"{path} does not exist", "Check the path") from error
    except ValueError as error:
        # A path that no system can hold, such as one with a null character.
        raise ImageUnreadable(f"{path} cannot be opened ({error})", "Rename the file") from error
    except (OSError, MemoryError) as error:
        cause = explained(error, path)
        raise ImageUnreadable(cause.message, cause.hint) from error
    most = LARGEST_FILE if content.startswith(UNCOMPRESSED) else LARGEST_COMPRESSED
    if not small or len(content) > most:
        raise ImageUnreadable(
            f"{path} is larger than {(most if small else LARGEST_FILE) // 10**6} MB",
            "Reduce it in an image editor first",
        )
    if not content:
        raise ImageUnreadable(f"{path} is empty", DAMAGED)
    return content
