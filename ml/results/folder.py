"""Folders of results: write heads and failures, and find out what a folder holds."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import HeadError
from ..hair.strands import HAIR_NAME
from ..settings import Settings
from .files import (
    JSON_NAME,
    NPZ_NAME,
    PREVIEW_NAME,
    TURNTABLE_NAME,
    Replacement,
    is_whole,
    replacing,
)
from .pinned import NAME as PINNED
from .provenance import current_model
from .reconstruction import Reconstruction, made_with, write_files

# A reconstruction.json has 0.1 MB. What is larger is none of ours.
LARGEST_JSON = 32 << 20


@dataclass(frozen=True)
class Wanted:
    """What the folder of a finished photo must hold. preview: also ``preview.png``."""

    photo: Path
    settings: Settings
    preview: bool = False


def face_folder(folder: Path, number: int) -> Path:
    """The folder of face ``number`` (from 1) of the photo whose first head is in ``folder``."""
    return folder if number == 1 else folder.with_name(f"{folder.name}_face{number}")


def write_heads(
    heads: Sequence[Reconstruction], folder: Path, *, preview: bool = False
) -> list[Path]:
    """Write the first head to ``folder``, others to ``folder_face2``, ``folder_face3`` ...

    Returns the folders. preview: whether to write ``preview.png`` and ``turntable.js`` into each.
    No folder is changed before all heads are written beside.

    Raises
    ------
    OSError: a folder cannot be written to.
    """
    folders = [face_folder(folder, number) for number in range(1, len(heads) + 1)]
    of = len(heads)
    numbered = [replace(head, face=(number, of)) for number, head in enumerate(heads, start=1)]
    with contextlib.ExitStack() as stack:
        waiting = stage(numbered, folders, stack, preview=preview)
        # The first head's record vouches for the others.
        for replacement in reversed(waiting):
            replacement.commit()
    return folders


def stage(
    heads: Sequence[Reconstruction],
    folders: Sequence[Path],
    stack: contextlib.ExitStack,
    *,
    preview: bool,
) -> list[Replacement]:
    """Write the heads beside their folders; ``stack`` removes those that nobody commits."""
    waiting = []
    for head, target in zip(heads, folders, strict=True):
        replacement = stack.enter_context(Replacement(target))
        if preview:
            from .preview import save_preview
            from .turntable import save_turntable

            save_preview(head, replacement.aside / PREVIEW_NAME)
            save_turntable(head, replacement.aside / TURNTABLE_NAME)
        write_files(head, replacement.aside)
        waiting.append(replacement)
    return waiting


def write_failure(photo: Path, error: HeadError, folder: Path) -> None:
    """Record in ``folder`` why ``photo`` gave no head, unless its record is an earlier head's.

    Raises
    ------
    OSError: the folder cannot be written to.
    """
    if head_record(folder):
        return
    about = {
        "status": "failed",
        "photo": {"name": photo.name},
        "error": {"code": error.code, "message": error.message, "hint": error.hint},
    }
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / JSON_NAME) as file:
        json.dump(about, file, indent=1)


def is_complete(folder: Path) -> bool:
    """Whether ``folder`` holds a finished head: its ``.json`` says so and its files are whole."""
    about = head_record(folder)
    if not about or not is_whole(folder / NPZ_NAME):
        return False
    if about.get("hair") and not is_whole(folder / HAIR_NAME):
        return False
    images = about.get("images", [])
    return isinstance(images, list) and all(is_whole(folder / str(name)) for name in images)


def finished_heads(folder: Path, wanted: Wanted) -> tuple[Path, ...]:
    """The folders of all heads that ``wanted`` asks for, if all are finished; else none.

    They are whole, of the same photo (by its bytes), made with the same settings and this
    Effigy's head model.

    Raises
    ------
    WeightsMissing: the card of the head model cannot be read.
    """
    first = head_record(folder)
    face = first.get("face")
    count = face.get("of") if isinstance(face, Mapping) else None
    if not isinstance(count, int) or not 1 <= count <= 999:
        return ()
    digest = photo_digest(wanted.photo)
    folders = tuple(face_folder(folder, number) for number in range(1, count + 1))
    done = digest and all(_is_finished(target, wanted, digest) for target in folders)
    return folders if done else ()


def _is_finished(folder: Path, wanted: Wanted, digest: str) -> bool:
    about = head_record(folder)
    model, images = about.get("model"), about.get("images")
    return (
        isinstance(model, Mapping)
        and (model.get("id"), model.get("version")) == current_model()
        and recorded_digest(about) == digest
        and about.get("settings") == made_with(wanted.settings)
        and PINNED not in about
        and isinstance(images, list)
        and (not wanted.preview or PREVIEW_NAME in images)
        and is_complete(folder)
    )


def belongs_to_another(folder: Path, digest: str) -> bool:
    """Whether ``folder`` holds a head of another photo than the one with this SHA-256."""
    recorded = recorded_digest(head_record(folder))
    return bool(recorded and digest) and recorded != digest


def recorded_digest(about: Mapping[str, Any]) -> str:
    """The SHA-256 of the photo in the contents of a ``reconstruction.json``; empty if none."""
    photo = about.get("photo")
    return str(photo.get("sha256") or "") if isinstance(photo, Mapping) else ""


def photo_digest(photo: Path) -> str:
    """The SHA-256 of a photo's bytes; empty where it is no regular file or cannot be read."""
    try:
        if not photo.is_file():
            return ""
        with photo.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""


def head_record(folder: Path) -> Mapping[str, Any]:
    """The contents of the ``reconstruction.json`` of a head; empty where it is none."""
    path = folder / JSON_NAME
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_JSON:
            return {}
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, MemoryError):
        return {}
    return about if isinstance(about, dict) and about.get("status") == "ok" else {}
