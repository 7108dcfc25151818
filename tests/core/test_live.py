"""Datagrams of other programs as faces: OSC and the VMC protocol, iFacialMocap's stream."""

import struct

import numpy as np
import pytest

from ml.geometry.rotations import angles_from_rotations, rotations_from_angles
from ml.head.arkit import EXPRESSION_NAMES
from ml.performance.live import LiveFrame, LiveReader, performance_of
from ml.performance.osc import messages_in


def padded(data):
    return data + b"\0" * (4 - len(data) % 4)


def message(address, *arguments):
    kinds, body = ",", b""
    for value in arguments:
        if isinstance(value, str):
            kinds, body = kinds + "s", body + padded(value.encode())
        else:
            kinds, body = kinds + "f", body + struct.pack(">f", value)
    return padded(address.encode()) + padded(kinds.encode()) + body


def bundle(*elements):
    head = b"#bundle\0" + bytes(8)
    return head + b"".join(struct.pack(">i", len(one)) + one for one in elements)


def test_messages_come_back_from_bundles_in_bundles():
    inner = bundle(message("/a", 1.5, "word"), message("/b"))
    found = messages_in(bundle(message("/first", -2.0), inner))
    assert [(one.address, one.arguments) for one in found] == [
        ("/first", (-2.0,)),
        ("/a", (1.5, "word")),
        ("/b", ()),
    ]


def test_no_damaged_datagram_raises_or_is_taken_for_a_face():
    random, reader = np.random.default_rng(1), LiveReader()
    whole = bundle(*(message("/VMC/Ext/Blend/Val", name, 0.5) for name in EXPRESSION_NAMES[:9]))
    deep = whole
    for _ in range(50):
        deep = bundle(deep)
    cases = [b"", b"#bundle", b"/", b"/a\0\0\0", b"/a\0\0,f\0\0", deep, b"\xff" * 70_000]
    cases += [bundle() + struct.pack(">i", 2**31 - 1), bundle() + struct.pack(">i", -4) * 9]
    for _ in range(300):
        data = bytearray(whole)
        for place in random.integers(0, len(data), 6):
            data[place] = random.integers(256)
        cases.append(bytes(data[: random.integers(1, len(data))]))
    cases += [random.bytes(int(size)) for size in random.integers(1, 400, 200)]
    assert all(reader.read(data) is None for data in cases)
    assert len(messages_in(bundle(*[message("/a")] * 5000))) == 1000


def test_vmc_gives_a_frame_where_it_is_applied():
    reader = LiveReader()
    assert reader.read(message("/VMC/Ext/Blend/Val", "JawOpen", 0.25)) is None
    assert reader.read(message("/VMC/Ext/Blend/Val", "eyeBlink_L", 7.0)) is None
    assert reader.read(message("/VMC/Ext/Blend/Val", "Joy", 1.0)) is None
    assert reader.read(message("/VMC/Ext/Blend/Val", "mouthPucker", float("nan"))) is None
    frame = reader.read(message("/VMC/Ext/Blend/Apply"))
    assert frame == LiveFrame({"jawOpen": 0.25, "eyeBlinkLeft": 1.0})


def quaternion_in_unity(angles):
    """x, y, z, w of a head-space turn: Unity's x points the other way."""
    mirror = np.diag([-1.0, 1, 1])
    r = mirror @ rotations_from_angles(np.array(angles)) @ mirror
    w = np.sqrt(1 + np.trace(r)) / 2
    return (r[2, 1] - r[1, 2]) / 4 / w, (r[0, 2] - r[2, 0]) / 4 / w, (r[1, 0] - r[0, 1]) / 4 / w, w


def test_vmc_bones_turn_head_and_eyes():
    reader, down = LiveReader(), (0.3, 0.1, -0.05)
    # In Unity, too, a rotation about x by a positive angle turns the gaze down.
    assert quaternion_in_unity((0.3, 0, 0))[0] == pytest.approx(np.sin(0.15))
    for bone, angles in (("Head", down), ("LeftEye", (0.1, 0, 0)), ("RightEye", (0, 0.2, 0))):
        pose = (0.0, 0.0, 0.0, *quaternion_in_unity(angles))
        reader.read(message("/VMC/Ext/Bone/Pos", bone, *pose))
    reader.read(message("/VMC/Ext/Bone/Pos", "Head", 0, 0, 0, 0, 0, 0, 0))  # no rotation at all
    reader.read(message("/VMC/Ext/Blend/Val", "jawOpen", 0.5))
    frame = reader.read(message("/VMC/Ext/Blend/Apply"))
    assert frame.head == pytest.approx(down, abs=1e-6)
    assert frame.eyes == pytest.approx(np.array([[0.1, 0, 0], [0, 0.2, 0]]), abs=1e-6)
    neck = (0.0, 0.0, 0.0, *quaternion_in_unity((0.2, 0, 0)))
    reader.read(message("/VMC/Ext/Bone/Pos", "Neck", *neck))
    frame = reader.read(message("/VMC/Ext/Blend/Apply"))
    both = rotations_from_angles(np.array([0.2, 0, 0])) @ rotations_from_angles(np.array(down))
    assert frame.head == pytest.approx(angles_from_rotations(both), abs=1e-6)


@pytest.mark.parametrize("dash", ["-", "&"])
def test_a_line_of_ifacialmocap_is_a_frame(dash):
    values = "|".join(f"{name}{dash}{number}" for number, name in enumerate(EXPRESSION_NAMES))
    line = f"{values}|=head#-10,20,5,0.1,0.2,0.3|rightEye#1,2,3|leftEye#4,5,6|"
    frame = LiveReader().read(line.encode())
    assert frame.values[EXPRESSION_NAMES[7]] == pytest.approx(0.07)
    assert len(frame.values) == 52
    assert np.degrees(frame.head) == pytest.approx([-10, 20, 5])
    assert np.degrees(frame.eyes) == pytest.approx(np.array([[4, 5, 6], [1, 2, 3]]))


def test_lines_that_are_no_faces_are_left_out():
    reader = LiveReader()
    assert reader.read(b"hello") is None
    assert reader.read(("x|" * 20 + "#").encode()) is None
    line = "|".join(f"{name}-nan" for name in EXPRESSION_NAMES) + "|=head#1,2,3|"
    assert reader.read(line.encode()) is None


def test_what_was_recorded_is_a_performance():
    frames = [LiveFrame({"jawOpen": n / 10}, np.array([0, 0.1 * n, 0])) for n in range(5)]
    made = performance_of([1.0, 1.02, 1.02, 1.04, 1.06], frames)
    assert made.times == pytest.approx([0, 0.02, 0.04, 0.06])
    jaw = made.values[:, EXPRESSION_NAMES.index("jawOpen")]
    assert jaw == pytest.approx([0, 0.1, 0.3, 0.4])
    assert made.head[:, 1] == pytest.approx([0, 0.1, 0.3, 0.4])
    assert made.eyes is None
    assert made.rate == 50
    assert performance_of([1.0], frames[:1]) is None
