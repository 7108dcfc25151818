"""The extension inside a running Blender: its name, its folders, its engine."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

from ..ml.errors import UsageError
from .engine.client import EngineClient
from .engine.location import EnginePython, find_engine
from .folders import documents_folder, located

ROOT = Path(__file__).resolve().parent.parent
# As Blender knows the extension, whatever repository it was installed from.
EXTENSION = __package__.rpartition(".")[0]

# Options of properties that path_of reads: later Blenders, which warn else, want to be told that
# such paths may begin with "//".
RELATIVE = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()

# Not Blender data: a process outlives operators and files.
engine = EngineClient(
    ROOT, log=lambda: user_folder("") / "engine.log", device=lambda: chosen_device()
)


def user_folder(name: str) -> Path:
    """A folder for this extension's own files; survives upgrades. Made if needed."""
    try:
        found = bpy.utils.extension_path_user(EXTENSION, path=name, create=True)
    except ValueError:  # not installed as an extension: registered from a clone
        found = bpy.utils.user_resource("DATAFILES", path=f"effigy/{name}", create=True)
    return Path(found)


def results_folder(context: bpy.types.Context) -> Path:
    """The folder for results, unless an operator is given another. Raises UsageError.

    It is the person's: what lies in the extension's own folder goes when the extension is removed.
    """
    chosen = context.scene.effigy.output
    if not chosen:
        return default_results_folder()
    if chosen.startswith("//") and not bpy.data.filepath:
        raise UsageError(
            f"The results folder {chosen} is relative to a file that was never saved",
            "Save the file first, or choose another folder",
        )
    return path_of(chosen)


def default_results_folder() -> Path:
    """Beside the saved .blend file, else the folder in the preferences, else in Documents."""
    blend = bpy.data.filepath
    if blend and os.access(Path(blend).parent, os.W_OK):
        return heads_beside(blend)
    return results_folders()[0]


def heads_beside(blend: str) -> Path:
    """The folder for the results of the .blend file at this path."""
    return Path(blend).parent / f"{Path(blend).stem} heads"


def results_folders() -> list[Path]:
    """Where results may lie besides: the person's folders, and that of earlier versions."""
    chosen = _preference("results_folder")
    folders = [path_of(chosen)] if chosen else []
    return [*folders, documents_folder() / "Effigy", user_folder("") / "heads"]


def path_of(text: str) -> Path:
    """The path that a setting or a file browser holds as ``text``."""
    return located(text, bpy.data.filepath).absolute()


def engine_folder() -> Path:
    """Where Install engine puts its environment (not made here)."""
    return user_folder("") / "engine"


def engine_python() -> EnginePython:
    """The Python that the engine runs under. Raises EngineUnavailable where there is none."""
    return find_engine(_preference("engine_python"), os.environ, engine_folder())


def own_preferences() -> bpy.types.AddonPreferences | None:
    """The extension's preferences; None where it is registered without them."""
    addon = bpy.context.preferences.addons.get(EXTENSION)
    return addon.preferences if addon is not None else None


def may_download() -> bool:
    """Whether a reconstruction may fetch weights: Blender's permission and the preference.

    Never a property of a scene: a file that somebody sent decides nothing here.
    """
    own = own_preferences()
    return bpy.app.online_access and own is not None and own.allow_download


def clip_folder() -> str:
    """Where the preferences say that CLIP's weights lie; empty where they do not.

    Never a property of a scene, like :func:`may_download`.
    """
    own = own_preferences()
    return bpy.path.abspath(own.clip_folder) if own is not None and own.clip_folder else ""


def chosen_proxy() -> str:
    """The proxy for Install engine in the preferences; empty: pip's own settings."""
    own = own_preferences()
    return own.proxy.strip() if own is not None else ""


def chosen_device() -> str:
    """The device for networks in the preferences."""
    own = own_preferences()
    return own.device if own is not None else "auto"


def check_online(what: str, otherwise: str) -> None:
    """Raise UsageError, "... so ``what``", with the remedies, where Blender is to stay offline."""
    if not bpy.app.online_access:
        raise UsageError(
            f"Blender is set to stay offline, so {what}",
            f"Tick Allow Online Access in Preferences, System, Network; or {otherwise}",
        )


def _preference(name: str) -> str:
    own = own_preferences()
    return "" if own is None else bpy.path.abspath(getattr(own, name))
