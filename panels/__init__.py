"""What a person sees: the sidebar and the preferences. Panels draw what ``operators`` owns."""

import bpy

from . import (
    hair,
    menus,
    performance,
    preferences,
    sculpt,
    shape,
    sidebar,
    speech,
    surface,
    wrapping,
)

CLASSES = (
    preferences.CLASSES
    + sidebar.CLASSES
    + shape.CLASSES
    + sculpt.CLASSES
    + performance.CLASSES
    + speech.CLASSES
    + wrapping.CLASSES
    + hair.CLASSES
    + surface.CLASSES
)
_register, _unregister = bpy.utils.register_classes_factory(CLASSES)


def register() -> None:
    _register()
    menus.attach()


def unregister() -> None:
    menus.detach()
    _unregister()
