"""Marks on a head of one's own: vertex groups of one vertex each, which edits carry along."""

from __future__ import annotations

import bmesh
import bpy

from ...ml.errors import HeadError
from ...ml.wrap.marks import MARKS
from ..reporting import ReportsErrors
from ..scene.metadata import is_head
from ..translations import CONTEXT

_PREFIX = "effigy."
MARK_ITEMS = tuple((name, label, f"{label}, of the subject") for name, (label, _) in MARKS.items())


def marks_of(obj: bpy.types.Object) -> dict[str, int]:
    """Vertices by the names of their marks. Raises HeadError: a mark has several vertices."""
    by_group = {
        obj.vertex_groups[_PREFIX + name].index: name
        for name in MARKS
        if _PREFIX + name in obj.vertex_groups
    }
    found: dict[str, int] = {}
    for vertex in obj.data.vertices:
        for entry in vertex.groups:
            name = by_group.get(entry.group)
            if name is None or entry.weight < 0.5:
                continue
            if name in found:
                raise HeadError(
                    f"{MARKS[name][0]} is marked on several vertices of {obj.name}", "Mark it again"
                )
            found[name] = vertex.index
    return {name: found[name] for name in MARKS if name in found}


def has_mark(obj: bpy.types.Object, name: str) -> bool:
    """Whether a point has a vertex group; drawn often, so that no vertex is looked at."""
    return _PREFIX + name in obj.vertex_groups


def can_be_wrapped(obj: bpy.types.Object | None) -> bool:
    """Whether it is a mesh of the person's own."""
    return obj is not None and obj.type == "MESH" and not is_head(obj)


class EFFIGY_OT_mark_point(ReportsErrors, bpy.types.Operator):
    """Say that the selected vertex is this point of the face; left and right are the subject's"""

    bl_idname = "effigy.mark_point"
    bl_label = "Mark point"
    bl_options = {"REGISTER", "UNDO"}

    point: bpy.props.EnumProperty(
        name="Point",
        description="Which point of the face the vertex is",
        items=MARK_ITEMS,
        translation_context=CONTEXT,
    )

    @classmethod
    def poll(cls, context):
        if can_be_wrapped(context.object) and context.mode == "EDIT_MESH":
            return True
        cls.poll_message_set("Go to Edit Mode on a head of your own, and select one vertex")
        return False

    def run(self, context):
        obj = context.object
        graph = bmesh.from_edit_mesh(obj.data)
        layer = graph.verts.layers.deform.verify()  # first: a new layer moves all vertices
        chosen = graph.select_history.active
        if not isinstance(chosen, bmesh.types.BMVert):
            selected = [vertex for vertex in graph.verts if vertex.select]
            if len(selected) != 1:
                raise HeadError(f"{len(selected)} vertices are selected", "Select one vertex")
            chosen = selected[0]
        name = _PREFIX + self.point
        group = obj.vertex_groups.get(name) or obj.vertex_groups.new(name=name)
        for vertex in graph.verts:
            if group.index in vertex[layer]:
                del vertex[layer][group.index]
        chosen[layer][group.index] = 1.0
        bmesh.update_edit_mesh(obj.data, loop_triangles=False, destructive=False)
        return {"FINISHED"}


class EFFIGY_OT_clear_marks(ReportsErrors, bpy.types.Operator):
    """Remove all marks of points from the active mesh"""

    bl_idname = "effigy.clear_marks"
    bl_label = "Clear marks"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        obj = context.object
        return can_be_wrapped(obj) and any(has_mark(obj, name) for name in MARKS)

    def run(self, context):
        groups = context.object.vertex_groups
        for name in MARKS:
            if _PREFIX + name in groups:
                groups.remove(groups[_PREFIX + name])
        return {"FINISHED"}


CLASSES = (EFFIGY_OT_mark_point, EFFIGY_OT_clear_marks)
