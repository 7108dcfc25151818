"""The material of hair: for Cycles light that goes through strands, for EEVEE what comes near."""

from __future__ import annotations

import bpy

from .hair_nodes import SHADE

_ROUGHNESS = 0.32
# Light that goes through strands gets its colour from many of them, and there are fewer here than
# on a head: without these hair is pale.
_DEEPER, _OPAQUE = 1.4, 0.5
# In EEVEE nothing lets light through: strands would look darker than in Cycles.
_EEVEE_GAIN = 1.25


def new_hair_material(name: str, colour: tuple[float, float, float]) -> bpy.types.Material:
    """A material that takes the strands' own shades; ``colour``, linear, is that of Solid view."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # Blender 5.0 and later make it at once
        material.use_nodes = True
    material.diffuse_color, material.roughness = (*colour, 1.0), 0.6
    tree = material.node_tree
    tree.nodes.clear()
    shade = tree.nodes.new("ShaderNodeAttribute")
    shade.attribute_name = SHADE
    _for_cycles(tree, shade.outputs["Color"])
    _for_eevee(tree, shade.outputs["Color"])
    for number, node in enumerate(tree.nodes):
        node.location = 260 * (number % 3), -420 * (number // 3)
    return material


def _for_cycles(tree: bpy.types.NodeTree, shade: bpy.types.NodeSocket) -> None:
    hair = tree.nodes.new("ShaderNodeBsdfHairPrincipled")
    hair.parametrization = "COLOR"
    hair.inputs["Roughness"].default_value = _ROUGHNESS
    hair.inputs["Random Roughness"].default_value = 0.3
    deep = tree.nodes.new("ShaderNodeGamma")
    deep.inputs["Gamma"].default_value = _DEEPER
    tree.links.new(shade, deep.inputs["Color"])
    tree.links.new(deep.outputs[0], hair.inputs["Color"])
    mixed = tree.nodes.new("ShaderNodeMixShader")
    mixed.inputs[0].default_value = _OPAQUE
    tree.links.new(hair.outputs[0], mixed.inputs[1])
    tree.links.new(_opaque(tree, shade), mixed.inputs[2])
    _output(tree, "CYCLES", mixed.outputs[0])


def _for_eevee(tree: bpy.types.NodeTree, shade: bpy.types.NodeSocket) -> None:
    lit = tree.nodes.new("ShaderNodeVectorMath")
    lit.operation = "SCALE"
    lit.inputs["Scale"].default_value = _EEVEE_GAIN
    tree.links.new(shade, lit.inputs[0])
    _output(tree, "EEVEE", _opaque(tree, lit.outputs[0]))


def _opaque(tree: bpy.types.NodeTree, colour: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    shader = tree.nodes.new("ShaderNodeBsdfPrincipled")
    shader.inputs["Roughness"].default_value = 0.45
    shader.inputs["Specular IOR Level"].default_value = 0.35
    tree.links.new(colour, shader.inputs["Base Color"])
    return shader.outputs[0]


def _output(tree: bpy.types.NodeTree, target: str, surface: bpy.types.NodeSocket) -> None:
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    output.target = target
    tree.links.new(surface, output.inputs["Surface"])
