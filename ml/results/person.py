"""Several photos of one person as files: a folder for each photo, and ``person.json`` beside them.

``person.json`` names the folders relative to itself, so the whole can be moved::

    {"status": "ok", "main": "smile", "photos": ["smile", "side"],
     "left_out": [{"photo": "wall.jpg", "code", "message", "hint"}]}

Standard library and numpy only, so that Blender's own Python can read it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data import Camera
from ..errors import HeadError
from .reconstruction import Reconstruction, camera_of, read_about

PERSON_NAME = "person.json"
# A face of this many pixels fills the usual texture; a larger one is not a better choice.
SHARP_PX = 400.0


@dataclass(frozen=True)
class LeftOut:
    """A photo that could not be used, and why."""

    photo: Path
    error: HeadError


@dataclass(frozen=True)
class SamePerson:
    """One person from several photos.

    Attributes
    ----------
    photos: (P,) those that were used, in the order given.
    heads: (P,) a head a photo: the same identity, each photo's expression, camera and texture.
    left_out: photos that show no face or cannot be read.
    """

    photos: tuple[Path, ...]
    heads: tuple[Reconstruction, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def main(self) -> int:
        """Index of the photo to show the person by: sure, large, and looked at from the front."""
        return int(np.argmax([_quality(head) for head in self.heads]))


@dataclass(frozen=True)
class PhotoView:
    """How one photo sees a person: all that Blender needs besides the head itself.

    Attributes
    ----------
    directory: of the photo's reconstruction. name: the photo's file name.
    expression: activations by key.
    """

    directory: Path
    name: str
    expression: Mapping[str, float]
    camera: Camera


def _quality(head: Reconstruction) -> float:
    """0..1."""
    place = head.camera.translation
    # The cosine between where the face looks (+Z of the head) and where the camera is.
    facing = -float(head.camera.rotation[:, 2] @ place) / float(np.linalg.norm(place))
    sharpness = min(1.0, (head.face_box[2] - head.face_box[0]) / SHARP_PX)
    return head.confidence * max(facing, 0.0) * sharpness**0.5


def save_index(person: SamePerson, folders: list[Path], out: Path) -> Path:
    """Write ``person.json`` into ``out``; ``folders``: (P,) of the heads, inside ``out``.

    Written after the heads: its presence means that they are complete.
    """
    names = [folder.relative_to(out).as_posix() for folder in folders]
    about = {
        "status": "ok",
        "main": names[person.main],
        "photos": names,
        "left_out": [
            {
                "photo": item.photo.name,
                "code": item.error.code,
                "message": item.error.message,
                "hint": item.error.hint,
            }
            for item in person.left_out
        ],
    }
    target = out / PERSON_NAME
    target.write_text(json.dumps(about, indent=1), encoding="utf-8")
    return target


def photo_folders(directory: Path) -> list[Path]:
    """Folders of a person's heads, the main photo's first; of a single head the one it is.

    Raises
    ------
    HeadError: person.json is damaged.
    """
    index = directory / PERSON_NAME
    if not index.exists():
        return [directory]
    try:
        about = json.loads(index.read_text(encoding="utf-8"))
        main, names = str(about["main"]), [str(name) for name in about["photos"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HeadError(f"{index} is damaged ({error})", "Reconstruct the photos again") from error
    return [directory / name for name in [main, *(name for name in names if name != main)]]


def read_view(directory: Path) -> PhotoView:
    """What the head in ``directory`` says about its photo; its mesh is not read.

    Raises
    ------
    HeadError: there is no complete head.
    """
    try:
        about = read_about(directory)
        values = {str(name): float(value) for name, value in about["expression"].items()}
        return PhotoView(directory, str(about["photo"]["name"]), values, camera_of(about))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise HeadError(
            f"{directory} is not a complete reconstruction ({error})",
            "Reconstruct the photos again",
        ) from error
