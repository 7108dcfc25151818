"""What a person sees: the sidebar and the preferences. Panels draw what ``operators`` owns."""

import bpy

from . import preferences, sidebar

CLASSES = preferences.CLASSES + sidebar.CLASSES
register, unregister = bpy.utils.register_classes_factory(CLASSES)
