"""The camera that took the photo."""

from __future__ import annotations

import bpy
from mathutils import Matrix

from ...ml.data import Camera
from .axes import camera_to_world

_SENSOR = 36.0


def new_camera(
    name: str,
    camera: Camera,
    photo: bpy.types.Image | None,
    view: tuple[tuple[int, int], float],
) -> bpy.types.Object:
    """A camera object that sees the head as the photo does, the photo behind it.

    ``view``: the scene's render size in pixels, and how many of its units are one metre. The whole
    photo is fitted into the frame; where the two have the same proportions, pixels of the render
    are pixels of the photo. It stands nowhere yet: see :func:`follow_head`.
    """
    data = bpy.data.cameras.new(name)
    fit_lens(data, camera, *view)
    if photo is not None:
        _set_background(data, photo)
    return bpy.data.objects.new(name, data)


def follow_head(obj: bpy.types.Object, head: bpy.types.Object, camera: Camera) -> None:
    """Make the camera object a child of its head, where it sees it as the photo does."""
    obj.parent, obj.parent_type = head, "OBJECT"
    obj.matrix_parent_inverse = Matrix.Identity(4)
    obj.matrix_basis = Matrix(camera_to_world(camera).tolist())


def fit_lens(data: bpy.types.Camera, camera: Camera, frame: tuple[int, int], scale: float) -> None:
    """Set focal length and shift so that the whole photo fits into a frame of this size.

    ``scale``: how many Blender units are one metre.
    """
    focal_x, focal_y = float(camera.intrinsics[0, 0]), float(camera.intrinsics[1, 1])
    center_x, center_y = float(camera.intrinsics[0, 2]), float(camera.intrinsics[1, 2])
    # Blender measures focal length and shift along one side of the frame: take the side that
    # the photo touches, so that nothing of the photo falls outside.
    wide = camera.width * frame[1] >= camera.height * frame[0]
    data.sensor_fit = "HORIZONTAL" if wide else "VERTICAL"
    data.sensor_width = data.sensor_height = _SENSOR
    side = camera.width if wide else camera.height
    data.lens = _SENSOR * (focal_x if wide else focal_y) / side
    data.shift_x = (camera.width / 2 - center_x) / side
    data.shift_y = (center_y - camera.height / 2) / side
    data.clip_start, data.clip_end = 0.01 * scale, 100.0 * scale
    data.display_size = 0.1


def _set_background(data: bpy.types.Camera, photo: bpy.types.Image) -> None:
    data.show_background_images = True
    background = data.background_images.new()
    background.image = photo
    background.alpha = 1.0
    background.frame_method = "FIT"
    background.display_depth = "BACK"
