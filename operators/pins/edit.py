"""Edit pins: the head follows points that are dragged over the photo."""

from __future__ import annotations

import bpy
import numpy as np

from ...ml.errors import HeadError
from ...ml.pins.session import Session
from ...ml.pins.shipped import pins_as_text, solver_for, stored_pins
from ..heads import poll_mesh_edit
from ..reporting import ReportsErrors, call_operator
from ..scene.metadata import active_head, photo_records
from ..translations import CONTEXT
from .controls import KEPT, LEFT, PASSES, Controls
from .head import check_can_pin
from .overlay import discs, draw_discs, ui_scale
from .stage import Stage

# Pixels of the screen within which a marker is meant, at a scale of 1.
_REACH = 12.0


class EFFIGY_OT_edit_pins(ReportsErrors, bpy.types.Operator):
    """Drag points of the face to where they are in the photo: the head follows. Pinned points hold, the rest stays a likely face"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.edit_pins"
    bl_label = "Edit pins"
    bl_options = {"REGISTER"}

    photo: bpy.props.IntProperty(
        name="Photo",
        description="Which photo of the person; 0: the one that the head was built from",
        min=0,
        options={"SKIP_SAVE"},
        translation_context=CONTEXT,
    )
    _stage: Stage | None = None
    _controls: Controls | None = None
    _handler: object = None
    _head = ""
    _shown = -1
    _going_on = False

    @classmethod
    def poll(cls, context):
        if context.window_manager.effigy_job.running:
            cls.poll_message_set("Effigy is at work: wait for it to finish, or stop it")
            return False
        return poll_mesh_edit(cls, context)

    def execute(self, context):
        self.report({"ERROR"}, "Pins are edited in a 3D View. Without a window, use Apply pins")
        return {"CANCELLED"}

    def invoke(self, context, event):
        if bpy.app.background or context.area is None or context.area.type != "VIEW_3D":
            return self.execute(context)
        return self._closing(context, lambda: self._begin(context))

    def modal(self, context, event):
        return self._closing(context, lambda: self._take(context, event))

    def cancel(self, context):
        """Blender ends the operator: a file is opened, the window closed."""
        self._finish(context)

    def _closing(self, context, action) -> set[str]:
        """Do ``action``; unless it goes on, no handler, hidden head or camera stays behind it."""
        self._going_on = False
        try:
            return self.guarded(action)
        finally:
            if not self._going_on:
                self._finish(context)

    def _begin(self, context):
        obj = active_head(context)
        check_can_pin(obj)
        records = photo_records(obj)
        if self.photo >= len(records):
            raise HeadError(f"{obj.name} has no photo {self.photo}", "Choose another one")
        session = Session(solver_for(records), stored_pins(records), self.photo)
        self._head, self._controls = obj.name, Controls(session)
        self._stage = Stage(context, obj, context.space_data)
        # Blender draws for all 3D Views: only the one where it began is meant.
        self._handler = bpy.types.SpaceView3D.draw_handler_add(
            self._draw, (context.space_data,), "WINDOW", "POST_PIXEL"
        )
        self._refresh(context)
        self._stage.frame(_window_of(context.area), session.places(session.markers()))
        context.window_manager.modal_handler_add(self)
        return self._go_on("RUNNING_MODAL")

    def _take(self, context, event):
        if context.area is None or context.area.type != "VIEW_3D":
            return {"CANCELLED"}
        region = _window_of(context.area)
        if event.type == "NUMPAD_0" and event.value == "PRESS":
            self._stage.look_through()
            context.area.tag_redraw()
            return self._go_on("RUNNING_MODAL")
        place, reach = self._place(region, event)
        outcome = self._controls.take(event, place, reach)
        if outcome == PASSES:
            context.area.tag_redraw()
            return self._go_on("PASS_THROUGH")
        if outcome in (KEPT, LEFT):
            pins, changed = self._controls.session.pins, self._controls.session.changed
            self._finish(context)
            return self._keep(pins) if outcome == KEPT and changed else {"CANCELLED"}
        self._refresh(context)
        return self._go_on("RUNNING_MODAL")

    def _go_on(self, how: str) -> set[str]:
        self._going_on = True
        return {how}

    def _place(self, region, event) -> tuple[tuple[float, float] | None, float]:
        """Where the mouse is in the photo; None where the view is not the photo's."""
        if not self._stage.through_camera:
            return None, 0.0
        session = self._controls.session
        mouse = event.mouse_x - region.x, event.mouse_y - region.y
        camera = session.solution.cameras[session.photo]
        place, share = self._stage.to_photo(region, camera, mouse)
        return place, _REACH * ui_scale() * share

    def _refresh(self, context) -> None:
        session = self._controls.session
        if session.photo != self._shown:
            self._shown = session.photo
            self._stage.show_photo(session.photo)
        camera = session.solution.cameras[session.photo]
        self._stage.show(session.vertices, camera, self._controls.look)
        context.workspace.status_text_set(self._controls.hints())
        context.area.tag_redraw()

    def _draw(self, space) -> None:
        if bpy.context.space_data != space or self._stage is None:
            return
        session, region = self._controls.session, bpy.context.region
        markers = session.markers()
        if self._stage.through_camera:
            pixels = np.array([marker.position for marker in markers]).reshape(-1, 2)
            camera = session.solution.cameras[session.photo]
            places = self._stage.to_region(region, camera, pixels)
        else:
            places = self._stage.places_in(region, session.places(markers))
        draw_discs(*discs(markers, places, self._controls.hovered, ui_scale()))

    def _keep(self, pins) -> set[str]:
        text = pins_as_text(pins)
        call_operator(bpy.ops.effigy.set_pins, "EXEC_DEFAULT", True, head=self._head, pins=text)
        done = f"{self._head} follows {pins.count} pins"
        try:
            call_operator(bpy.ops.effigy.apply_pins, "INVOKE_DEFAULT")
        except HeadError as error:
            self.report({"WARNING"}, f"{done}, with its old texture and relief. {error}")
        else:
            self.report({"INFO"}, done)
        return {"FINISHED"}

    def _finish(self, context) -> None:
        """Remove all signs of the mode. The only exit, whatever happened."""
        if self._handler is not None:
            bpy.types.SpaceView3D.draw_handler_remove(self._handler, "WINDOW")
            self._handler = None
        if self._stage is not None:
            self._stage.close()
            self._stage = None
        for workspace in bpy.data.workspaces:
            workspace.status_text_set(None)
        if context.area is not None:
            context.area.tag_redraw()


def _window_of(area: bpy.types.Area) -> bpy.types.Region:
    return next(one for one in area.regions if one.type == "WINDOW")


CLASSES = (EFFIGY_OT_edit_pins,)
