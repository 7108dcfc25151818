"""Node groups that all heads share: what skin and teeth do to the photo's colours.

A group stands between a material's images and its Principled BSDF. An input and an output of one
name belong together: with the other inputs as they are made, what goes in comes out. Exporters
know nothing of groups; :mod:`.plain_materials` takes them out, :mod:`.bake` writes them as maps.

A file has one group of each kind and version. What an older Effigy made stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import bpy

from .node_builder import NodeBuilder, Value
from .skin_attributes import CAVITY, FLUSH, OIL, THIN

# On each group that Effigy made: its kind and version.
MARK = "effigy_group"
COLOR, NORMAL = "Base Color", "Normal"

# Cells of pores, of oily and dry patches and of age spots across the texture.
_PORES, _PATCHES, _SPOTS = 420.0, 18.0, 55.0
# Depth of pores, metres.
_DEPTH = 0.00006
# What a tone of 1, a redness of 1 and a spot of age add to the exponents of red, green and blue:
# more of the skin's pigments absorbs more, and what is below 1 stays so.
_MELANIN, _BLOOD, _SPOT = (0.45, 0.40, 0.35), (-0.06, 0.42, 0.30), (0.16, 0.24, 0.28)
# Roughness of dry and of oily skin, of the whole and of the coat.
_DRY, _OILY, _COAT_DRY, _COAT_OILY = 0.66, 0.44, 0.5, 0.28


@dataclass(frozen=True)
class Slider:
    """An input of a group that a person sets."""

    name: str
    default: float
    low: float
    high: float
    help: str


@dataclass(frozen=True)
class Group:
    """A node group of Effigy's.

    Attributes
    ----------
    version: goes up with every change to the nodes. fill: makes these, given the inputs by name,
        and returns the outputs by name; all are inputs of the Principled BSDF.
    """

    name: str
    version: int
    sliders: tuple[Slider, ...]
    fill: Callable[[NodeBuilder, dict[str, bpy.types.NodeSocket]], dict[str, Value]]
    bends: bool = False


def _fill_skin(build: NodeBuilder, given: dict[str, bpy.types.NodeSocket]) -> dict[str, Value]:
    age, thin, cavity = given["Age"], build.attribute(THIN), build.attribute(CAVITY)
    place = build.node("ShaderNodeUVMap", {}).outputs["UV"]
    patches = _noise(build, place, _PATCHES)
    oil = build.product(
        given["Oil"],
        build.math("MULTIPLY_ADD", age, -0.5, 1.0),
        build.math("MULTIPLY_ADD", build.attribute(OIL), 0.6, 1.0),
    )
    shine = build.clamped(build.sum(oil, build.math("MULTIPLY_ADD", patches, 0.7, -0.35)))
    rough = build.math("MULTIPLY_ADD", shine, _OILY - _DRY, _DRY)
    return {
        COLOR: _skin_color(build, given, place),
        "Roughness": build.clamped(build.math("MULTIPLY_ADD", cavity, 0.15, rough)),
        "Specular IOR Level": build.math("MULTIPLY_ADD", cavity, -0.35, 0.5),
        "Subsurface Weight": build.math("MULTIPLY_ADD", thin, 0.2, 0.15),
        "Coat Weight": build.product(oil, 0.24),
        "Coat Roughness": build.math("MULTIPLY_ADD", shine, _COAT_OILY - _COAT_DRY, _COAT_DRY),
        **_skin_normals(build, given, place, thin),
    }


def _skin_color(build: NodeBuilder, given: dict[str, bpy.types.NodeSocket], place: Value) -> Value:
    spots = build.product(given["Age"], build.ramp(_noise(build, place, _SPOTS), 0.52, 0.68))
    flush = build.math("MULTIPLY_ADD", build.attribute(FLUSH), 0.65, 0.35)
    blood = build.product(given["Redness"], flush)
    exponents = []
    for melanin, red, spot in zip(_MELANIN, _BLOOD, _SPOT, strict=True):
        toned = build.math("MULTIPLY_ADD", given["Tone"], melanin, 1.0)
        reddened = build.math("MULTIPLY_ADD", blood, red, toned)
        exponents.append(build.math("MULTIPLY_ADD", spots, spot, reddened))
    return build.powers(given[COLOR], tuple(exponents))


def _skin_normals(
    build: NodeBuilder, given: dict[str, bpy.types.NodeSocket], place: Value, thin: Value
) -> dict[str, Value]:
    """Pores on the skin and its coat; ``given`` normals are (0, 0, 0) where nothing is linked."""
    length = build.node("ShaderNodeVectorMath", {0: given[NORMAL]}, operation="LENGTH")
    linked = build.math("GREATER_THAN", length.outputs["Value"], 0.5)
    surface = build.node("ShaderNodeNewGeometry", {}).outputs["Normal"]
    mix = build.node("ShaderNodeMix", {0: linked}, data_type="VECTOR")
    build.give(mix.inputs[4], surface)
    build.give(mix.inputs[5], given[NORMAL])
    holes = build.node("ShaderNodeTexVoronoi", {"Vector": place, "Scale": _PORES})
    round_holes = build.ramp(holes.outputs["Distance"], 0.0, 0.55)
    height = build.sum(round_holes, _noise(build, place, 1.6 * _PORES))
    # Lips, lids and ears have next to none; old skin is coarser.
    depth = build.product(
        given["Pores"],
        _DEPTH,
        build.math("MULTIPLY_ADD", thin, -0.8, 1.0),
        build.math("MULTIPLY_ADD", given["Age"], 0.8, 1.0),
    )
    bump = build.node(
        "ShaderNodeBump",
        {"Strength": 1.0, "Distance": depth, "Height": height, "Normal": mix.outputs[1]},
    ).outputs[0]
    return {NORMAL: bump, "Coat Normal": bump}


def _fill_teeth(build: NodeBuilder, given: dict[str, bpy.types.NodeSocket]) -> dict[str, Value]:
    white, wet = given["Whiteness"], given["Wetness"]
    exponents = tuple(build.math("MULTIPLY_ADD", white, -share, 1.0) for share in (0.25, 0.35, 0.6))
    return {
        COLOR: build.powers(given[COLOR], exponents),
        "Roughness": build.math("MULTIPLY_ADD", wet, -0.2, 0.3),
        "Coat Weight": build.product(wet, 0.6),
    }


def _noise(build: NodeBuilder, place: Value, scale: float) -> bpy.types.NodeSocket:
    inputs: dict[str | int, Value] = {"Vector": place, "Scale": scale, "Detail": 2.0}
    return build.node("ShaderNodeTexNoise", inputs).outputs[0]


SKIN = Group(
    "Effigy skin",
    1,
    (
        Slider("Tone", 0.0, -1.0, 1.0, "Darker or, below 0, lighter than in the photo"),
        Slider(
            "Redness", 0.0, -1.0, 1.0, "More or less blood, most of it in cheeks, nose and ears"
        ),
        Slider("Oil", 0.5, 0.0, 1.0, "How much the skin shines, forehead and nose most"),
        Slider("Age", 0.0, 0.0, 1.0, "Age spots, coarser and drier skin"),
        Slider("Pores", 1.0, 0.0, 2.0, "Depth of the pores"),
    ),
    _fill_skin,
    bends=True,
)
TEETH = Group(
    "Effigy teeth",
    1,
    (
        Slider("Whiteness", 0.0, -1.0, 1.0, "Whiter or, below 0, yellower than in the photo"),
        Slider("Wetness", 0.5, 0.0, 1.0, "How much the teeth shine"),
    ),
    _fill_teeth,
)


def group_tree(group: Group) -> bpy.types.NodeTree:
    """The tree of ``group``: the file's own where it has one, else a new one."""
    mark = f"{group.name} {group.version}"
    for tree in bpy.data.node_groups:
        if tree.get(MARK) == mark and tree.library is None and tree.override_library is None:
            return tree
    tree = bpy.data.node_groups.new(group.name, "ShaderNodeTree")
    tree[MARK] = mark
    _declare(tree, COLOR, "NodeSocketColor", "What the photo shows")
    if group.bends:
        _declare(tree, NORMAL, "NodeSocketVector", "Normal map of the relief").hide_value = True
    for slider in group.sliders:
        item = _declare(tree, slider.name, "NodeSocketFloat", slider.help)
        item.default_value, item.min_value, item.max_value = slider.default, slider.low, slider.high
    build = NodeBuilder(tree)
    entry, leave = (tree.nodes.new(f"NodeGroup{way}") for way in ("Input", "Output"))
    given = {socket.name: socket for socket in entry.outputs if socket.name}
    for name, value in group.fill(build, given).items():
        kind = "Color" if name == COLOR else "Vector" if NORMAL in name else "Float"
        tree.interface.new_socket(name, in_out="OUTPUT", socket_type=f"NodeSocket{kind}")
        build.give(leave.inputs[name], value)
    leave.location.x = max(node.location.x for node in tree.nodes) + 250
    return tree


def _declare(
    tree: bpy.types.NodeTree, name: str, kind: str, help_text: str
) -> bpy.types.NodeTreeInterfaceSocket:
    item = tree.interface.new_socket(name, in_out="INPUT", socket_type=kind)
    item.description = help_text
    return item


def add_group(tree: bpy.types.NodeTree, shader: bpy.types.Node, group: Group) -> bpy.types.Node:
    """Put ``group`` before a Principled BSDF, which loses no link: the group takes them over."""
    node = tree.nodes.new("ShaderNodeGroup")
    node.node_tree = group_tree(group)
    node.label, node.width = group.name, 220
    node.location = shader.location.x - 300, shader.location.y
    for output in node.outputs:
        socket, taken = shader.inputs[output.name], node.inputs.get(output.name)
        if taken is not None and socket.type != "VECTOR":
            taken.default_value = socket.default_value
        if taken is not None and socket.is_linked:
            tree.links.new(socket.links[0].from_socket, taken)
        tree.links.new(output, socket)
    return node


def group_node(material: bpy.types.Material | None, group: Group) -> bpy.types.Node | None:
    """The node of ``group``, of whatever version, in a material; None where it has none."""
    tree = material.node_tree if material is not None else None
    return next((node for node in (tree.nodes if tree else ()) if _is(node, group)), None)


def remove_unused_groups() -> None:
    """Remove the file's groups of Effigy's that no material uses."""
    for tree in list(bpy.data.node_groups):
        if MARK in tree and tree.library is None and not tree.users:
            bpy.data.node_groups.remove(tree)


def is_group(node: bpy.types.Node) -> bool:
    """Whether ``node`` is a group of Effigy's."""
    return node.type == "GROUP" and node.node_tree is not None and MARK in node.node_tree


def _is(node: bpy.types.Node, group: Group) -> bool:
    return is_group(node) and str(node.node_tree[MARK]).startswith(f"{group.name} ")


def entrance(shader: bpy.types.Node, name: str) -> bpy.types.NodeSocket:
    """Where what is to reach an input of ``shader`` goes in: there, or before what changes it."""
    socket = shader.inputs[name]
    while socket.is_linked and socket.name in socket.links[0].from_node.inputs:
        socket = socket.links[0].from_node.inputs[socket.name]
    return socket
