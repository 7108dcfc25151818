"""What a person can do: one user action a module, and the command line."""

import bpy

from . import (
    batch,
    build,
    command_line,
    export,
    expression,
    photo_view,
    reconstruct,
    rig,
)
from . import (
    runtime as surroundings,
)
from .engine import operators as engine

_MODULES = (reconstruct, batch, build, expression, rig, photo_view, export, engine)
CLASSES = tuple(cls for module in _MODULES for cls in module.CLASSES)
_register, _unregister = bpy.utils.register_classes_factory(CLASSES)
# The handle that Blender gives for the command, to take it back with.
_commands: list[object] = []


def register() -> None:
    _register()
    surroundings.engine.open()
    _commands.append(bpy.utils.register_cli_command(command_line.NAME, command_line.run))


def unregister() -> None:
    while _commands:
        bpy.utils.unregister_cli_command(_commands.pop())
    surroundings.engine.close()
    _unregister()
