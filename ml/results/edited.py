"""A result beside the one that it was made from: the same photo's head as an artist changed it.

NumPy only, so that Blender's own Python can do it: images are copied, not made.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .detail import DISPLACEMENT_NAME, NORMAL_NAME
from .files import (
    IMAGE_NAMES,
    JSON_NAME,
    NPZ_NAME,
    PARTIAL,
    PERSON_NAME,
    PINS_NAME,
    PREVIEW_NAME,
    TURNTABLE_NAME,
    arrays_of,
    write_arrays,
)
from .images import ALBEDO_NAME
from .pinned import NAME as PINNED
from .reconstruction import Reconstruction, read_about
from .sculpt import sculpt_arrays
from .shaped import NAME as SHAPED

# What of a head's own record takes the place of what its photo gave.
_CHANGED = (
    *("level", "identity", "expression", "camera", "landmarks_68", "landmarks_478"),
    *("detail", PINNED, SHAPED),
)


def copy_results(folders: Sequence[Path], out: Path) -> list[Path]:
    """Copy the results of a person's photos into the new folder ``out``; return where they are.

    folders: the head's own first. Several get a folder each in there.

    Raises
    ------
    OSError: they cannot be read, or ``out`` cannot be written.
    """
    unfinished = shutil.ignore_patterns(f"{PARTIAL}*", ".lock")
    if len(folders) == 1:
        shutil.copytree(folders[0], out, ignore=unfinished)
        return [out]
    targets = [out / folder.name for folder in folders]
    for folder, target in zip(folders, targets, strict=True):
        shutil.copytree(folder, target, ignore=unfinished)
    if (folders[0].parent / PERSON_NAME).is_file():
        shutil.copy(folders[0].parent / PERSON_NAME, out)
    return targets


def put_head(head: Reconstruction, directory: Path, settings: Mapping[str, Any]) -> None:
    """Let the copied result in ``directory`` be that of ``head``; its images stay as they are.

    Those that ``head`` or the settings do without are removed. settings: that are others now, by
    their names in ml.settings.

    Raises
    ------
    HeadError: the result that was copied is damaged. OSError: it cannot be written.
    """
    about = read_about(directory)
    own = head.to_json()
    for name in _CHANGED:
        about.pop(name, None)
    about |= {name: own[name] for name in _CHANGED if name in own}
    stored = about.get("settings")
    about["settings"] = {**(stored if isinstance(stored, dict) else {}), **settings}
    # It is complete only when its record is there again.
    for name in (JSON_NAME, *_without(head, settings)):
        (directory / name).unlink(missing_ok=True)
    arrays = arrays_of(head.mesh, head.detail) | sculpt_arrays(head.sculpt)
    write_arrays(directory / NPZ_NAME, arrays)
    if head.pinned is not None:
        text = json.dumps(head.pinned.pins, indent=1)
        (directory / PINS_NAME).write_text(text, encoding="utf-8")
    about["images"] = [name for name in IMAGE_NAMES if (directory / name).exists()]
    (directory / JSON_NAME).write_text(json.dumps(about, indent=1), encoding="utf-8")


def put_view(record: Mapping[str, Any], directory: Path) -> None:
    """Let the copied result of a further photo have the expression and camera of a record.

    Raises
    ------
    HeadError: the result that was copied is damaged. OSError: it cannot be written.
    """
    about = read_about(directory) | {name: record[name] for name in ("expression", "camera")}
    (directory / JSON_NAME).write_text(json.dumps(about, indent=1), encoding="utf-8")


def _without(head: Reconstruction, settings: Mapping[str, Any]) -> list[str]:
    """Files of the earlier result that ``head`` has not."""
    unwanted = [PREVIEW_NAME, TURNTABLE_NAME]  # they show the head as it was
    if head.detail is None:
        unwanted += [NORMAL_NAME, DISPLACEMENT_NAME]
    if settings.get("texture_size") == 0:
        unwanted.append(ALBEDO_NAME)
    return unwanted if head.pinned is not None else [*unwanted, PINS_NAME]
