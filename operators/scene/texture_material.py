"""A material that only shows images, linked as exporters find them."""

from __future__ import annotations

from collections.abc import Mapping

import bpy
import numpy as np

# What each kind of image feeds: the Principled BSDF's inputs by channel. Blender's FBX and USD
# exporters follow only images that are linked themselves ("Color"), glTF's all.
_INPUTS = {
    "albedo": {"Color": "Base Color"},
    "basecolor": {"Color": "Base Color"},
    "surface": {"Red": "Coat Weight", "Green": "Roughness"},
    "orm": {"Green": "Roughness", "Blue": "Metallic"},
    "masks": {"Red": "Coat Weight"},
    "roughness": {"Color": "Roughness"},
}
_NORMAL, _OCCLUSION = "normal", "orm"
# The kinds of image that such a material shows.
SHOWN = (*_INPUTS, _NORMAL)
COAT_ROUGHNESS = 0.03
# The group by whose name Blender's glTF exporter finds what no shader has.
_GLTF = "glTF Material Output"


def texture_material(
    name: str, images: Mapping[str, bpy.types.Image], bend: float = 1.0
) -> list[bpy.types.ID]:
    """A material of these images, by kind; ``bend`` is the strength of the normal map.

    Returns the material first, then what else was made for it.
    """
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # Blender 5.0 and later make it at once
        material.use_nodes = True
    tree = material.node_tree
    # By type, not by name: node names are translated.
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Coat Roughness"].default_value = COAT_ROUGHNESS
    made: list[bpy.types.ID] = [material]
    for kind, image in images.items():
        if kind not in SHOWN:
            continue
        texture = tree.nodes.new("ShaderNodeTexImage")
        texture.image = image
        color = texture.outputs["Color"]
        if kind == _NORMAL:
            _add_normal(tree, shader, color, bend)
            continue
        inputs = _INPUTS[kind]
        outputs = {"Color": color} if "Color" in inputs else _split(tree, color)
        for channel, socket in inputs.items():
            tree.links.new(outputs[channel], shader.inputs[socket])
        if kind == _OCCLUSION:
            made += _add_occlusion(tree, outputs["Red"])
    return made


def use_material(obj: bpy.types.Object, material: bpy.types.Material) -> None:
    """Give ``obj``, a copy, this material alone."""
    mesh = obj.data
    for slot in obj.material_slots:
        slot.link = "DATA"
    mesh.materials.clear()
    mesh.materials.append(material)
    mesh.polygons.foreach_set("material_index", np.zeros(len(mesh.polygons), np.int32))


def _split(
    tree: bpy.types.NodeTree, color: bpy.types.NodeSocket
) -> Mapping[str, bpy.types.NodeSocket]:
    split = tree.nodes.new("ShaderNodeSeparateColor")
    tree.links.new(color, split.inputs["Color"])
    return split.outputs


def _add_normal(
    tree: bpy.types.NodeTree, shader: bpy.types.Node, color: bpy.types.NodeSocket, bend: float
) -> None:
    normal = tree.nodes.new("ShaderNodeNormalMap")
    normal.inputs["Strength"].default_value = bend
    tree.links.new(color, normal.inputs["Color"])
    tree.links.new(normal.outputs["Normal"], shader.inputs["Normal"])


def _add_occlusion(tree: bpy.types.NodeTree, value: bpy.types.NodeSocket) -> list[bpy.types.ID]:
    made: list[bpy.types.ID] = []
    group = bpy.data.node_groups.get(_GLTF)
    if group is None:
        group = bpy.data.node_groups.new(_GLTF, "ShaderNodeTree")
        made.append(group)
        group.interface.new_socket("Occlusion", in_out="INPUT", socket_type="NodeSocketFloat")
    node = tree.nodes.new("ShaderNodeGroup")
    node.node_tree = group
    if "Occlusion" in node.inputs:
        tree.links.new(value, node.inputs["Occlusion"])
    return made
