"""Photo files and where their results go. Needs no Blender."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..ml.errors import UsageError
from .job import Task

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")
FILTER_GLOB = ";".join(f"*{suffix}" for suffix in SUFFIXES)


def photo_file(path: str) -> Path:
    """The photo at ``path``. Raises UsageError where there is no such file."""
    photo = Path(path)
    if not path or not photo.is_file():
        raise UsageError(
            f"There is no photo {path!r}" if path else "No photo was chosen",
            "Choose an image file of a face",
        )
    return photo.absolute()


def photos_in(folder: str, recursive: bool) -> list[Path]:
    """The image files in a folder, sorted; upper-case suffixes count, hidden files do not.

    Raises UsageError where there is no such folder or no image in it.
    """
    root = Path(folder)
    if not folder or not root.is_dir():
        raise UsageError(
            f"There is no folder {folder!r}" if folder else "No folder was chosen",
            "Choose a folder of photos",
        )
    every = root.rglob("*") if recursive else root.iterdir()
    found = sorted(
        path.absolute()
        for path in every
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    )
    if not found:
        raise UsageError(
            f"There is no photo in {root}", f"Effigy reads {', '.join(SUFFIXES)} files"
        )
    return found


def tasks_for(photos: list[Path], output: Path) -> list[Task]:
    """A directory under ``output`` for each photo: its stem, numbered where stems repeat."""
    taken: set[Path] = set()
    tasks = []
    for photo in photos:
        out = numbered(output / photo.stem, taken.__contains__)
        taken.add(out)
        tasks.append(Task(photo, out))
    return tasks


def numbered(wanted: Path, is_taken: Callable[[Path], bool]) -> Path:
    """``wanted``, or with the first number (``_2``, ``_3``, ...) that is not taken."""
    number, path = 1, wanted
    while is_taken(path):
        number += 1
        path = wanted.with_name(f"{wanted.name}_{number}")
    return path
