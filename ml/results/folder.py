"""Folders of results: write heads and failures, and find out what a folder holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import HeadError
from .person import PERSON_NAME
from .provenance import current_model
from .reconstruction import JSON_NAME, Reconstruction, save_reconstruction

PREVIEW_NAME = "preview.png"


def write_heads(
    heads: Sequence[Reconstruction], folder: Path, *, preview: bool = False
) -> list[Path]:
    """Write the first head to ``folder``, others to ``folder_face2``, ``folder_face3`` ...

    Returns the folders. preview: whether to write ``preview.png`` into each.
    """
    folders = []
    for number, head in enumerate(heads, start=1):
        target = folder if number == 1 else folder.with_name(f"{folder.name}_face{number}")
        # Blender would build the person of an earlier run instead of this head.
        (target / PERSON_NAME).unlink(missing_ok=True)
        save_reconstruction(head, target)
        if preview:
            from .preview import save_preview

            save_preview(head, target / PREVIEW_NAME)
        folders.append(target)
    return folders


def write_failure(photo: Path, error: HeadError, folder: Path) -> None:
    """Record in ``folder`` why ``photo`` gave no head, unless it holds an earlier head.

    Raises
    ------
    OSError: the folder cannot be written to.
    """
    if is_complete(folder):
        return
    about = {
        "status": "failed",
        "photo": {"name": photo.name},
        "error": {"code": error.code, "message": error.message, "hint": error.hint},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JSON_NAME).write_text(json.dumps(about, indent=1), encoding="utf-8")


def is_complete(folder: Path) -> bool:
    """Whether ``folder`` holds a finished head."""
    return _finished(folder) is not None


def holds_current(folder: Path) -> bool:
    """Whether ``folder`` holds a finished head made with this Effigy's head model."""
    model = (_finished(folder) or {}).get("model", {})
    return (model.get("id"), model.get("version")) == current_model()


def _finished(folder: Path) -> Mapping[str, Any] | None:
    try:
        about = json.loads((folder / JSON_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return about if isinstance(about, dict) and about.get("status") == "ok" else None
