"""The images of a head: read from its result, or those that are in the .blend file already."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np

from ...ml.errors import HeadError
from ...ml.results.detail import NORMAL_NAME
from ...ml.results.reconstruction import ALBEDO_NAME

ALBEDO, NORMALS = "albedo", "detail"
_FILES = {ALBEDO: ALBEDO_NAME, NORMALS: NORMAL_NAME}
_LONGEST_PATH = 1023  # bytes of an image's path in a .blend file, without the final zero


def load_image(
    path: Path, name: str, keep: Callable[[bpy.types.Image], bpy.types.Image]
) -> bpy.types.Image | None:
    """The image, packed into the file; None where the reconstruction has none.

    ``keep`` is given it as soon as it is made.
    """
    if not path.exists():
        return None
    image = keep(bpy.data.images.load(str(path)))
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


def pack_made(image: bpy.types.Image, name: str) -> None:
    """Pack an image that was made here, under a path that exporters tell it from others by.

    It is called ``name`` and the digest of its pixels: Blender's USD exporter writes such an image
    under its name and refers to it by its path, and heads of one name must not share a texture.
    """
    pixels = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(pixels)
    image.name = f"{name} {hashlib.sha256(pixels).hexdigest()[:8]}"
    image.filepath_raw = f"//{image.name}.png"
    image.pack()


def file_of(directory: Path, kind: str) -> Path:
    """Where a result has its image of this kind: ALBEDO or NORMALS."""
    return directory / _FILES[kind]


def image_in_file(mesh: bpy.types.Mesh, kind: str) -> bpy.types.Image | None:
    """The photo's image of this kind that the materials of ``mesh`` use; None where none does.

    Known by the name that :func:`load_image` gave to its path: people rename images.
    """
    # Effigy did not always rename them: earlier files have the result's own names.
    ours = re.compile(rf" {kind} [0-9a-f]{{8}}\.png$|(^|[/\\]){re.escape(_FILES[kind])}$")
    used = [
        node.image
        for material in mesh.materials
        if material is not None and material.node_tree is not None
        for node in material.node_tree.nodes
        if node.type == "TEX_IMAGE" and node.image is not None
    ]
    return next((image for image in used if ours.search(image.filepath) and all(image.size)), None)
