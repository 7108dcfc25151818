"""Files of several photos of one person: one folder per photo, and ``person.json`` beside them.

``person.json`` names the folders relative to itself, so that all can be moved together::

    {"status": "ok", "main": "smile", "photos": ["smile", "side"],
     "left_out": [{"photo": "wall.jpg", "code", "message", "hint"}],
     "doubts": [{"photo": "friend.jpg", "message"}]}

Standard library and numpy only, so that Blender's own Python can read it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..assets.card import FileState
from ..data import Camera
from ..errors import HeadError
from .camera import camera_of
from .checks import check_state, read_json, state_of
from .files import PERSON_NAME, replacing
from .reconstruction import Reconstruction, load_reconstruction, read_about

# Width of a face in pixels that fills the default texture; a larger face is not a better choice.
SHARP_PX = 400.0


@dataclass(frozen=True)
class LeftOut:
    """A photo that could not be used, and why."""

    photo: Path
    error: HeadError


@dataclass(frozen=True)
class Doubt:
    """A photo that was used though its face does not agree with the others', in words."""

    photo: Path
    message: str


@dataclass(frozen=True)
class SamePerson:
    """One person from several photos.

    Attributes
    ----------
    photos: (P,) the photos that were used, in the given order.
    heads: (P,) one per photo, with the same identity and each photo's own expression, camera and
        texture.
    left_out: photos that show no face or cannot be read.
    doubts: photos that were used and should perhaps not be.
    """

    photos: tuple[Path, ...]
    heads: tuple[Reconstruction, ...]
    left_out: tuple[LeftOut, ...] = ()
    doubts: tuple[Doubt, ...] = ()

    @property
    def main(self) -> int:
        """Index of the photo that represents the person: confident, large and frontal.

        One that may show somebody else does so only where there is no other.
        """
        doubtful = {item.photo for item in self.doubts}
        rank = [
            (photo not in doubtful, _aptness(head))
            for photo, head in zip(self.photos, self.heads, strict=True)
        ]
        return rank.index(max(rank))


@dataclass(frozen=True)
class PhotoView:
    """The expression and camera of one photo of a person.

    Attributes
    ----------
    directory: of the photo's reconstruction. name: the photo's file name.
    expression: activations 0..1 by expression name.
    state: of the directory as it was read, see ``checks.state_of``.
    """

    directory: Path
    name: str
    expression: Mapping[str, float]
    camera: Camera
    state: FileState | None = None


def _aptness(head: Reconstruction) -> float:
    """0..1: how well the photo represents the person; see :attr:`SamePerson.main`."""
    place = head.camera.translation
    # The cosine between the face's direction (+Z of the head) and the direction to the camera.
    facing = -float(head.camera.rotation[:, 2] @ place) / float(np.linalg.norm(place))
    sharpness = min(1.0, (head.face_box[2] - head.face_box[0]) / SHARP_PX)
    return head.confidence * max(facing, 0.0) * sharpness**0.5


def save_index(person: SamePerson, folders: list[Path], out: Path, main: int | None = None) -> Path:
    """Write ``person.json`` into ``out`` and return its path.

    folders: (P,) of the heads, inside ``out``. Write them first: the presence of ``person.json``
    means that they are complete. main: number of the photo that represents the person; None: the
    aptest.
    """
    names = [folder.relative_to(out).as_posix() for folder in folders]
    main = person.main if main is None else main
    about = {
        "status": "ok",
        "main": names[main],
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
        "doubts": [{"photo": item.photo.name, "message": item.message} for item in person.doubts],
        "provenance": person.heads[main].provenance.to_json()["provenance"],
    }
    target = out / PERSON_NAME
    with replacing(target) as file:
        json.dump(about, file, indent=1)
    return target


def photo_folders(directory: Path) -> list[Path]:
    """Folders of a person's heads, the main photo's first; for a single head, ``directory``.

    Raises
    ------
    HeadError: person.json is damaged.
    """
    index = directory / PERSON_NAME
    if not index.exists():
        return [directory]
    try:
        about = read_json(index)
        main, names = about.get("main"), about.get("photos")
        if not isinstance(names, list) or not names or main not in names:
            raise ValueError("it names no photos")
        if not all(isinstance(name, str) and 0 < len(name) < 256 for name in names):
            raise ValueError("a photo's folder has no fitting name")
    except (OSError, ValueError) as error:
        raise HeadError(f"{index} is damaged ({error})", "Reconstruct the photos again") from error
    return [directory / name for name in [main, *(name for name in names if name != main)]]


def read_person(directory: Path) -> tuple[Path, Reconstruction, list[PhotoView]]:
    """The head to be built, its folder, and the views of the person's further photos.

    Raises
    ------
    HeadError: a file is missing or damaged, or another run replaced the heads meanwhile.
    """
    state = state_of(directory, PERSON_NAME)
    folder, *rest = photo_folders(directory)
    head, others = load_reconstruction(folder), [read_view(path) for path in rest]
    # The index goes before any of its heads is replaced: all of them were its heads.
    check_state(directory, state, PERSON_NAME)
    return folder, head, others


def doubts_in(directory: Path) -> list[str]:
    """What ``person.json`` says of photos that may show somebody else; each message once.

    Empty for a single head, and where the index is damaged: nothing else depends on it.
    """
    try:
        items = read_json(directory / PERSON_NAME).get("doubts")
    except (OSError, ValueError):
        return []
    known = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    messages = (item.get("message") for item in known)
    return list(dict.fromkeys(text[:1000] for text in messages if isinstance(text, str)))


def read_view(directory: Path) -> PhotoView:
    """The expression and camera of the head in ``directory``; its mesh is not read.

    Raises
    ------
    HeadError: there is no complete head.
    """
    state, about = state_of(directory), read_about(directory)
    values = {name: float(value) for name, value in about["expression"].items()}
    return PhotoView(directory, about["photo"]["name"], values, camera_of(about), state)
