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
from .uv_cover import covered

# Without any texture there is little to draw.
_SMALLEST = 256
# Texels by which a surface is drawn beyond its edge: filters and mipmaps read there.
_MARGIN = 4
# Share of a surface that may lie on others: seams share texels.
_SHARED = 0.05


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


@dataclass(frozen=True)
class _Layout:
    """Which material slot each texel belongs to, and where each face lies.

    Attributes
    ----------
    owners: by sheet, (S, S) material slots, -1 for none; row 0 is v = 0. sheet: (F,) of each face.
    """

    owners: list[np.ndarray]
    sheet: np.ndarray


def use_one_material(obj: bpy.types.Object) -> list[bpy.types.ID]:
    """Give ``obj``, a copy, one material in place of its own.

    Colours and normal maps are kept texel by texel, coat and roughness as one number for each
    material. Returns the material and its images, which the caller removes.
    """
    shadings = [_shading_of(slot.material) for slot in obj.material_slots] or [_shading_of(None)]
    used = [image for shading in shadings for image in shading.images.values()]
    size = max([_SMALLEST, *(max(image.size) for image in used)])
    layout = _lay_out(obj.data, len(shadings), size)
    images = {
        kind: _image(f"{obj.name} {kind}", _tiled([paint(shadings, own) for own in layout.owners]))
        for kind, paint in (("albedo", _colors), ("surface", _surfaces), ("normal", _normals))
        if kind != "normal" or any(kind in shading.images for shading in shadings)
    }
    images["albedo"].colorspace_settings.name = "sRGB"
    material = _material(obj.name, images, max(shading.bend for shading in shadings))
    mesh = obj.data
    _move_uv(mesh, layout)
    for slot in obj.material_slots:
        slot.link = "DATA"
    mesh.materials.clear()
    mesh.materials.append(material)
    mesh.polygons.foreach_set("material_index", np.zeros(len(mesh.polygons), np.int32))
    return [material, *images.values()]


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


def _lay_out(mesh: bpy.types.Mesh, count: int, size: int) -> _Layout:
    """Sheets for ``count`` material slots, as few as keep surfaces from lying on one another."""
    mesh.calc_loop_triangles()
    loops, faces = (np.empty(width * len(mesh.loop_triangles), np.int32) for width in (3, 1))
    mesh.loop_triangles.foreach_get("loops", loops)
    mesh.loop_triangles.foreach_get("polygon_index", faces)
    slots = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("material_index", slots)
    slots = np.minimum(slots, count - 1)
    places = {
        slot: covered(_uv(mesh)[loops].reshape(-1, 3, 2)[slots[faces] == slot], size)
        for slot in np.unique(slots)
    }
    owners: list[np.ndarray] = []
    sheet_of = np.zeros(count, np.int32)
    for slot in sorted(places, key=lambda each: -int(places[each].sum())):
        place = places[slot]
        most = _SHARED * place.sum()
        fitting = [k for k, owner in enumerate(owners) if (owner[place] >= 0).sum() <= most]
        if not fitting:
            fitting = [len(owners)]
            owners.append(np.full((size, size), -1, np.int32))
        sheet_of[slot] = fitting[0]
        owner = owners[fitting[0]]
        owner[place & (owner < 0)] = slot
    return _Layout([_grown(owner) for owner in owners], sheet_of[slots])


def _uv(mesh: bpy.types.Mesh) -> np.ndarray:
    """(L, 2) of every loop in the layout that textures use."""
    uv = np.empty(2 * len(mesh.loops), np.float32)
    _uv_layer(mesh).uv.foreach_get("vector", uv)
    return uv.reshape(-1, 2)


def _uv_layer(mesh: bpy.types.Mesh) -> bpy.types.MeshUVLoopLayer:
    return next(layer for layer in mesh.uv_layers if layer.active_render)


def _move_uv(mesh: bpy.types.Mesh, layout: _Layout) -> None:
    """Move the UV of each face to where its sheet lies among all."""
    side = _side(len(layout.owners))
    if side == 1:
        return
    loops = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("loop_total", loops)
    sheet = np.repeat(layout.sheet, loops)
    uv = (np.clip(_uv(mesh), 0, 1) + np.stack([sheet % side, sheet // side], 1)) / side
    _uv_layer(mesh).uv.foreach_set("vector", np.ascontiguousarray(uv, np.float32).ravel())


def _side(count: int) -> int:
    """How many sheets lie along each side of a square that holds ``count``."""
    return int(np.ceil(np.sqrt(count)))


def _tiled(sheets: list[np.ndarray]) -> np.ndarray:
    """One square picture of all sheets, row by row, the first one at the bottom left."""
    side = _side(len(sheets))
    blank = [np.zeros_like(sheets[0])] * (side * side - len(sheets))
    rows = [np.concatenate((sheets + blank)[k * side : (k + 1) * side], 1) for k in range(side)]
    return np.concatenate(rows, 0)


def _grown(owner: np.ndarray) -> np.ndarray:
    """``owner`` with every region larger by _MARGIN texels, where nothing else is."""
    for _ in range(_MARGIN):
        for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
            owner = np.where(owner < 0, np.roll(owner, step, axis), owner)
    return owner


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
    image.pack()
    return image


def _material(name: str, images: dict[str, bpy.types.Image], bend: float) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # Blender 5.0 and later make it at once
        material.use_nodes = True
    tree = material.node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    colors = {}
    for kind, image in images.items():
        texture = tree.nodes.new("ShaderNodeTexImage")
        texture.image, colors[kind] = image, texture.outputs["Color"]
    split = tree.nodes.new("ShaderNodeSeparateColor")
    tree.links.new(colors["albedo"], shader.inputs["Base Color"])
    tree.links.new(colors["surface"], split.inputs["Color"])
    tree.links.new(split.outputs["Red"], shader.inputs["Coat Weight"])
    tree.links.new(split.outputs["Green"], shader.inputs["Roughness"])
    shader.inputs["Coat Roughness"].default_value = 0.03
    if "normal" in colors:
        normal = tree.nodes.new("ShaderNodeNormalMap")
        normal.inputs["Strength"].default_value = bend
        tree.links.new(colors["normal"], normal.inputs["Color"])
        tree.links.new(normal.outputs["Normal"], shader.inputs["Normal"])
    return material
