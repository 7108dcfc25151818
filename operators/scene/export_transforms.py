"""Clean transforms for a file: rotation and scale go from an export's copies into their data."""

from __future__ import annotations

from contextlib import ExitStack

import bpy
from mathutils import Matrix, Vector

from .animation import actions_of, all_curves
from .export_copy import ExportCopy
from .place import scale_of

_VECTORS = ("co", "handle_left", "handle_right")


def bake_transforms(
    scene: bpy.types.Scene, copy: ExportCopy, axes: Matrix, cleanup: ExitStack
) -> None:
    """Move rotation and scale of all copies into their data; the file then has metres.

    What is left in place of them is the inverse of ``axes``, which an exporter turns to nothing.
    A scale that differs by axis stays: bones cannot have it. ``cleanup`` removes what is made.
    """
    metres = 1 / scale_of(scene)
    units = _empty(scene, cleanup)
    units.matrix_basis = Matrix.Scale(metres, 4)
    bpy.context.view_layer.update()
    for original, twin in copy.pairs:
        scale = metres * _even_scale(original.matrix_world)
        turn = axes @ original.matrix_world.to_quaternion().to_matrix().to_4x4()
        if twin.type == "MESH":
            twin.data.transform(turn @ Matrix.Scale(scale, 4), shape_keys=True)
        else:
            twin.data.transform(turn @ Matrix.Scale(scale, 4))
            _scale_pose(twin, scale, cleanup)
        # Its place comes from the original: what moves the original moves it, too.
        inner, outer = _empty(scene, cleanup), _empty(scene, cleanup)
        inner.parent, inner.matrix_basis = original, (turn @ Matrix.Scale(scale, 4)).inverted()
        outer.parent = units
        _follow(outer, inner, "LOCAL")
        _follow(twin, outer, "WORLD")
    bpy.context.view_layer.update()


def _even_scale(world: Matrix) -> float:
    """The scale in ``world`` if it is one positive number, else 1."""
    scale = world.to_scale()
    even = max(scale) - min(scale) <= 1e-5 * max(map(abs, scale)) and min(scale) > 0
    return float(scale[0]) if even else 1.0


def _empty(scene: bpy.types.Scene, cleanup: ExitStack) -> bpy.types.Object:
    empty = bpy.data.objects.new("Place", None)
    cleanup.callback(bpy.data.objects.remove, empty)
    scene.collection.objects.link(empty)
    return empty


def _follow(obj: bpy.types.Object, target: bpy.types.Object, space: str) -> None:
    constraint = obj.constraints.new("COPY_TRANSFORMS")
    constraint.target, constraint.owner_space = target, space


def _scale_pose(rig: bpy.types.Object, scale: float, cleanup: ExitStack) -> None:
    """Scale how far bones are moved; curves, which the original shares, until ``cleanup``."""
    if abs(scale - 1) < 1e-6:
        return
    for bone in rig.pose.bones:
        bone.location *= scale
    for action in actions_of(rig):
        for curve in (each for curves in all_curves(action) for each in curves):
            if curve.data_path.startswith("pose.bones[") and curve.data_path.endswith("].location"):
                before = [[tuple(getattr(p, n)) for n in _VECTORS] for p in curve.keyframe_points]
                cleanup.callback(_set_points, curve, before)
                after = [[(x, scale * y) for x, y in vectors] for vectors in before]
                _set_points(curve, after)


def _set_points(curve: bpy.types.FCurve, points: list[list[tuple[float, float]]]) -> None:
    for point, vectors in zip(curve.keyframe_points, points, strict=True):
        for name, value in zip(_VECTORS, vectors, strict=True):
            setattr(point, name, Vector(value))
