"""A head in the scene takes on another shape in place: all that was done to it stays.

Every key is moved by what changed, vertex by vertex, instead of being made anew: what the person
sculpted on it stays, and so do keyframes, drivers, groups, materials and modifiers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

from ...ml.data import Camera, FloatArray, HeadMesh
from ...ml.errors import HeadError
from ...ml.results.reconstruction import Reconstruction
from .axes import camera_to_world, to_blender
from .camera import follow_head
from .detail import DETAIL, store_offsets
from .expression import BASIS, set_expression, slider_value
from .hair import settle_hair
from .images import ALBEDO, NORMALS, file_of, image_in_file, load_image
from .metadata import camera_object, rig_of
from .points import places_of
from .rebuild import keeps_additions
from .rig import renew_rig
from .rig_data import rig_data, store_rig_data

# Differences below these are rounding: of a key's value, and of a camera's place in metres.
_SAME_VALUE, _SAME_PLACE = 1e-3, 1e-4


def check_can_follow(obj: bpy.types.Object, mesh: HeadMesh) -> None:
    """Raise HeadError where the mesh of ``obj`` has other vertices than ``mesh``, or no keys."""
    if not keeps_additions(obj, mesh):
        raise HeadError(
            f"The mesh of {obj.name} has other vertices or no shape keys now, so neither "
            "pins nor sliders can move it",
            "Press Rebuild head first; or use a copy of the head from before",
        )


def reshape_head(obj: bpy.types.Object, old: Reconstruction, new: Reconstruction) -> None:
    """Move ``obj`` from the shape of one head to that of another of the same level.

    Keys that show the old head's expression show the new one's; others keep their values.

    Raises
    ------
    HeadError: see :func:`check_can_follow`.
    """
    check_can_follow(obj, new.mesh)
    keys, moved = obj.data.shape_keys.key_blocks, new.mesh.vertices - old.mesh.vertices
    for key in keys:
        _shift(key.points, moved + _own_change(key.name, old, new))
    _shift(obj.data.vertices, moved)
    before = dict(zip(old.mesh.expression_names, old.coefficients.expression, strict=True))
    after = dict(zip(new.mesh.expression_names, new.coefficients.expression, strict=True))
    for name, value in after.items():
        key = keys.get(name)
        if key is not None and abs(slider_value(obj, key) - before[name]) < _SAME_VALUE:
            set_expression(obj, key, float(value))
    store_offsets(obj, new.detail.offsets if new.detail is not None else None)
    store_rig_data(obj, new.mesh)
    if rig_of(obj) is not None:
        renew_rig(obj, rig_data(new.mesh, obj.name))
    obj.data.update()
    settle_hair(obj)


def move_cameras(obj: bpy.types.Object, before: Sequence[Camera], after: Sequence[Camera]) -> None:
    """Move the photos' cameras of ``obj``, except those that the person moved meanwhile."""
    for photo, (old, new) in enumerate(zip(before, after, strict=True)):
        camera = camera_object(obj, photo)
        if camera is None or camera.parent != obj or camera.library is not None:
            continue
        stands = np.array(Matrix(camera_to_world(old).tolist()))
        if np.abs(np.array(camera.matrix_basis) - stands).max() < _SAME_PLACE:
            follow_head(camera, obj, new)


def renew_images(obj: bpy.types.Object, directory: Path) -> None:
    """Put a result's images in the place of those of ``obj``, in all materials that show them."""
    made: list[bpy.types.Image] = []
    for kind in (ALBEDO, NORMALS):
        old, path = image_in_file(obj.data, kind), file_of(directory, kind)
        if old is None or not path.exists():
            continue
        name, space = old.name, old.colorspace_settings.name
        new = load_image(path, name, lambda image: made.append(image) or image)
        new.colorspace_settings.name = space
        old.user_remap(new)
        bpy.data.images.remove(old)
        new.name = name


def _own_change(name: str, old: Reconstruction, new: Reconstruction) -> FloatArray | float:
    """How a key changes beside the head at rest; 0 for those of the person."""
    if name in new.mesh.expression_names and name != BASIS:
        index = new.mesh.expression_names.index(name)
        return new.mesh.shape_keys[index] - old.mesh.shape_keys[index]
    if name == DETAIL and new.detail is not None and old.detail is not None:
        return new.detail.offsets - old.detail.offsets
    return 0.0


def _shift(points, moved: FloatArray) -> None:
    shifted = places_of(points) + np.asarray(to_blender(moved), np.float32)
    points.foreach_set("co", shifted.ravel())
