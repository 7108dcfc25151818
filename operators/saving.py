"""Paths in .blend files: relative to the file, and never with the person's name where avoidable.

Blender keeps paths of its own datablocks right when a file is saved elsewhere, but not those in
custom properties and settings. These handlers do.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import bpy

from .folders import BLEND, located, portable
from .heads import settle
from .opened import forget_files, note_open_file
from .scene.catalogue import ensure_catalogue, in_catalogue
from .scene.metadata import is_head, move_records

_SETTINGS = ("photo", "photo_folder", "output")


def move_paths(old: str, new: str) -> None:
    """Make all paths that were stored for the file ``old`` right for the file ``new``."""
    for scene in bpy.data.scenes:
        if scene.library is None:
            for name in _SETTINGS:
                text = getattr(scene.effigy, name)
                if text:
                    setattr(scene.effigy, name, moved(text, old, new))
    for obj in bpy.data.objects:
        if obj.library is None and obj.override_library is None:
            move_records(obj, lambda text: moved(text, old, new))


def moved(text: str, old: str, new: str) -> str:
    """The path that ``text`` stands for in the file ``old``, as the file ``new`` stores it."""
    unknown = text.startswith(BLEND) and not old
    path = located(text, old)
    return text if unknown or not path.is_absolute() else portable(path, new)


def _keep_catalogue(filepath: str) -> None:
    """Heads that were marked as assets need their catalogue beside the file, wherever it goes."""
    if any(map(in_catalogue, (*bpy.data.objects, *bpy.data.collections))):
        # Else they stand among the unassigned: no reason to disturb the saving.
        with contextlib.suppress(OSError, UnicodeDecodeError):
            ensure_catalogue(str(Path(filepath).absolute()))


@bpy.app.handlers.persistent
def _before_saving(filepath: str) -> None:
    if filepath:
        for obj in bpy.data.objects:
            if is_head(obj) and obj.library is None and obj.override_library is None:
                settle(obj)
        move_paths(bpy.data.filepath, str(Path(filepath).absolute()))


@bpy.app.handlers.persistent
def _after_saving(filepath: str) -> None:
    if filepath:
        _keep_catalogue(filepath)
    # Of a copy: the open file is still the other one.
    if filepath and bpy.data.filepath:
        move_paths(str(Path(filepath).absolute()), bpy.data.filepath)


@bpy.app.handlers.persistent
def _before_loading(filepath: str) -> None:
    note_open_file()


_HANDLERS = (
    (bpy.app.handlers.load_pre, _before_loading),
    (bpy.app.handlers.save_pre, _before_saving),
    (bpy.app.handlers.save_post, _after_saving),
)


def attach() -> None:
    for handlers, handler in _HANDLERS:
        handlers.append(handler)


def detach() -> None:
    for handlers, handler in _HANDLERS:
        handlers.remove(handler)
    forget_files()
