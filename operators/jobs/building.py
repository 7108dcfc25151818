"""Finished heads are built into the scene that they were ordered in."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...ml.results.folder import head_record, recorded_digest
from ...ml.results.person import photo_folders
from ...ml.settings import Settings
from ..reporting import call_operator
from ..scene.metadata import directory_of, is_head, record_of
from .attention import Attention

# Measured: megabytes of a head in a scene, without its texture, by level.
_MEGABYTES = {"low": 13, "base": 19, "high": 65}
_BYTES_OF_TEXEL = 4


class Builder:
    """Builds one head after the other; called with the folder of each result.

    A scene that was deleted meanwhile is replaced by the one that is open.

    Parameters
    ----------
    collection: for the heads; empty: the scene's own.
    several: whether many heads are expected. They are one step to undo, unless the person does
        something between them, and a head that is in the scene already is not built twice.

    Attributes
    ----------
    built: how many heads were built. present: names of those that were in the scene already.
    """

    def __init__(
        self,
        context: bpy.types.Context,
        attention: Attention,
        *,
        collection: str = "",
        several: bool = False,
    ) -> None:
        self._context, self._attention = context, attention
        self._collection, self._several = collection, several
        self._scene = context.scene.session_uid  # undo makes references invalid
        self.built = 0
        self.present: list[str] = []

    def __call__(self, directory: Path) -> None:
        """Build the head as its own undo step. Raises HeadError."""
        opened = self._context.scene
        scenes = {scene.session_uid: scene for scene in bpy.data.scenes}
        scene = scenes.get(self._scene, opened)
        head = _head_of(scene, directory) if self._several else None
        if head is not None:
            self.present.append(head.name)
        elif scene == opened:
            self._build(directory, select=self._attention.may_select(self._context))
        else:
            with self._context.temp_override(scene=scene, view_layer=scene.view_layers[0]):
                self._build(directory, select=False)

    def remark(self) -> str:
        """What to say about heads that were not built; empty if there are none."""
        if not self.present:
            return ""
        them = "1 head was" if len(self.present) == 1 else f"{len(self.present)} heads were"
        return f". {them} in the scene already and left alone; Rebuild head renews one"

    def _build(self, directory: Path, *, select: bool) -> None:
        operators = bpy.ops.effigy
        kind = operators.build
        if self._several:
            # Grouping ends a Blender that has no window, and so no undo, at once.
            grouped = self.built and not bpy.app.background
            kind = operators.build_next if grouped else operators.build_first
        call_operator(
            kind,
            "EXEC_DEFAULT",
            True,
            directory=str(directory),
            collection=self._collection,
            match_render=bpy.context.scene.effigy.match_render,
            select=select,
        )
        self.built += 1
        if select:
            self._attention.selected(self._context)


def megabytes(settings: Settings, heads: int) -> float:
    """About how much memory so many heads take in a scene."""
    texture = _BYTES_OF_TEXEL * settings.texture_size**2 / 1e6
    return heads * (_MEGABYTES[settings.level] + texture)


def _head_of(scene: bpy.types.Scene, directory: Path) -> bpy.types.Object | None:
    """The head in ``scene`` that was built from this result; None where there is none."""
    folder = photo_folders(directory)[0]
    digest = recorded_digest(head_record(folder))
    for obj in scene.objects:
        if (
            is_head(obj)
            and directory_of(obj) == folder
            and recorded_digest(record_of(obj)) == digest
        ):
            return obj
    return None
