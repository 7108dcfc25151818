"""A whole head in the scene: one collection with the head and the cameras of its photos."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import bpy

from ...ml.data import HeadMesh
from ...ml.errors import HeadError
from ...ml.results.checks import check_state
from ...ml.results.detail import NORMAL_NAME
from ...ml.results.person import PhotoView
from ...ml.results.reconstruction import ALBEDO_NAME, PHOTO_NAME, Reconstruction
from .camera import follow_head, new_camera
from .detail import add_detail
from .groups import add_part_groups, add_region_groups
from .material import SURFACES, new_material, surface_kinds
from .mesh import add_shape_keys, new_mesh
from .metadata import camera_object, record_head, record_others, rig_of
from .place import place_head, scale_of
from .rebuild import keeps_additions, renew_mesh, replace_mesh
from .rig import renew_rig
from .rig_data import rig_data, store_rig_data

_LONGEST_PATH = 1023  # bytes of an image's path in a .blend file, without the final zero


def build_head(
    scene: bpy.types.Scene,
    layer: bpy.types.ViewLayer,
    parent: bpy.types.Collection,
    head: Reconstruction,
    directory: Path,
    others: Sequence[PhotoView] = (),
) -> bpy.types.Object:
    """Build the head into a new collection under ``parent`` and return its mesh object.

    ``others``: further photos of the same person; each adds its camera, and its expression to
    the head's record. Everything is made first and linked last; if a part fails, nothing is left
    behind.
    """
    name = Path(head.provenance.photo_name).stem or "Head"
    with _Transaction() as made:
        obj = _new_head_object(name, head, directory, made)
        main = PhotoView(directory, head.provenance.photo_name, {}, head.camera, head.state)
        frame = (scene.render.resolution_x, scene.render.resolution_y)
        place_head(scene, layer, obj)
        views = (main, *others)
        cameras = [_new_photo_camera(view, frame, scale_of(scene), made) for view in views]
        for view, camera in zip(views, cameras, strict=True):
            follow_head(camera, obj, view.camera)
        record_head(obj, head, directory, cameras[0])
        store_rig_data(obj, head.mesh)
        record_others(obj, others, cameras[1:])
        collection = made.keep(bpy.data.collections.new(name))
        for part in (obj, *cameras):
            collection.objects.link(part)
        parent.children.link(collection)
    return obj


def rebuild_head(obj: bpy.types.Object, head: Reconstruction, directory: Path) -> None:
    """Give ``obj`` the reconstruction's mesh, keys and materials again.

    The object itself stays: its place, parents, modifiers and collection are not touched. So does
    its rig, which then holds the photo's expression, as the keys do, and all animation. What the
    person added to the mesh stays, unless the mesh's vertices are others now: see
    :func:`.rebuild.additions`.
    """
    with _Transaction() as made:
        fresh = _new_head_object(obj.name, head, directory, made)
        data = rig_data(head.mesh, obj.name) if rig_of(obj) is not None else None
        record_head(obj, head, directory, camera_object(obj))
    if keeps_additions(obj, head.mesh):
        renew_mesh(obj, fresh, head.mesh)
    else:
        replace_mesh(obj, fresh)
    store_rig_data(obj, head.mesh)
    if data is not None:
        renew_rig(obj, data)


def set_render_size(scene: bpy.types.Scene, width: int, height: int) -> None:
    """Make the scene render at the photo's size."""
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.resolution_percentage = 100
    scene.render.pixel_aspect_x = scene.render.pixel_aspect_y = 1.0


class _Transaction:
    """Keeps a list of new datablocks and removes them if the block raises."""

    def __init__(self) -> None:
        self._made: list[bpy.types.ID] = []

    def keep(self, datablock):
        self._made.append(datablock)
        return datablock

    def __enter__(self) -> _Transaction:
        return self

    def __exit__(self, kind, error, trace) -> None:
        if kind is not None:
            bpy.data.batch_remove(self._made)


def _new_head_object(
    name: str, head: Reconstruction, directory: Path, made: _Transaction
) -> bpy.types.Object:
    mesh: HeadMesh = head.mesh
    kinds, slot_of_part = surface_kinds(mesh.part_names)
    data = made.keep(new_mesh(name, mesh, slot_of_part))
    albedo = _load_image(directory / ALBEDO_NAME, f"{name} albedo", made)
    for kind in kinds:
        data.materials.append(made.keep(new_material(f"{name} {kind}", SURFACES[kind], albedo)))
    obj = made.keep(bpy.data.objects.new(name, data))
    add_part_groups(obj, mesh)
    add_region_groups(obj, mesh)
    add_shape_keys(obj, mesh, head.coefficients.expression)
    if head.detail is not None:
        normals = _load_image(directory / NORMAL_NAME, f"{name} detail", made)
        add_detail(obj, mesh, head.detail.offsets, normals)
    check_state(directory, head.state)
    return obj


def _new_photo_camera(
    view: PhotoView, frame: tuple[int, int], scale: float, made: _Transaction
) -> bpy.types.Object:
    name = Path(view.name).stem or "Head"
    photo = _load_image(view.directory / PHOTO_NAME, f"{name} photo", made)
    check_state(view.directory, view.state)
    camera = made.keep(new_camera(f"{name} camera", view.camera, photo, (frame, scale)))
    made.keep(camera.data)
    return camera


def _load_image(path: Path, name: str, made: _Transaction) -> bpy.types.Image | None:
    """The image, packed into the file; None where the reconstruction has none."""
    if not path.exists():
        return None
    image = made.keep(bpy.data.images.load(str(path)))
    image.name = name
    if not all(image.size):
        raise HeadError(f"{path} could not be read", "Reconstruct the photo again")
    image.pack()
    # It is in the file now: where it came from would only tell the person's name.
    # Blender saves a path's whole buffer: a shorter text alone would leave the old one's end, and
    # behind that whatever lay in memory before.
    # Exporters name textures after it, so heads of one name must not share it.
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    for text in ("/" * _LONGEST_PATH, f"//{name} {digest}{path.suffix}"):
        image.filepath_raw = text
        for packed in image.packed_files:
            packed.filepath = text
    return image
