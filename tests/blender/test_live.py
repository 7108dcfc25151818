"""A head that another program moves: what is heard, what is shown, what is recorded."""

from __future__ import annotations

import socket
import time
from types import SimpleNamespace

import numpy as np
import pytest

from ml.head.arkit import EXPRESSION_NAMES


@pytest.fixture
def live(module, built_head):
    """The modules, a free port of this computer, and a socket that sends to it."""
    operators = module("operators.live.live")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    yield SimpleNamespace(
        operators=operators,
        port=port,
        send=lambda data: sender.sendto(data, ("127.0.0.1", port)),
    )
    operators.close_live()
    sender.close()


def line(jaw, turn=0):
    values = "|".join(f"{name}-{jaw if name == 'jawOpen' else 0}" for name in EXPRESSION_NAMES)
    return f"{values}|=head#0,{turn},0,0,0,0|rightEye#0,0,0|leftEye#0,0,0|".encode()


def heard(live):
    """What the timer does until the datagrams that were sent are there."""
    receiver = live.operators.live_receiver()
    before, until = receiver.received, time.monotonic() + 5
    while receiver.received == before and time.monotonic() < until:
        live.operators._tick()


def test_what_comes_moves_the_head(bpy, built_head, live):
    assert bpy.ops.effigy.live(port=live.port) == {"FINISHED"}
    live.send(b"nothing of a face")
    live.send(line(40, turn=30))
    heard(live)
    keys = built_head.data.shape_keys.key_blocks
    assert keys["jawOpen"].value == pytest.approx(0.4)
    assert abs(built_head.delta_rotation_euler.z) == pytest.approx(np.radians(30), abs=1e-4)
    assert bpy.ops.effigy.live_stop() == {"FINISHED"}
    assert live.operators.live_receiver() is None
    assert not bpy.app.timers.is_registered(live.operators._tick)


def test_a_rig_is_moved_by_its_bones(bpy, rigged, live):
    bpy.ops.effigy.live(port=live.port)
    live.send(line(40, turn=30))
    heard(live)
    bpy.context.view_layer.update()
    keys = rigged.obj.data.shape_keys.key_blocks
    assert keys["jawOpen"].value == pytest.approx(0.4)
    bone = rigged.rig.pose.bones["head"]
    turned = bone.matrix.to_3x3() @ bone.bone.matrix_local.to_3x3().inverted()
    assert turned.to_quaternion().angle == pytest.approx(np.radians(30), abs=1e-3)
    assert tuple(rigged.obj.delta_rotation_euler) == (0, 0, 0)


def test_a_recording_becomes_an_action(bpy, built_head, live):
    bpy.ops.effigy.live(port=live.port, record=True)
    for jaw in (0, 50, 100):
        live.send(line(jaw))
        heard(live)
        time.sleep(0.02)
    assert bpy.ops.effigy.live_stop() == {"FINISHED"}
    action = built_head.data.shape_keys.animation_data.action
    assert action.name.startswith("Live")
    values = []
    for frame in range(1, 4):
        bpy.context.scene.frame_set(frame)
        values.append(built_head.data.shape_keys.key_blocks["jawOpen"].value)
    assert max(values) > values[0]


def test_a_recording_without_frames_says_so(bpy, built_head, live):
    bpy.ops.effigy.live(port=live.port, record=True)
    with pytest.raises(RuntimeError, match="Nothing was recorded"):
        bpy.ops.effigy.live_stop()
    assert live.operators.live_receiver() is None


def test_one_is_live_at_a_time_and_a_taken_port_is_named(bpy, built_head, live):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", live.port))
        with pytest.raises(RuntimeError, match=f"port {live.port} already"):
            bpy.ops.effigy.live(port=live.port)
    assert live.operators.live_receiver() is None
    bpy.ops.effigy.live(port=live.port)
    with pytest.raises(RuntimeError, match="live already"):
        bpy.ops.effigy.live(port=live.port)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"address": "nowhere"}, "is no address"),
        ({"address": "203.0.113.7"}, "stay offline|Nothing can listen"),
        ({"phone": "192.0.2.1"}, "stay offline"),
    ],
)
def test_other_computers_need_permission_and_addresses_are_checked(
    bpy, built_head, live, where, words
):
    assert not bpy.app.online_access
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.effigy.live(port=live.port, **where)
    assert live.operators.live_receiver() is None


def test_a_head_that_is_gone_ends_it(bpy, built_head, live):
    bpy.ops.effigy.live(port=live.port)
    bpy.data.objects.remove(built_head)
    assert live.operators._tick() is None
    assert live.operators.live_receiver() is None
