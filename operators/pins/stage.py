"""What is in the scene while pins are edited: a head without rig or animation, and its camera.

The head itself is hidden meanwhile and not touched, so that leaving leaves everything as it was.
"""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from ...ml.data import Camera, FloatArray
from ...ml.results.reconstruction import PHOTO_NAME
from ...ml.results.record import head_of_record
from ..scene.axes import to_blender
from ..scene.camera import fit_lens, follow_head, new_camera
from ..scene.material import surface_kinds
from ..scene.mesh import new_mesh
from ..scene.metadata import camera_object, record_of
from ..scene.place import scale_of

_NAME = "Effigy pins"
# How strongly the photo lies over the head.
_OVER = 0.5
# Of the region, by the face; Blender's limits of the camera's zoom; an offset to measure with.
_FILLED, _ZOOMS, _STEP = 0.75, (-30.0, 600.0), 0.1


class Stage:
    """The head that follows, and a camera for the photo; :meth:`close` removes both.

    Parameters
    ----------
    obj: the head. space: of the 3D View that the pins are edited in.
    """

    def __init__(
        self, context: bpy.types.Context, obj: bpy.types.Object, space: bpy.types.SpaceView3D
    ) -> None:
        self._made: list[bpy.types.ID] = []
        self._head, self._space = obj.name, space
        self._hidden = obj.hide_get()
        self._view = (
            space.region_3d.view_perspective,
            space.use_local_camera,
            space.camera,
            space.region_3d.view_matrix.copy(),
            space.region_3d.view_camera_zoom,
            tuple(space.region_3d.view_camera_offset),
        )
        self._scale = scale_of(context.scene)
        render = context.scene.render
        self._frame = render.resolution_x, render.resolution_y
        mesh = head_of_record({**record_of(obj), "level": "base"}).mesh
        data = self._keep(new_mesh(_NAME, mesh, surface_kinds(mesh.part_names)[1]))
        for material in obj.data.materials:
            data.materials.append(material)
        self.object = self._keep(bpy.data.objects.new(_NAME, data))
        self.object.matrix_world = obj.matrix_world.copy()
        first = record_of(obj)["photo"]
        camera = Camera(np.eye(3), np.eye(3), np.zeros(3), first["width"], first["height"])
        self.camera = self._keep(new_camera(_NAME, camera, None, (self._frame, self._scale)))
        self._keep(self.camera.data)
        self.camera.data.background_images.new()
        for part in (self.object, self.camera):
            context.scene.collection.objects.link(part)
            if space.local_view is not None:
                part.local_view_set(space, True)
        self.camera.hide_select = self.object.hide_select = True
        obj.hide_set(True)
        space.use_local_camera, space.camera = True, self.camera
        self.look_through()

    def look_through(self) -> None:
        """Go to the photo's view."""
        self._space.region_3d.view_perspective = "CAMERA"

    @property
    def through_camera(self) -> bool:
        """Whether the view is the photo's."""
        return self._space.region_3d.view_perspective == "CAMERA"

    def show(self, vertices: FloatArray, camera: Camera, look: str) -> None:
        """Show the head and camera; ``look``: one of controls.LOOKS."""
        data = self.object.data
        places = np.ascontiguousarray(to_blender(vertices), np.float32)
        data.vertices.foreach_set("co", places.ravel())
        data.update()
        fit_lens(self.camera.data, camera, self._frame, self._scale)
        follow_head(self.camera, self.object, camera)
        background = self.camera.data.background_images[0]
        background.display_depth = "BACK" if look == "head" else "FRONT"
        background.alpha = _OVER if look == "both" else 1.0

    def show_photo(self, photo: int) -> None:
        """Put a photo behind the head."""
        background = self.camera.data.background_images[0]
        background.image = self._photo(photo)
        background.frame_method = "FIT"
        self.camera.data.show_background_images = True

    def to_region(self, region: bpy.types.Region, camera: Camera, pixels: np.ndarray) -> np.ndarray:
        """(N, 2) pixels of the photo -> pixels of the region that looks through its camera."""
        rays = np.column_stack([pixels, np.ones(len(pixels))]) @ np.linalg.inv(camera.intrinsics).T
        places = (rays - camera.translation) @ camera.rotation
        return self.places_in(region, places)

    def to_photo(
        self, region: bpy.types.Region, camera: Camera, place: tuple[float, float]
    ) -> tuple[tuple[float, float], float]:
        """A pixel of the region -> that of the photo, and how many of these one of those is."""
        size = np.array([camera.width, camera.height], float)
        low, high = self.to_region(region, camera, np.array([[0.0, 0.0], size]))
        share = size / (high - low)
        x, y = (np.asarray(place) - low) * share
        return (float(x), float(y)), float(np.abs(share).mean())

    def places_in(self, region: bpy.types.Region, places: np.ndarray) -> np.ndarray:
        """(N, 3) head space -> (N, 2) pixels of the region, whatever its view."""
        world = np.array(self.object.matrix_world)
        flat = to_blender(places) @ world[:3, :3].T + world[:3, 3]
        matrix = np.array(self._space.region_3d.perspective_matrix)
        seen = np.column_stack([flat, np.ones(len(flat))]) @ matrix.T
        half = np.array([region.width, region.height]) / 2
        return half + half * seen[:, :2] / np.maximum(np.abs(seen[:, 3:]), 1e-9)

    def frame(self, region: bpy.types.Region, places: np.ndarray) -> None:
        """Bring (N, 3) ``places`` of the head into the middle of the photo's view, and near."""
        view = self._space.region_3d
        view.view_camera_zoom, view.view_camera_offset = 0.0, (0.0, 0.0)
        size = np.ptp(self._now(region, places), axis=0)
        share = float((_FILLED * np.array([region.width, region.height]) / size).min())
        # Blender's zoom z stands for a scale of (z / 50 + sqrt 2)^2 / 4.
        wanted = 50 * (np.sqrt(share * 2) - np.sqrt(2))
        view.view_camera_zoom = float(np.clip(wanted, *_ZOOMS))
        # How far an offset moves the picture depends on frame and zoom: look.
        still = _middle(self._now(region, places))
        view.view_camera_offset = (_STEP, _STEP)
        moved = (_middle(self._now(region, places)) - still) / _STEP
        centre = np.array([region.width, region.height]) / 2
        wanted = np.where(moved == 0, 0.0, (centre - still) / np.where(moved == 0, 1.0, moved))
        view.view_camera_offset = tuple(np.clip(wanted, -1, 1).tolist())
        view.update()

    def _now(self, region: bpy.types.Region, places: np.ndarray) -> np.ndarray:
        bpy.context.view_layer.update()
        self._space.region_3d.update()
        return self.places_in(region, places)

    def close(self) -> None:
        """Remove all of it and show the head again."""
        space = self._space
        perspective, local, camera, matrix, zoom, offset = self._view
        space.camera, space.use_local_camera = camera, local
        view = space.region_3d
        view.view_perspective, view.view_camera_zoom = perspective, zoom
        view.view_camera_offset = offset
        if perspective != "CAMERA":
            space.region_3d.view_matrix = matrix
        bpy.data.batch_remove(self._made)
        self._made = []
        obj = bpy.data.objects.get(self._head)
        if obj is not None and not self._hidden and obj.name in bpy.context.view_layer.objects:
            obj.hide_set(False)

    def _keep(self, datablock):
        self._made.append(datablock)
        return datablock

    def _photo(self, photo: int) -> bpy.types.Image | None:
        obj = bpy.data.objects[self._head]
        camera = camera_object(obj, photo)
        known = list(camera.data.background_images) if camera is not None else []
        found = next((one.image for one in known if one.image is not None), None)
        path = Path(record_of(obj, photo)["directory"]) / PHOTO_NAME
        if found is None and path.exists():
            found = self._keep(bpy.data.images.load(str(path)))
        return found


def _middle(places: np.ndarray) -> np.ndarray:
    """The middle of the bounds of (N, 2) places."""
    return (places.min(0) + places.max(0)) / 2
