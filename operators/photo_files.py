"""Photo files as the operators take them. Needs no Blender."""

from __future__ import annotations

from pathlib import Path

from ..ml.errors import UsageError
from ..ml.file_types import PHOTO_EXTENSIONS, PICTURE_EXTENSIONS

# Of the file browser. Pictures that are not read are shown, too, and refused with what to do.
FILTER_GLOB = ";".join(f"*{extension}" for extension in PICTURE_EXTENSIONS)
DROPPED = ";".join(PHOTO_EXTENSIONS)


def photo_file(path: str) -> Path:
    """The photo at ``path``. Raises UsageError where there is no such file."""
    photo = Path(path)
    if not path or not photo.is_file():
        raise UsageError(
            f"There is no photo {path!r}" if path else "No photo was chosen",
            "Choose an image file of a face",
        )
    return photo.absolute()


def unused_directory(wanted: Path) -> Path:
    """``wanted``, or with the first number (``_2``, ``_3``, ...) that does not exist yet."""
    number, path = 1, wanted
    while path.exists():
        number += 1
        path = wanted.with_name(f"{wanted.name}_{number}")
    return path
