"""Materials of a head: the photo's colours on plausible surfaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy

from .eye_material import Wet, make_wet
from .surface_groups import COLOR, SKIN, TEETH, Group, add_group, entrance

# On each material that Effigy made.
MARK = "effigy_surface"
_Color = tuple[float, float, float, float]


@dataclass(frozen=True)
class Surface:
    """How one kind of surface looks.

    Attributes
    ----------
    color: linear RGBA where there is no texture, and in Solid view.
    roughness, coat, subsurface: of the Principled BSDF, 0..1.
    textured: whether the photo's colours go on it; where they would only be blurred, they do not.
    group: what varies all that over the surface, and lets a person set it.
    wet: what an eye has beside that.
    """

    color: _Color
    roughness: float
    coat: float = 0.0
    subsurface: float = 0.0
    textured: bool = True
    group: Group | None = None
    wet: Wet | None = None


SURFACES = {
    "skin": Surface(
        (0.50, 0.30, 0.23, 1.0), roughness=0.55, coat=0.12, subsurface=0.15, group=SKIN
    ),
    "mouth": Surface((0.61, 0.25, 0.22, 1.0), roughness=0.3, coat=0.4, subsurface=0.4),
    "tongue": Surface((0.57, 0.21, 0.19, 1.0), roughness=0.35, coat=0.4, subsurface=0.4),
    "teeth": Surface(
        (0.75, 0.70, 0.58, 1.0), roughness=0.2, coat=0.3, subsurface=0.03, group=TEETH
    ),
    "gums": Surface((0.61, 0.25, 0.22, 1.0), roughness=0.3, coat=0.4, subsurface=0.4),
    "eye": Surface(
        (0.56, 0.50, 0.46, 1.0), roughness=0.35, coat=1.0, subsurface=0.15, wet=Wet(polish=0.03)
    ),
    "iris": Surface((0.12, 0.07, 0.04, 1.0), roughness=0.45, coat=1.0, wet=Wet()),
    "pupil": Surface((0.002, 0.002, 0.002, 1.0), roughness=0.5, coat=1.0, wet=Wet(specular=0.0)),
    "lashes": Surface((0.012, 0.009, 0.007, 1.0), roughness=0.9, textured=False),
}
# How far light travels under skin: millimetres, in metres.
_SCATTERING = (0.0037, 0.0014, 0.0007)


def surface_kinds(part_names: Sequence[str]) -> tuple[list[str], list[int]]:
    """The kinds of surface that the parts need, and for each part its place among them."""
    wanted = [_kind(name) for name in part_names]
    kinds = list(dict.fromkeys(wanted))
    return kinds, [kinds.index(kind) for kind in wanted]


def new_material(name: str, surface: Surface, albedo: bpy.types.Image | None) -> bpy.types.Material:
    """A Principled material; ``albedo`` gives its colour where there is one and it takes one."""
    material = bpy.data.materials.new(name)
    material[MARK] = True
    if material.node_tree is None:  # Blender 5.0 and later make it at once
        material.use_nodes = True
    material.diffuse_color = surface.color
    material.roughness = surface.roughness
    tree = material.node_tree
    # By type, not by name: node names are translated.
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = surface.color
    shader.inputs["Roughness"].default_value = surface.roughness
    shader.inputs["Coat Weight"].default_value = surface.coat
    shader.inputs["Coat Roughness"].default_value = 0.03
    shader.inputs["Subsurface Weight"].default_value = surface.subsurface
    shader.inputs["Subsurface Radius"].default_value = _SCATTERING
    shader.inputs["Subsurface Scale"].default_value = 1.0
    if surface.group is not None:
        add_group(tree, shader, surface.group)
    if surface.wet is not None:
        make_wet(shader, surface.wet)
    if albedo is not None:
        add_albedo(material, surface, albedo)
    return material


def add_albedo(material: bpy.types.Material, surface: Surface, albedo: bpy.types.Image) -> None:
    """Let the photo's colours be those of a material, where its surface takes them."""
    tree = material.node_tree
    shader = next((node for node in tree.nodes if node.type == "BSDF_PRINCIPLED"), None)
    if shader is None or not surface.textured:
        return
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.image = albedo
    taken = entrance(shader, COLOR)
    texture.location = taken.node.location.x - 320, shader.location.y
    tree.links.new(texture.outputs["Color"], taken)


def _kind(part: str) -> str:
    """``iris_left`` -> ``iris``: sides and jaws share a surface. What is unknown is skin."""
    kind = part.split("_")[0]
    kind = "gums" if kind == "tear" else kind
    return kind if kind in SURFACES else "skin"
