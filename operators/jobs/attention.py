"""What the person selected and looked at when a job began, so that it is not taken from them."""

from __future__ import annotations

import bpy


class Attention:
    """Remembers the selection and the 3D View of ``context``.

    Parameters
    ----------
    single: whether one head is expected, which may become the selection. Several heads never do:
        the person works on while they are made.
    """

    def __init__(self, context: bpy.types.Context, *, single: bool) -> None:
        self._single = single
        self._selection = _selection(context)
        self._view = _view(context)

    def may_select(self, context: bpy.types.Context) -> bool:
        """Whether a new head may become the selection: the person has not chosen another."""
        return self._single and _selection(context) == self._selection

    def selected(self, context: bpy.types.Context) -> None:
        """Note that the selection is now Effigy's own."""
        self._selection = _selection(context)

    def may_frame(self, context: bpy.types.Context) -> bool:
        """Whether the view may go to the new head: it stands still and is not a camera's."""
        if not self.may_select(context) or self._view is None or _view(context) != self._view:
            return False
        return context.space_data.region_3d.view_perspective != "CAMERA"


def _selection(context: bpy.types.Context) -> tuple[str, frozenset[str]]:
    layer = context.view_layer
    active = layer.objects.active
    return active.name if active else "", frozenset(obj.name for obj in layer.objects.selected)


def _view(context: bpy.types.Context) -> tuple[float, ...] | None:
    space = context.space_data
    if space is None or space.type != "VIEW_3D" or space.region_3d is None:
        return None
    return tuple(value for row in space.region_3d.view_matrix for value in row)
