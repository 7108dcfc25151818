"""Start and stop a live performance of the selected head."""

from __future__ import annotations

import bpy
import numpy as np

from ...ml.errors import HeadError
from ...ml.geometry.rotations import rotations_from_angles
from ...ml.performance.live import VMC_PORT, LiveFrame, performance_of
from ..heads import poll_head
from ..reporting import ReportsErrors
from ..runtime import check_online
from ..scene.bone_names import EYES, HEAD, pose_bone
from ..scene.expression import set_expression
from ..scene.metadata import active_head, is_head, rig_of
from ..scene.performance import Wanted, put_on
from ..scene.turns import Channel, bone_channels, object_channels
from ..translations import CONTEXT
from .receiver import Receiver, is_local

_TICK = 1 / 60


class _State:
    """The one performance that is live: its receiver and the name of its head."""

    receiver: Receiver | None = None
    head = ""
    turned = True


def live_receiver() -> Receiver | None:
    """What listens now; None where nothing does."""
    return _State.receiver


class EFFIGY_OT_live(ReportsErrors, bpy.types.Operator):
    """Let another program move the selected head: iFacialMocap, or one that sends the VMC protocol. Listens for it until you press Stop"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.live"
    bl_label = "Live performance"
    bl_options = {"REGISTER"}

    address: bpy.props.StringProperty(
        name="Address",
        description="Where to listen; 127.0.0.1: only programs on this computer are heard",
        default="127.0.0.1",
        translation_context=CONTEXT,
    )
    port: bpy.props.IntProperty(
        name="Port",
        description="Where the program sends to: 39539 for VMC, 49983 for iFacialMocap",
        default=VMC_PORT,
        min=1024,
        max=65535,
        translation_context=CONTEXT,
    )
    phone: bpy.props.StringProperty(
        name="Phone",
        description="Address of a phone with iFacialMocap that is asked to send; may be empty",
        translation_context=CONTEXT,
    )
    head_rotation: bpy.props.BoolProperty(
        name="Head rotation",
        description="Also turn the head: its bone, or the object where there is no rig",
        default=True,
        translation_context=CONTEXT,
    )
    record: bpy.props.BoolProperty(
        name="Record",
        description="Keep what comes, as an action, when you press Stop",
        translation_context=CONTEXT,
    )

    @classmethod
    def poll(cls, context):
        if _State.receiver is not None:
            cls.poll_message_set("A performance is live already: stop it first")
            return False
        return poll_head(cls, context)

    def invoke(self, context, event):
        # A person agrees to it each time: others can reach what listens.
        return context.window_manager.invoke_props_dialog(self, width=360)

    def run(self, context):
        if not is_local(self.address) or self.phone:
            check_online("no other computer or phone is heard", "listen at 127.0.0.1")
        _State.receiver = Receiver(self.address, self.port, self.phone, self.record)
        _State.head, _State.turned = active_head(context).name, self.head_rotation
        bpy.app.timers.register(_tick, first_interval=_TICK, persistent=False)
        self.report({"INFO"}, f"Listening at {self.address}, port {self.port}")
        return {"FINISHED"}


class EFFIGY_OT_live_stop(ReportsErrors, bpy.types.Operator):
    """Stop listening; what was recorded becomes an action of the head, at the scene's frame rate"""

    bl_idname = "effigy.live_stop"
    bl_label = "Stop"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        return _State.receiver is not None

    def run(self, context):
        receiver, obj = _State.receiver, bpy.data.objects.get(_State.head)
        close_live()
        if not receiver.recording:
            self.report({"INFO"}, f"Stopped: {receiver.received} frames came")
            return {"FINISHED"}
        performance = performance_of(receiver.times, receiver.frames)
        if performance is None:
            raise HeadError(
                f"Nothing was recorded: {receiver.received} frames came",
                "Check address and port in the program that sends, and the firewall",
            )
        if not is_head(obj):
            raise HeadError("The head is gone", "Undo what removed it")
        wanted = Wanted("Live", context.scene.frame_current, _State.turned)
        count, _ = put_on(context.scene, obj, performance, wanted)
        self.report({"INFO"}, f"Recorded {count} frames on {obj.name}")
        return {"FINISHED"}


def close_live() -> None:
    """Stop listening, if anything does."""
    if _State.receiver is not None:
        _State.receiver.close()
        _State.receiver = None
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)


def _tick() -> float | None:
    """Blender calls this; None ends it."""
    receiver, obj = _State.receiver, bpy.data.objects.get(_State.head)
    if receiver is None:
        return None
    if not is_head(obj):
        close_live()
        return None
    frame = receiver.newest()
    if frame is not None:
        show(obj, frame, turned=_State.turned)
    return _TICK


def show(obj: bpy.types.Object, frame: LiveFrame, *, turned: bool) -> None:
    """Let a head look as ``frame`` says; ``turned``: its head and its eyes' bones, too."""
    keys = obj.data.shape_keys.key_blocks if obj.data.shape_keys else {}
    for name, value in frame.values.items():
        if name in keys:
            set_expression(obj, keys[name], value)
    rig = rig_of(obj)
    if turned and frame.head is not None:
        turn = rotations_from_angles(frame.head)[None]
        bones = pose_bone(rig, HEAD) is not None
        _set(bone_channels(rig, HEAD, turn) if bones else object_channels(obj, turn))
    gaze = any(name.startswith("eyeLook") for name in frame.values)
    if rig is not None and frame.eyes is not None and not gaze:
        for name, angles in zip(EYES, frame.eyes, strict=True):
            _set(bone_channels(rig, name, rotations_from_angles(angles)[None]))


def _set(channels: object) -> None:
    channel: Channel
    for channel in channels or ():
        channel.owner.path_resolve(channel.path)[channel.index] = float(np.ravel(channel.values)[0])


CLASSES = (EFFIGY_OT_live, EFFIGY_OT_live_stop)
