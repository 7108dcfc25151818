"""What a person sees: the sidebar, the preferences, and the settings behind them."""

import bpy

from ..operators import settings as properties
from . import preferences, sidebar

CLASSES = properties.CLASSES + preferences.CLASSES + sidebar.CLASSES
_register, _unregister = bpy.utils.register_classes_factory(CLASSES)


def register() -> None:
    _register()
    properties.attach()


def unregister() -> None:
    properties.detach()
    _unregister()
