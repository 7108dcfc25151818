"""What a person can do in Blender: one user action per module, the settings, the command line."""

import bpy

from . import (
    add_head,
    animate,
    asset,
    bake,
    batch,
    bone_names,
    build,
    change,
    command_line,
    consent,
    control_board,
    dress,
    export,
    expression,
    hair,
    manual,
    performance,
    photo_view,
    reconstruct,
    rig,
    saving,
    sculpt,
    setting_presets,
    settings,
    translations,
)
from .engine import operators as engine_operators
from .engine import warming
from .engine.background import close_background, open_background
from .jobs.status import clear_status
from .live import live
from .pins import apply as pins_apply
from .pins import edit as pins_edit
from .runtime import engine
from .shape import actions as shape_actions
from .shape import properties as shape_properties
from .speech import load as speech_load
from .speech import visemes as speech_visemes
from .wrapping import marks as wrapping_marks
from .wrapping import wrap as wrapping_wrap

_ACTIONS = (reconstruct, batch, build, add_head, expression, rig, photo_view, export, bake)
_ACTIONS += (bone_names, control_board)
_ACTIONS += (asset, setting_presets, pins_apply, pins_edit, shape_actions, sculpt, change, dress)
_ACTIONS += (performance, speech_visemes, speech_load, wrapping_marks, wrapping_wrap)
_ACTIONS += (live, hair, animate, consent)
_ACTIONS += (engine_operators,)
CLASSES = tuple(cls for module in (settings, shape_properties, *_ACTIONS) for cls in module.CLASSES)
_register, _unregister = bpy.utils.register_classes_factory(CLASSES)
# The handle by which Blender takes the command back.
_commands: list[object] = []


def register() -> None:
    translations.attach()
    _register()
    settings.attach()
    shape_properties.attach()
    saving.attach()
    setting_presets.attach()
    manual.attach()
    engine.open()
    open_background()
    _commands.append(bpy.utils.register_cli_command(command_line.NAME, command_line.run))


def unregister() -> None:
    while _commands:
        bpy.utils.unregister_cli_command(_commands.pop())
    live.close_live()
    warming.close()
    close_background()
    clear_status()  # of a job that is cut off
    engine.close()
    manual.detach()
    setting_presets.detach()
    saving.detach()
    shape_properties.detach()
    settings.detach()
    _unregister()
    translations.detach()
