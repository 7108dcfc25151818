"""Materials for exporters, which know no node groups: the images go straight to the shader."""

from __future__ import annotations

from contextlib import ExitStack

import bpy

from .surface_groups import is_group


def use_plain_materials(obj: bpy.types.Object, cleanup: ExitStack) -> None:
    """Give ``obj``, a copy, copies of its materials without Effigy's groups.

    They bear the originals' names until ``cleanup``. What a group sets is then as the Principled
    BSDF itself has it.
    """
    for slot in obj.material_slots:
        original = slot.material
        tree = original.node_tree if original is not None else None
        if tree is None or not any(map(is_group, tree.nodes)):
            continue
        copy = _copy(original, cleanup)
        slot.link, slot.material = "DATA", copy
        for node in [node for node in copy.node_tree.nodes if is_group(node)]:
            _take_out(copy.node_tree, node)


def _take_out(tree: bpy.types.NodeTree, node: bpy.types.Node) -> None:
    """Link what goes into ``node`` to where the output of the same name goes."""
    for output in node.outputs:
        taken = node.inputs.get(output.name)
        source = taken.links[0].from_socket if taken is not None and taken.is_linked else None
        for link in list(output.links):
            target = link.to_socket
            tree.links.remove(link)
            if source is not None:
                tree.links.new(source, target)
    tree.nodes.remove(node)


def _copy(original: bpy.types.Material, cleanup: ExitStack) -> bpy.types.Material:
    name, copy = original.name, original.copy()

    def restore() -> None:
        bpy.data.materials.remove(copy)
        original.name = name

    cleanup.callback(restore)
    original.name, copy.name = "Exported", name
    return copy
