"""A picture of a head: the preview that the Asset Browser shows of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy
from mathutils import Matrix, Vector

from .hair import hair_of

# A portrait lens; how much of the picture's height the head takes.
_LENS, _SENSOR, _SHARE = 85.0, 36.0, 0.9
# From the front, a little from the side: a quarter turn about X lets a camera look along +Y.
_VIEW = Matrix.Rotation(0.35, 4, "Z") @ Matrix.Rotation(1.5707963, 4, "X")


def write_portrait(obj: bpy.types.Object, path: Path, side: int = 256) -> None:
    """Render the head ``obj``, as it is now, alone on transparent ground into the PNG ``path``.

    In a scene of its own, by Workbench: in every Blender, and without a wait for shaders.
    """
    with _studio(obj) as scene:
        render = scene.render
        render.engine = "BLENDER_WORKBENCH"
        render.resolution_x = render.resolution_y = side
        render.resolution_percentage = 100
        render.film_transparent = True
        render.image_settings.file_format = "PNG"
        render.image_settings.color_mode = "RGBA"
        render.filepath = str(path)
        scene.display.shading.light = "STUDIO"
        scene.display.shading.color_type = "TEXTURE"
        scene.view_settings.view_transform = "Standard"
        bpy.ops.render.render(write_still=True, scene=scene.name)


@contextmanager
def _studio(obj: bpy.types.Object) -> Iterator[bpy.types.Scene]:
    """A scene with ``obj`` alone before its camera; removed at the end."""
    scene = bpy.data.scenes.new("Effigy preview")
    lens = bpy.data.cameras.new("Effigy preview")
    camera = bpy.data.objects.new("Effigy preview", lens)
    try:
        for part in (obj, *hair_of(obj), camera):
            scene.collection.objects.link(part)
        scene.camera = camera
        _aim(camera, obj)
        yield scene
    finally:
        bpy.data.batch_remove([scene, camera, lens])


def _aim(camera: bpy.types.Object, obj: bpy.types.Object) -> None:
    """Put the camera where the whole of ``obj`` fills its picture, whatever its place and size."""
    corners = [Vector(corner) for corner in obj.bound_box]
    middle = sum(corners, Vector()) / len(corners)
    largest = max(max(c[axis] for c in corners) - min(c[axis] for c in corners) for axis in (0, 2))
    distance = largest / _SHARE * _LENS / _SENSOR + largest / 2
    aside = Matrix.Translation(middle) @ _VIEW @ Matrix.Translation((0.0, 0.0, distance))
    place, turn, scale = (obj.matrix_world @ aside).decompose()
    camera.matrix_world = Matrix.LocRotScale(place, turn, None)
    camera.data.lens, camera.data.sensor_width = _LENS, _SENSOR
    camera.data.clip_start = 0.01 * max(scale) * distance
    camera.data.clip_end = 10.0 * max(scale) * distance
