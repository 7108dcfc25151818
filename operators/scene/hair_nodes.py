"""The geometry nodes of hair: strands follow the skin, and have their length and colour."""

from __future__ import annotations

from typing import Any

import bpy

from .mesh import UV_LAYER

NAME = "Effigy hair"
# Attributes of the strands: what the photo gave, and with tint and lightness, for the material.
COLOUR, SHADE = "colour", "shade"
SURFACE_UV, REST = "surface_uv_coordinate", "rest_position"
SHOWN, LENGTH, TINT, LIGHTNESS, SURFACE = "Shown", "Length", "Tint", "Lightness", "Surface"
DENSITY = "Density"
_INPUTS = (
    (SHOWN, "NodeSocketBool", True),
    (LENGTH, "NodeSocketFloat", 1.0),
    (TINT, "NodeSocketColor", (1.0, 1.0, 1.0, 1.0)),
    (LIGHTNESS, "NodeSocketFloat", 0.0),
    (SURFACE, "NodeSocketObject", None),
    (DENSITY, "NodeSocketInt", 1),
)
# How far from a strand's root those round it are rooted, each way in the UV map: about 2 mm.
_SPREAD = 0.0045
# Metres between them beyond which there is a seam of the map in between.
_SEAM = 0.006
# Of the node group; later versions of it get another one beside the old, which files still use.
_VERSION = 2
_MARK = "effigy_hair_nodes"


class _Tree:
    """A node tree that is being made, left to right."""

    def __init__(self, tree: bpy.types.NodeTree) -> None:
        self.tree = tree

    def add(self, kind: str, inputs: dict[str | int, Any] | None = None, **settings: Any):
        """A node with settings, and its inputs: values, or outputs of other nodes."""
        node = self.tree.nodes.new(kind)
        node.location = 180 * (len(self.tree.nodes) % 12), -220 * (len(self.tree.nodes) // 12)
        for name, value in settings.items():
            setattr(node, name, value)
        for name, value in (inputs or {}).items():
            socket = self._socket(node, name)
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, socket)
            else:
                socket.default_value = value
        return node

    @staticmethod
    def _socket(node: bpy.types.Node, name: str | int) -> bpy.types.NodeSocket:
        """By number, or the one of that name which is in use: nodes have one for each type."""
        if isinstance(name, int):
            return [each for each in node.inputs if each.enabled][name]
        return next(each for each in node.inputs if each.name == name and each.enabled)

    def named(self, name: str, kind: str) -> bpy.types.NodeSocket:
        return _out(self.add("GeometryNodeInputNamedAttribute", {"Name": name}, data_type=kind))

    def vector(self, operation: str, *inputs: Any) -> bpy.types.NodeSocket:
        node = self.add("ShaderNodeVectorMath", dict(enumerate(inputs)), operation=operation)
        return _out(node)

    def math(self, operation: str, *inputs: Any) -> bpy.types.NodeSocket:
        return _out(self.add("ShaderNodeMath", dict(enumerate(inputs)), operation=operation))

    def choose(self, kind: str, which: Any, no: Any, yes: Any) -> bpy.types.NodeSocket:
        inputs = {"Switch": which, "False": no, "True": yes}
        return _out(self.add("GeometryNodeSwitch", inputs, input_type=kind))


def hair_nodes() -> bpy.types.NodeTree:
    """The node group of all hair, which is made where the file has none."""
    for tree in bpy.data.node_groups:
        if tree.get(_MARK) == _VERSION and tree.library is None:
            return tree
    tree = bpy.data.node_groups.new(NAME, "GeometryNodeTree")
    tree[_MARK] = _VERSION
    tree.is_modifier = True
    try:
        _fill(tree)
    except BaseException:
        bpy.data.node_groups.remove(tree)
        raise
    return tree


def identifiers(tree: bpy.types.NodeTree) -> dict[str, str]:
    """Under which name a modifier has each input of its nodes."""
    return {
        item.name: item.identifier
        for item in tree.interface.items_tree
        if item.item_type == "SOCKET" and item.in_out == "INPUT"
    }


def _fill(tree: bpy.types.NodeTree) -> None:
    tree.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    for name, kind, default in _INPUTS:
        socket = tree.interface.new_socket(name, in_out="INPUT", socket_type=kind)
        if default is not None:
            socket.default_value = default
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    build = _Tree(tree)
    given = build.add("NodeGroupInput").outputs
    strands = _multiplied(build, given["Geometry"], given)
    strands = _on_surface(build, strands, given[SURFACE])
    strands = _out(build.add("GeometryNodeDeformCurvesOnSurface", {0: strands}))
    strands = _of_length(build, strands, given[LENGTH])
    strands = _coloured(build, strands, given)
    shown = build.add("GeometryNodeSwitch", {"Switch": given[SHOWN]}, input_type="GEOMETRY")
    tree.links.new(strands, build._socket(shown, "True"))
    build.add("NodeGroupOutput", {0: _out(shown)})


def _multiplied(build: _Tree, strands: Any, given: Any) -> bpy.types.NodeSocket:
    """Strands round each one, rooted beside it: a head has ten times as many as can be edited."""
    # Half of them in the viewport, where they are made anew at each change.
    half = build.math("CEIL", build.math("MULTIPLY", given[DENSITY], 0.5))
    viewport = _out(build.add("GeometryNodeIsViewport"))
    amount = build.choose("INT", viewport, given[DENSITY], half)
    copies = build.add(
        "GeometryNodeDuplicateElements", {0: strands, "Amount": amount}, domain="SPLINE"
    )
    lowest, highest = ((sign * _SPREAD, sign * _SPREAD, 0.0) for sign in (-1, 1))
    away = build.add(
        "FunctionNodeRandomValue", {"Min": lowest, "Max": highest}, data_type="FLOAT_VECTOR"
    )
    # The first is the strand itself.
    other = build.math("MINIMUM", copies.outputs["Duplicate Index"], 1.0)
    own = build.named(SURFACE_UV, "FLOAT_VECTOR")
    beside = build.vector("ADD", own, build.vector("MULTIPLY", _out(away), other))
    here, _ = _skin_at(build, given[SURFACE], own)
    there, valid = _skin_at(build, given[SURFACE], beside)
    apart = build.vector("DISTANCE", here, there)
    near = build.math("MULTIPLY", build.math("LESS_THAN", apart, _SEAM), valid)
    stored = build.add(
        "GeometryNodeStoreNamedAttribute",
        {
            "Geometry": copies.outputs["Geometry"],
            "Name": SURFACE_UV,
            "Value": build.choose("VECTOR", near, own, beside),
        },
        data_type="FLOAT2",
        domain="CURVE",
    )
    return _out(stored)


def _skin_at(build: _Tree, surface: Any, uv: Any) -> tuple[bpy.types.NodeSocket, Any]:
    """The place of the skin at rest at places of its UV map, and whether it has these."""
    skin = build.add("GeometryNodeObjectInfo", {"Object": surface}).outputs["Geometry"]
    rest = build.add("GeometryNodeInputNamedAttribute", {"Name": REST}, data_type="FLOAT_VECTOR")
    # A mesh without places at rest: as it is, so that hair is not drawn to the origin.
    place = build.choose(
        "VECTOR", rest.outputs["Exists"], _out(build.add("GeometryNodeInputPosition")), _out(rest)
    )
    sampled = build.add(
        "GeometryNodeSampleUVSurface",
        {0: skin, 1: place, 2: build.named(UV_LAYER, "FLOAT_VECTOR"), 3: uv},
        data_type="FLOAT_VECTOR",
    )
    return _out(sampled), next(each for each in sampled.outputs if each.name == "Is Valid")


def _on_surface(build: _Tree, strands: Any, surface: Any) -> bpy.types.NodeSocket:
    """Move each strand so that its root lies on the skin at rest, however that was sculpted."""
    place, valid = _skin_at(build, surface, build.named(SURFACE_UV, "FLOAT_VECTOR"))
    way = build.vector("MULTIPLY", build.vector("SUBTRACT", place, _at_end(build, 0)), valid)
    # Once for each strand, not for each of its points.
    way = _out(
        build.add("GeometryNodeFieldOnDomain", {0: way}, data_type="FLOAT_VECTOR", domain="CURVE")
    )
    return _out(build.add("GeometryNodeSetPosition", {"Geometry": strands, "Offset": way}))


def _at_end(build: _Tree, end: int) -> bpy.types.NodeSocket:
    """The place of the root (0) or the tip (-1) of each strand."""
    number = _out(build.add("GeometryNodeInputIndex"))
    point = build.add("GeometryNodePointsOfCurve", {"Curve Index": number, "Sort Index": end})
    return _out(
        build.add(
            "GeometryNodeFieldAtIndex",
            {
                "Index": point.outputs["Point Index"],
                "Value": _out(build.add("GeometryNodeInputPosition")),
            },
            data_type="FLOAT_VECTOR",
            domain="POINT",
        )
    )


def _of_length(build: _Tree, strands: Any, length: Any) -> bpy.types.NodeSocket:
    """Cut strands off, or let them grow on in the way that they end."""
    share = build.math("MINIMUM", length, 1.0)
    cut = _out(build.add("GeometryNodeTrimCurve", {"Curve": strands, "End": share}, mode="FACTOR"))
    along = build.add("GeometryNodeSplineParameter").outputs["Factor"]
    which = build.add("GeometryNodeCurveOfPoint").outputs["Curve Index"]
    tip = build.add(
        "GeometryNodeSampleCurve",
        {"Curves": strands, "Factor": 1.0, "Curve Index": which},
        mode="FACTOR",
    )
    # Squared: the root stays, and what is near it hardly moves.
    whole = build.add("GeometryNodeSplineLength").outputs["Length"]
    grown = build.math("MULTIPLY", build.math("SUBTRACT", length, 1.0), whole)
    far = build.math("MULTIPLY", build.math("MULTIPLY", along, along), grown)
    way = build.add(
        "ShaderNodeVectorMath", {0: tip.outputs["Tangent"], "Scale": far}, operation="SCALE"
    )
    longer = _out(build.add("GeometryNodeSetPosition", {"Geometry": strands, "Offset": _out(way)}))
    is_cut, is_grown = (
        _out(build.add("FunctionNodeCompare", {0: length, 1: 1.0}, operation=each))
        for each in ("LESS_THAN", "GREATER_THAN")
    )
    strands = build.choose("GEOMETRY", is_grown, strands, longer)
    return build.choose("GEOMETRY", is_cut, strands, cut)


def _coloured(build: _Tree, strands: Any, given: Any) -> bpy.types.NodeSocket:
    """Store the shade: the photo's colour, lighter or darker by an exponent, times the tint."""
    parts = build.add("FunctionNodeSeparateColor", {0: build.named(COLOUR, "FLOAT_COLOR")})
    tints = build.add("FunctionNodeSeparateColor", {0: given[TINT]})
    exponent = build.math("POWER", 2.0, build.math("MULTIPLY", given[LIGHTNESS], -1.0))
    shades = [
        build.math("MULTIPLY", build.math("POWER", part, exponent), tint)
        for part, tint in zip(list(parts.outputs)[:3], list(tints.outputs)[:3], strict=True)
    ]
    shade = build.add("FunctionNodeCombineColor", dict(enumerate(shades)))
    stored = build.add(
        "GeometryNodeStoreNamedAttribute",
        {"Geometry": strands, "Name": SHADE, "Value": _out(shade)},
        data_type="FLOAT_COLOR",
        domain="CURVE",
    )
    return _out(stored)


def _out(node: bpy.types.Node) -> bpy.types.NodeSocket:
    """The first output of a node that is in use."""
    return next(each for each in node.outputs if each.enabled)
