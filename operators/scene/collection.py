"""A whole head in the scene: one collection with the head and the cameras of its photos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy

from ...ml.data import HeadMesh
from ...ml.results.checks import check_state
from ...ml.results.person import PhotoView
from ...ml.results.reconstruction import PHOTO_NAME, Reconstruction
from .camera import follow_head, new_camera
from .detail import add_detail, store_offsets
from .groups import add_part_groups, add_region_groups
from .hair import hair_of, new_hair, renew_hair, settle_hair, strands_in
from .images import ALBEDO, NORMALS, file_of, image_in_file, load_image
from .material import SURFACES, new_material, surface_kinds
from .mesh import add_shape_keys, new_mesh
from .metadata import (
    camera_object,
    has_photo,
    record_head,
    record_of,
    record_others,
    rig_of,
)
from .place import place_head, scale_of
from .rebuild import keeps_additions, renew_mesh, replace_mesh
from .rig import renew_rig
from .rig_data import rig_data, store_rig_data
from .sculpt import store_sculpt
from .skin_attributes import store_skin_attributes
from .surface_groups import remove_unused_groups

# The albedo and the normal map of a head, each None where it has none.
_Images = tuple[bpy.types.Image | None, bpy.types.Image | None]


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
        obj = _new_head_object(name, head, _loaded(name, directory, head, made), made)
        main = PhotoView(directory, head.provenance.photo_name, {}, head.camera, head.state)
        frame = (scene.render.resolution_x, scene.render.resolution_y)
        place_head(scene, layer, obj)
        views = (main, *others)
        cameras = [_new_photo_camera(view, frame, scale_of(scene), made) for view in views]
        for view, camera in zip(views, cameras, strict=True):
            follow_head(camera, obj, view.camera)
        record_head(obj, head, directory, cameras[0])
        _store(obj, head)
        record_others(obj, others, cameras[1:])
        strands = strands_in(directory)
        hair = new_hair(obj, strands, made.keep) if strands is not None else []
        collection = made.keep(bpy.data.collections.new(name))
        for part in (obj, *cameras, *hair):
            collection.objects.link(part)
        parent.children.link(collection)
    return obj


def build_nobody(
    scene: bpy.types.Scene, layer: bpy.types.ViewLayer, head: Reconstruction, name: str
) -> bpy.types.Object:
    """Build a head without a photo into a new collection ``name``; return its mesh object.

    It has no texture, no camera, and no files. If a part fails, nothing is left behind.
    """
    with _Transaction() as made:
        obj = _new_head_object(name, head, (None, None), made)
        place_head(scene, layer, obj)
        record_head(obj, head, None, None)
        _store(obj, head)
        collection = made.keep(bpy.data.collections.new(name))
        collection.objects.link(obj)
        scene.collection.children.link(collection)
    return obj


def rebuild_head(obj: bpy.types.Object, head: Reconstruction, directory: Path | None) -> list[str]:
    """Give ``obj`` the reconstruction's mesh, keys and materials again.

    directory: of the reconstruction's files; None where there are none: the images are those that
    the materials have. Returns what was in neither, in words.

    The object itself stays: its place, parents, modifiers and collection are not touched. So does
    its rig, which then holds the photo's expression, as the keys do, and all animation. What the
    person added to the mesh stays, unless the mesh's vertices are others now: see
    :func:`.rebuild.additions`.
    """
    with _Transaction() as made:
        if directory is not None:
            images = _loaded(obj.name, directory, head, made)
        else:
            images = image_in_file(obj.data, ALBEDO), image_in_file(obj.data, NORMALS)
        fresh = _new_head_object(obj.name, head, images, made)
        data = rig_data(head.mesh, obj.name) if rig_of(obj) is not None else None
        strands = strands_in(directory) if directory is not None and hair_of(obj) else None
        missing = [] if directory is not None else _missing(obj, head, images)
        if directory is not None:  # else the record is what it was made from
            record_head(obj, head, directory, camera_object(obj))
    if keeps_additions(obj, head.mesh):
        renew_mesh(obj, fresh, head.mesh)
    else:
        replace_mesh(obj, fresh)
    _store(obj, head)
    if data is not None:
        renew_rig(obj, data)
    if strands is not None:
        renew_hair(obj, strands)
    else:
        settle_hair(obj)
    return missing


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
            remove_unused_groups()


def _new_head_object(
    name: str, head: Reconstruction, images: _Images, made: _Transaction
) -> bpy.types.Object:
    mesh: HeadMesh = head.mesh
    albedo, normals = images
    kinds, slot_of_part = surface_kinds(mesh.part_names)
    data = made.keep(new_mesh(name, mesh, slot_of_part))
    for kind in kinds:
        data.materials.append(made.keep(new_material(f"{name} {kind}", SURFACES[kind], albedo)))
    store_skin_attributes(data, mesh)
    obj = made.keep(bpy.data.objects.new(name, data))
    add_part_groups(obj, mesh)
    add_region_groups(obj, mesh)
    add_shape_keys(obj, mesh, head.coefficients.expression)
    if head.detail is not None:
        add_detail(obj, mesh, head.detail.offsets, normals)
    return obj


def _loaded(name: str, directory: Path, head: Reconstruction, made: _Transaction) -> _Images:
    """The images of a result, which must still be that of ``head``."""
    albedo = load_image(file_of(directory, ALBEDO), f"{name} {ALBEDO}", made.keep)
    normals = None
    if head.detail is not None:
        normals = load_image(file_of(directory, NORMALS), f"{name} {NORMALS}", made.keep)
    check_state(directory, head.state)
    return albedo, normals


def _missing(obj: bpy.types.Object, head: Reconstruction, images: _Images) -> list[str]:
    """What the file no longer has of the head on ``obj``, in words."""
    record = record_of(obj)
    relief = record.get("detail", "off") != "off"
    absent = {
        "a texture": images[0] is None and has_photo(record),
        "its relief": relief and head.detail is None,
        "the normal map of its relief": head.detail is not None and images[1] is None,
    }
    return [what for what, is_absent in absent.items() if is_absent]


def _store(obj: bpy.types.Object, head: Reconstruction) -> None:
    """Keep on ``obj`` what can only be had from the files of its result, beside its record."""
    store_rig_data(obj, head.mesh)
    store_offsets(obj, head.detail.offsets if head.detail is not None else None)
    store_sculpt(obj, head.sculpt)


def _new_photo_camera(
    view: PhotoView, frame: tuple[int, int], scale: float, made: _Transaction
) -> bpy.types.Object:
    name = Path(view.name).stem or "Head"
    photo = load_image(view.directory / PHOTO_NAME, f"{name} photo", made.keep)
    check_state(view.directory, view.state)
    camera = made.keep(new_camera(f"{name} camera", view.camera, photo, (frame, scale)))
    made.keep(camera.data)
    return camera
