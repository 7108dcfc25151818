"""Where results go, and building them. What every operator that reconstructs needs."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..ml.errors import UsageError
from .reporting import call
from .runtime import user_folder


def results_folder(context: bpy.types.Context) -> Path:
    """Where results go that no operator argument says otherwise of."""
    chosen = context.scene.effigy.output
    if not chosen:
        return user_folder("heads")
    if chosen.startswith("//") and not bpy.data.filepath:
        raise UsageError(
            f"The results folder {chosen} is relative to a file that was never saved",
            "Save the file first, or choose another folder",
        )
    return Path(bpy.path.abspath(chosen)).absolute()


def build(context: bpy.types.Context, directory: Path, collection: str) -> None:
    """Build a finished head as its own undo step. Raises HeadError."""
    call(
        bpy.ops.effigy.build,
        "EXEC_DEFAULT",
        True,
        directory=str(directory),
        collection=collection,
        match_render=context.scene.effigy.match_render,
    )
