"""One material for a whole head: what each of its surfaces shows, in two images.

All parts of a head lie side by side in one UV layout, most of them in the photo's texture already.
There the layout stays; surfaces without a texture are painted where they lie, and how rough and
how coated each surface is goes into a second image. Surfaces that lie on one another, on a head
that was edited, go to sheets of their own, and the sheets side by side into one image.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from ...ml.data import FloatArray
from ...ml.geometry.colour import srgb_of
from .images import pack_made
from .one_layout import lay_out, move_uv, tiled
from .texture_material import texture_material, use_material

# Without any texture there is little to draw.
_SMALLEST = 256


@dataclass(frozen=True)
class _Shading:
    """What one material shows.

    Attributes
    ----------
    images: of "albedo" and "normal", as far as it has them. color: RGBA as a texture holds it,
        where there is no image. coat, roughness: 0..1. bend: strength of its normal map.
    """

    images: dict[str, bpy.types.Image]
    color: FloatArray
    coat: float
    roughness: float
    bend: float = 0.0


def use_one_material(obj: bpy.types.Object) -> list[bpy.types.ID]:
    """Give ``obj``, a copy, one material in place of its own.

    Colours and normal maps are kept texel by texel, coat and roughness as one number for each
    material. Returns the material and its images, which the caller removes.
    """
    shadings = [_shading_of(slot.material) for slot in obj.material_slots] or [_shading_of(None)]
    used = [image for shading in shadings for image in shading.images.values()]
    size = max([_SMALLEST, *(max(image.size) for image in used)])
    layout = lay_out(obj.data, len(shadings), size)
    images = {
        kind: _image(f"{obj.name} {kind}", tiled([paint(shadings, own) for own in layout.owners]))
        for kind, paint in (("albedo", _colors), ("surface", _surfaces), ("normal", _normals))
        if kind != "normal" or any(kind in shading.images for shading in shadings)
    }
    images["albedo"].colorspace_settings.name = "sRGB"
    bend = max(shading.bend for shading in shadings)
    made = texture_material(obj.name, images, bend)
    move_uv(obj.data, layout)
    use_material(obj, made[0])
    return [*made, *images.values()]


def _shading_of(material: bpy.types.Material | None) -> _Shading:
    shader = None
    if material is not None and material.node_tree is not None:
        nodes = material.node_tree.nodes
        shader = next((node for node in nodes if node.type == "BSDF_PRINCIPLED"), None)
    if shader is None:
        plain = material.diffuse_color if material is not None else (0.8, 0.8, 0.8, 1.0)
        return _Shading({}, _encoded(plain), 0.0, material.roughness if material else 0.5)
    bend = _before(shader.inputs["Normal"], "NORMAL_MAP")
    sources = {
        "albedo": _before(shader.inputs["Base Color"], "TEX_IMAGE"),
        "normal": _before(bend.inputs["Color"], "TEX_IMAGE") if bend is not None else None,
    }
    held = {kind: node.image for kind, node in sources.items() if node is not None}
    return _Shading(
        {kind: image for kind, image in held.items() if image is not None and image.size[0]},
        _encoded(shader.inputs["Base Color"].default_value),
        float(shader.inputs["Coat Weight"].default_value),
        float(shader.inputs["Roughness"].default_value),
        float(bend.inputs["Strength"].default_value) if bend is not None else 0.0,
    )


def _before(socket: bpy.types.NodeSocket, kind: str) -> bpy.types.Node | None:
    """The node of that type that leads to ``socket``, perhaps by others of its inputs' name."""
    while socket is not None and socket.is_linked:
        node = socket.links[0].from_node
        if node.type == kind:
            return node
        socket = node.inputs.get(socket.name)
    return None


def _encoded(linear: FloatArray) -> FloatArray:
    """Opaque RGBA 0..1 in sRGB's curve."""
    return np.append(srgb_of(np.array(linear, np.float32))[:3] / 255, np.float32(1))


def _colors(shadings: list[_Shading], owner: np.ndarray) -> np.ndarray:
    """(S, S, 4) colours of one sheet."""
    colors = [shading.color for shading in shadings]
    return _painted([shading.images.get("albedo") for shading in shadings], colors, owner)


def _normals(shadings: list[_Shading], owner: np.ndarray) -> np.ndarray:
    """(S, S, 4) normal map of one sheet: even where a material has none."""
    even = np.float32([0.5, 0.5, 1, 1])
    images = [shading.images.get("normal") for shading in shadings]
    return _painted(images, [even] * len(images), owner)


def _surfaces(shadings: list[_Shading], owner: np.ndarray) -> np.ndarray:
    """(S, S, 4) of one sheet: coat (R) and roughness (G)."""
    values = [np.float32([shading.coat, shading.roughness, 0, 1]) for shading in shadings]
    return _painted([None] * len(shadings), values, owner)


def _painted(
    images: list[bpy.types.Image | None], values: list[FloatArray], owner: np.ndarray
) -> np.ndarray:
    """(S, S, 4) of each material's image, or value where it has none, where the material lies."""
    used = np.unique(owner[owner >= 0])
    pixels = {images[k]: _pixels(images[k], len(owner)) for k in used if images[k]}
    # Where nothing lies an image goes on: its own margins are wider.
    painted = np.empty((*owner.shape, 4), np.float32)
    painted[:] = next(iter(pixels.values()), values[used[0]] if len(used) else 1)
    for slot in used:
        place = owner == slot
        painted[place] = pixels[images[slot]][place] if images[slot] else values[slot]
    return painted


def _pixels(image: bpy.types.Image, size: int) -> np.ndarray:
    """(size, size, 4) of an image of any size, by the nearest pixel."""
    width, height = image.size
    flat = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(flat)
    rows, columns = (np.arange(size) * length // size for length in (height, width))
    return flat.reshape(height, width, 4)[rows][:, columns]


def _image(name: str, pixels: np.ndarray) -> bpy.types.Image:
    size = len(pixels)
    image = bpy.data.images.new(name, size, size, is_data=True)
    image.pixels.foreach_set(np.ascontiguousarray(pixels, np.float32).ravel())
    pack_made(image, name)
    return image
