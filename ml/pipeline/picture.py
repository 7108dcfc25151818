"""The picture that a result was made from: the photo itself, or the copy beside the result.

The copy is upright and as large as a screen at most, and it is a JPEG: the photo has more to see.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data import ByteArray, Photo
from ..errors import HeadError, ImageUnreadable
from ..results.folder import photo_digest
from ..results.images import PHOTO_NAME
from ..results.provenance import Provenance
from .upright import quarters_in, turned


@dataclass(frozen=True)
class Picture:
    """The picture of a result.

    Attributes
    ----------
    photo: its pixels, upright. file: where they come from. original: whether that is the photo.
    """

    photo: Photo
    file: Path
    original: bool


def picture_of(folder: Path, origin: Provenance) -> Picture:
    """The photo of the result in ``folder`` if it can still be found, else the copy there.

    Raises
    ------
    HeadError: both are gone. ImageUnreadable: the copy is damaged.
    """
    for place in _places(folder, origin):
        if origin.photo_sha256 and photo_digest(place) == origin.photo_sha256:
            photo = _original(place, origin)
            if photo is not None:
                return Picture(photo, place, original=True)
    copy = folder / PHOTO_NAME
    photo = Photo(_copied(copy, origin), Path(origin.photo_name), origin.photo_sha256)
    return Picture(photo, copy, original=False)


def _places(folder: Path, origin: Provenance) -> Iterator[Path]:
    """Where the photo may be: where it was, or moved together with its results."""
    if origin.photo_path:
        yield Path(origin.photo_path)
    if origin.photo_name:
        yield from (above / origin.photo_name for above in (folder, *folder.parents[:2]))


def _original(path: Path, origin: Provenance) -> Photo | None:
    """The photo, turned as its head was found in it; None where it cannot be read that way."""
    from ..photo.read import read_photo

    try:
        photo = read_photo(path)
    except ImageUnreadable:
        return None
    photo = turned(photo, quarters_in(origin.orientation_refused))
    same = photo.sha256 == origin.photo_sha256
    return photo if same and (photo.width, photo.height) == (origin.width, origin.height) else None


def _copied(path: Path, origin: Provenance) -> ByteArray:
    from PIL import Image

    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except FileNotFoundError as error:
        raise HeadError(
            f"{path} is gone, and so is {origin.photo_name}, so no texture can be made from them",
            "Reconstruct the photo again",
        ) from error
    except (OSError, ValueError) as error:
        raise ImageUnreadable(
            f"{path} cannot be read ({error})", "Reconstruct the photo again"
        ) from error
