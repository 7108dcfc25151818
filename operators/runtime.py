"""What this extension finds around it in Blender: folders, preferences, its engine."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

from .. import __package__ as base_package
from .engine.client import EngineClient
from .engine.location import EnginePython, find_engine

ROOT = Path(__file__).resolve().parent.parent

# The one piece of state that is no Blender data: a process outlives operators and files.
engine = EngineClient(ROOT)


def user_folder(name: str) -> Path:
    """A folder for this extension's own files; survives upgrades. Made if needed."""
    try:
        found = bpy.utils.extension_path_user(base_package, path=name, create=True)
    except ValueError:  # not installed as an extension: registered from a clone
        found = bpy.utils.user_resource("DATAFILES", path=f"effigy/{name}", create=True)
    return Path(found)


def engine_folder() -> Path:
    """Where Install engine puts its environment (not made here)."""
    return user_folder("") / "engine"


def engine_python() -> EnginePython:
    """The Python that the engine runs under. Raises EngineUnavailable where there is none."""
    return find_engine(_preferred_python(), os.environ, engine_folder())


def _preferred_python() -> str:
    addon = bpy.context.preferences.addons.get(base_package)
    if addon is None or addon.preferences is None:
        return ""
    return bpy.path.abspath(addon.preferences.engine_python)
