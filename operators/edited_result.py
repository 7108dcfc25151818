"""A head as it is now, as a result beside the one that it was built from."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy

from ..ml.errors import HeadError
from ..ml.results.edited import copy_results, put_head, put_view
from ..ml.results.person import read_view
from ..ml.results.reconstruction import Reconstruction, read_about
from .photo_files import unused_directory
from .pins.head import result_folders
from .scene.metadata import (
    camera_object,
    has_photo,
    photo_records,
    record_head,
    record_of,
    record_others,
)


def save_edited(
    obj: bpy.types.Object, head: Reconstruction, settings: Mapping[str, Any]
) -> list[Path]:
    """Write ``head``, which is that of ``obj``, into a new folder; return those of all photos.

    settings: that are others than those of the result, by their names in ml.settings.

    Raises
    ------
    HeadError: the head has no result, or it is gone or damaged. OSError: it cannot be written.
    """
    if not has_photo(record_of(obj)):
        raise HeadError(f"{obj.name} was made without a photo", "It is kept in the .blend file")
    folders = result_folders(obj)
    for folder in folders:
        read_about(folder)  # says what is missing before anything is written
    out = _new_folder(folders)
    try:
        copies = copy_results(folders, out)
        put_head(head, copies[0], settings)
        for record, copy in zip(photo_records(obj)[1:], copies[1:], strict=True):
            put_view(record, copy)
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        raise
    return copies


def record_result(obj: bpy.types.Object, head: Reconstruction, folders: list[Path]) -> None:
    """Let ``obj`` be the head of the results in ``folders``, its own first."""
    record_head(obj, head, folders[0], camera_object(obj))
    others = [read_view(folder) for folder in folders[1:]]
    numbers = range(1, len(others) + 1)
    record_others(obj, others, [camera_object(obj, number) for number in numbers])


def _new_folder(folders: list[Path]) -> Path:
    """A new folder beside the result that was there: undoing goes back to that one."""
    first = folders[0] if len(folders) == 1 else folders[0].parent
    stem = first.name.split(" edited")[0]
    return unused_directory(first.with_name(f"{stem} edited"))
