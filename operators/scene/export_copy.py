"""A head and its rig, copied for an exporter: the copies are changed to suit the file's readers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import bpy

from .animation import actions_of
from .board import rest_board
from .bone_names import rename_bone
from .detail import DETAIL
from .expression import BASIS, set_expression
from .gaze import helper_names
from .rig import edit_bones

_ROOT = "root"


@dataclass(frozen=True)
class ExportCopy:
    """What an exporter writes in place of a head.

    Attributes
    ----------
    originals: the head and, where it has one, its rig. copies: of them, in the same order.
        More objects that go into the file are added to both lists.
    cards: of its hair, where it has any: a mesh that stands where the copy of the head does.
    """

    originals: list[bpy.types.Object]
    copies: list[bpy.types.Object]
    cards: list[bpy.types.Object] = field(default_factory=list)

    @property
    def head(self) -> bpy.types.Object:
        return self.copies[0]

    @property
    def rig(self) -> bpy.types.Object | None:
        return next((each for each in self.copies if each.type == "ARMATURE"), None)

    @property
    def meshes(self) -> list[bpy.types.Object]:
        """The head, and what was added beside it."""
        return [each for each in self.copies if each.type == "MESH"]

    @property
    def written(self) -> list[bpy.types.Object]:
        """All that the exporter writes."""
        return [*self.copies, *self.cards]

    @property
    def pairs(self) -> list[tuple[bpy.types.Object, bpy.types.Object]]:
        """All that is written, each after the original that it moves with."""
        own = zip(self.originals, self.copies, strict=True)
        return [*own, *((self.originals[0], cards) for cards in self.cards)]


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
    copy.add_rest_position_attribute = False  # of the hair's nodes; USD would write it
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
    """Move what ties ``head``, and ``copy`` itself, to ``rig`` to the copy of the rig."""
    if head.parent == rig:
        place = head.matrix_parent_inverse.copy()
        head.parent, head.matrix_parent_inverse = copy, place
    for modifier in head.modifiers:
        if modifier.type == "ARMATURE" and modifier.object == rig:
            modifier.object = copy
    for bone in copy.pose.bones:
        for constraint in bone.constraints:
            for held in (constraint, *getattr(constraint, "targets", ())):
                if getattr(held, "target", None) == rig:
                    held.target = copy
    for owner in (head.data.shape_keys, copy):
        for target in _driver_targets(owner):
            if target.id == rig:
                target.id = copy


def _driver_targets(owner: bpy.types.ID) -> list[bpy.types.DriverTarget]:
    drivers = owner.animation_data.drivers if owner.animation_data else ()
    variables = [variable for curve in drivers for variable in curve.driver.variables]
    return [target for variable in variables for target in variable.targets]


def put_to_rest(copy: ExportCopy, *, keep_animation: bool) -> None:
    """Set all expressions of ``copy`` to zero, and its bones to their places at rest.

    Unless it is kept, animation is taken off: it would set them again. Where it is kept, bones
    stay: a pose belongs to it.
    """
    owners = [copy.head.data.shape_keys, *([copy.rig] if copy.rig else [])]
    for owner in owners:
        if not keep_animation:
            owner.animation_data_clear()
    for key in copy.head.data.shape_keys.key_blocks:
        if key.name not in (BASIS, DETAIL):
            set_expression(copy.head, key, 0.0)
    rest_board(copy.rig)
    for bone in copy.rig.pose.bones if copy.rig and not keep_animation else ():
        bone.matrix_basis.identity()


def leave_helpers_out(copy: ExportCopy) -> None:
    """Let only bones that a head has for others' use count as deforming: exporters write those.

    What the bones that aim or control do is in the keyframes of the others, which exporters
    sample. The person's own bones are written, too, such as those that hold a hat.
    """
    if copy.rig is None:
        return
    helpers = helper_names(copy.rig)
    groups = {group.name for mesh in copy.meshes for group in mesh.vertex_groups}
    for bone in copy.rig.data.bones:
        # With a group of its name, a bone that does not deform would begin to.
        bone.use_deform = bone.name not in helpers and (bone.use_deform or bone.name not in groups)


@contextmanager
def portable_bones(rig: bpy.types.Object, names: Mapping[str, str] | None = None) -> Iterator[None]:
    """Bones of ``rig``, a copy, without dots within the block: ``eye.L`` becomes ``eye_L``.

    names: of bones that get others. three.js and Godot take dots for separators and rename such
    bones by themselves, each its own way. The actions of ``rig``, which the original shares, follow
    the names there and back.
    """
    wanted = {bone.name: bone.name.replace(".", "_") for bone in rig.data.bones}
    wanted |= {old: new for old, new in (names or {}).items() if old in wanted}
    actions = [action for action in actions_of(rig) if action.library is None]
    with ExitStack() as cleanup:
        for name, wish in wanted.items():
            if wish != name:
                new = _free(wish, rig)
                rename_bone(rig, name, new, actions)
                cleanup.callback(rename_bone, rig, new, name, actions)
        yield


def _free(name: str, rig: bpy.types.Object) -> str:
    while name in rig.data.bones:
        name += "_"
    return name


def add_root_bone(rig: bpy.types.Object) -> None:
    """Put all bones of ``rig``, a copy, under one at its origin that moves no vertices."""
    with edit_bones(rig) as edited:
        tops = [bone for bone in edited if bone.parent is None]
        root = edited.new(_free(_ROOT, rig))
        root.head, root.tail = (0, 0, 0), (0, 0.1, 0)
        for bone in tops:
            bone.parent = root
