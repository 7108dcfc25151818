"""The .blend files that this Blender knows beside the open one: heads may have come from them."""

from __future__ import annotations

import bpy

# Opened before in this run: what is copied there is pasted here.
_earlier: list[str] = []


def note_open_file() -> None:
    """Remember the open file, before another one is opened."""
    path = bpy.data.filepath
    if path and path not in _earlier:
        _earlier.append(path)


def forget_files() -> None:
    """Forget which files were opened."""
    _earlier.clear()


def other_files() -> list[str]:
    """Paths of the files that data was linked or appended from, and of those opened earlier."""
    libraries = [bpy.path.abspath(library.filepath) for library in bpy.data.libraries]
    return [path for path in dict.fromkeys((*libraries, *_earlier)) if path != bpy.data.filepath]
