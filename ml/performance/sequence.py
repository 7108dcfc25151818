"""The images of a sequence in a folder, in their order. Standard library only."""

from __future__ import annotations

import re
from pathlib import Path

from ..file_types import PHOTO_EXTENSIONS

_NUMBER = re.compile(r"(\d+)$")


def images_in(folder: Path) -> tuple[tuple[int, Path], ...]:
    """Number and file of each image, by the numbers at the ends of their names.

    Where not every name ends with a number of its own, images are counted by their names. Hidden
    files are none: other systems leave some beside every image. Raises OSError.
    """
    found = [
        item
        for item in sorted(folder.iterdir())
        if item.suffix.lower() in PHOTO_EXTENSIONS and not item.name.startswith(".")
    ]
    ends = [_NUMBER.search(item.stem) for item in found]
    numbers = [int(end[1]) for end in ends if end is not None]
    if len(set(numbers)) < len(found):
        numbers = list(range(len(found)))
    return tuple(sorted(zip(numbers, found, strict=True)))
