"""Other texture and relief for a head in the scene; what was done to materials and keys stays."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...ml.results.reconstruction import Reconstruction
from .detail import add_detail, detail_key, store_offsets
from .follow import renew_images
from .images import ALBEDO, NORMALS, file_of, image_in_file, load_image
from .material import MARK, SURFACES, add_albedo, surface_kinds
from .sculpt import key_edits, write_keys


def dress_head(
    obj: bpy.types.Object, old: Reconstruction, new: Reconstruction, directory: Path
) -> None:
    """Give ``obj``, which shows ``old``, the texture and relief of ``new``, whose files lie there.

    Raises
    ------
    HeadError: an image cannot be read.
    """
    edits = key_edits(obj, old)
    renew_images(obj, directory)
    _match_albedo(obj, new, file_of(directory, ALBEDO))
    if new.detail is None:
        _remove_detail(obj)
    elif detail_key(obj) is None:
        normals = load_image(file_of(directory, NORMALS), f"{obj.name} {NORMALS}", lambda one: one)
        add_detail(obj, new.mesh, new.detail.offsets, normals)
    write_keys(obj, new, edits)
    store_offsets(obj, new.detail.offsets if new.detail is not None else None)


def _match_albedo(obj: bpy.types.Object, new: Reconstruction, path: Path) -> None:
    """Add the texture to materials that have none, or take it away where there is no file."""
    old = image_in_file(obj.data, ALBEDO)
    if old is not None and not path.exists():
        _remove_nodes(obj, old)
    elif old is None and path.exists():
        image = load_image(path, f"{obj.name} {ALBEDO}", lambda one: one)
        kinds = surface_kinds(new.mesh.part_names)[0]
        for kind, material in zip(kinds, obj.data.materials, strict=False):
            if material is not None and MARK in material:
                add_albedo(material, SURFACES[kind], image)


def _remove_detail(obj: bpy.types.Object) -> None:
    key, image = detail_key(obj), image_in_file(obj.data, NORMALS)
    if image is not None:
        _remove_nodes(obj, image)
    if key is not None:
        key.driver_remove("value")
        obj.shape_key_remove(key)


def _remove_nodes(obj: bpy.types.Object, image: bpy.types.Image) -> None:
    """Take an image out of all materials of ``obj``, with the normal maps that it feeds."""
    for material in obj.data.materials:
        tree = material.node_tree if material is not None else None
        for node in list(tree.nodes) if tree is not None else ():
            if node.type == "TEX_IMAGE" and node.image == image:
                fed = [link.to_node for link in node.outputs["Color"].links]
                for each in (node, *(one for one in fed if one.type == "NORMAL_MAP")):
                    if each.type == "NORMAL_MAP":
                        each.inputs["Strength"].driver_remove("default_value")
                    tree.nodes.remove(each)
    if image.users == 0:
        bpy.data.images.remove(image)
