"""A head and its rig, copied for an exporter: the copies are changed to suit the file's readers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import bpy

from .detail import DETAIL
from .expression import BASIS, set_expression


@dataclass(frozen=True)
class ExportCopy:
    """What an exporter writes in place of a head.

    Attributes
    ----------
    originals: the head and, where it has one, its rig. copies: of them, in the same order.
    """

    originals: list[bpy.types.Object]
    copies: list[bpy.types.Object]

    @property
    def head(self) -> bpy.types.Object:
        return self.copies[0]

    @property
    def rig(self) -> bpy.types.Object | None:
        return self.copies[1] if len(self.copies) > 1 else None


@contextmanager
def export_copy(
    scene: bpy.types.Scene, obj: bpy.types.Object, rig: bpy.types.Object | None
) -> Iterator[ExportCopy]:
    """Copies that bear the originals' names within the block and are gone after it.

    They lie in the scene's own collection, which cannot be hidden, and share the originals'
    actions.
    """
    originals = [each for each in (obj, rig) if each is not None]
    with ExitStack() as cleanup:
        copies = []
        for original in originals:
            copies.append(_copy(original, cleanup))
            scene.collection.objects.link(copies[-1])
            copies[-1].hide_viewport = False
        if rig is not None:
            _bind(copies[0], rig, copies[1])
        yield ExportCopy(originals, copies)


def _copy(original: bpy.types.Object, cleanup: ExitStack) -> bpy.types.Object:
    """A copy of an object and its data, removed by ``cleanup``, which restores the names."""
    names = original.name, original.data.name
    copy = original.copy()
    copy.data = data = original.data.copy()
    meshes_or_armatures = bpy.data.meshes if original.type == "MESH" else bpy.data.armatures

    def restore() -> None:
        bpy.data.objects.remove(copy)
        meshes_or_armatures.remove(data)
        original.name, original.data.name = names

    cleanup.callback(restore)
    # Blender gives a name that is taken to nobody else.
    original.name = original.data.name = "Exported"
    copy.name, data.name = names
    return copy


def _bind(head: bpy.types.Object, rig: bpy.types.Object, copy: bpy.types.Object) -> None:
    """Move what ties ``head`` to ``rig`` to the copy of the rig."""
    if head.parent == rig:
        place = head.matrix_parent_inverse.copy()
        head.parent, head.matrix_parent_inverse = copy, place
    for modifier in head.modifiers:
        if modifier.type == "ARMATURE" and modifier.object == rig:
            modifier.object = copy
    animation = head.data.shape_keys.animation_data
    for curve in animation.drivers if animation else ():
        for variable in curve.driver.variables:
            for target in variable.targets:
                if target.id == rig:
                    target.id = copy


def put_to_rest(copy: ExportCopy, *, keep_animation: bool) -> None:
    """Set all expressions of ``copy`` to zero.

    Unless it is kept, animation is taken off: it would set them again.
    """
    owners = [copy.head.data.shape_keys, *([copy.rig] if copy.rig else [])]
    for owner in owners:
        if not keep_animation:
            owner.animation_data_clear()
    for key in copy.head.data.shape_keys.key_blocks:
        if key.name not in (BASIS, DETAIL):
            set_expression(copy.head, key, 0.0)
