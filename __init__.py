"""Effigy: one portrait photo becomes a textured, rigged 3D head."""


def register() -> None:
    # Imported here, not above: tools that only collect this folder must not need Blender.
    from . import operators, panels

    operators.register()
    panels.register()


def unregister() -> None:
    from . import operators, panels

    panels.unregister()
    operators.unregister()
