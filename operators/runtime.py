"""The extension inside a running Blender: its name, its folders, its engine."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

from ..ml.errors import UsageError
from .engine.client import EngineClient
from .engine.location import EnginePython, find_engine

ROOT = Path(__file__).resolve().parent.parent
# As Blender knows the extension, whatever repository it was installed from.
EXTENSION = __package__.rpartition(".")[0]

# The only state that is not Blender data: a process outlives operators and files.
engine = EngineClient(ROOT)


def user_folder(name: str) -> Path:
    """A folder for this extension's own files; survives upgrades. Made if needed."""
    try:
        found = bpy.utils.extension_path_user(EXTENSION, path=name, create=True)
    except ValueError:  # not installed as an extension: registered from a clone
        found = bpy.utils.user_resource("DATAFILES", path=f"effigy/{name}", create=True)
    return Path(found)


def results_folder(context: bpy.types.Context) -> Path:
    """The folder for results, unless an operator is given another. Raises UsageError."""
    chosen = context.scene.effigy.output
    if not chosen:
        return user_folder("heads")
    if chosen.startswith("//") and not bpy.data.filepath:
        raise UsageError(
            f"The results folder {chosen} is relative to a file that was never saved",
            "Save the file first, or choose another folder",
        )
    return Path(bpy.path.abspath(chosen)).absolute()


def engine_folder() -> Path:
    """Where Install engine puts its environment (not made here)."""
    return user_folder("") / "engine"


def engine_python() -> EnginePython:
    """The Python that the engine runs under. Raises EngineUnavailable where there is none."""
    return find_engine(_preferred_python(), os.environ, engine_folder())


def _preferred_python() -> str:
    addon = bpy.context.preferences.addons.get(EXTENSION)
    if addon is None or addon.preferences is None:
        return ""
    return bpy.path.abspath(addon.preferences.engine_python)
