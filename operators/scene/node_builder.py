"""Shader node groups from short code: nodes are made, set and laid out in columns."""

from __future__ import annotations

import bpy

# What an input takes: a constant, several, or another node's output.
Value = float | tuple[float, ...] | bpy.types.NodeSocket
_COLUMN, _ROW, _ROWS = 190, 170, 7


class NodeBuilder:
    """Adds nodes to one tree; each method returns the new node's output."""

    def __init__(self, tree: bpy.types.NodeTree) -> None:
        self.tree = tree

    def node(self, kind: str, inputs: dict[str | int, Value], **settings: object) -> bpy.types.Node:
        """A node of type ``kind``; ``inputs`` by name or number, ``settings`` its properties."""
        node = self.tree.nodes.new(kind)
        column, row = divmod(len(self.tree.nodes) - 2, _ROWS)
        node.location = _COLUMN * (column + 1), -_ROW * row
        for name, value in settings.items():
            setattr(node, name, value)
        for key, value in inputs.items():
            self.give(node.inputs[key], value)
        return node

    def give(self, socket: bpy.types.NodeSocket, value: Value) -> None:
        """Set an input, or link an output to it."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        else:
            socket.default_value = value

    def math(self, operation: str, *values: Value) -> bpy.types.NodeSocket:
        inputs = dict(enumerate(values))
        return self.node("ShaderNodeMath", inputs, operation=operation).outputs[0]

    def sum(self, first: Value, *others: Value) -> Value:
        """The sum of all."""
        for other in others:
            first = self.math("ADD", first, other)
        return first

    def product(self, first: Value, *others: Value) -> Value:
        """The product of all."""
        for other in others:
            first = self.math("MULTIPLY", first, other)
        return first

    def clamped(self, value: Value, low: float = 0.0, high: float = 1.0) -> bpy.types.NodeSocket:
        """``value``, no less than ``low`` and no more than ``high``."""
        inputs = {"Value": value, "Min": low, "Max": high}
        return self.node("ShaderNodeClamp", inputs).outputs[0]

    def ramp(self, value: Value, low: float, high: float) -> bpy.types.NodeSocket:
        """0 at ``low`` to 1 at ``high`` of ``value``, clamped."""
        inputs = {"Value": value, "From Min": low, "From Max": high}
        return self.node("ShaderNodeMapRange", inputs).outputs[0]

    def attribute(self, name: str) -> bpy.types.NodeSocket:
        """A number on the mesh's vertices; 0 on a mesh without it."""
        return self.node("ShaderNodeAttribute", {}, attribute_name=name).outputs["Fac"]

    def powers(self, color: Value, exponents: tuple[Value, Value, Value]) -> bpy.types.NodeSocket:
        """``color`` with each channel raised to its own exponent."""
        split = self.node("ShaderNodeSeparateColor", {"Color": color})
        raised = [
            self.math("POWER", channel, exponent)
            for channel, exponent in zip(split.outputs, exponents, strict=True)
        ]
        return self.node("ShaderNodeCombineColor", dict(enumerate(raised))).outputs[0]
