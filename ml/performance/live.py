"""Faces from datagrams as they come: the VMC protocol (OSC) and iFacialMocap's stream.

VMC sends one message per expression and bone, then ``/VMC/Ext/Blend/Apply``; bones are local
rotations in Unity's space, whose x points to the subject's right. See https://protocol.vmc.info.
iFacialMocap sends a line of text per frame; see :mod:`.stream`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..geometry.rotations import angles_from_rotations
from ..head.arkit import EXPRESSION_NAMES
from .columns import plain_name
from .osc import MOST_BYTES, Message, messages_in
from .performance import Array, Performance
from .stream import entries_of, is_stream

# Ports that programs send to by default.
VMC_PORT, IFACIALMOCAP_PORT = 39539, 49983
# What asks a phone with iFacialMocap to send.
IFACIALMOCAP_HELLO = b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719"
_EXPRESSIONS = {name.lower(): name for name in EXPRESSION_NAMES}
_BONES = {"Head": "head", "Neck": "neck", "LeftEye": "left", "RightEye": "right"}
_TURNS = {"head": "head", "leftEye": "left", "rightEye": "right"}
# Mirrors x: from Unity's space to head space.
_MIRROR = np.diag([-1.0, 1.0, 1.0])
_FULL = 100.0


@dataclass(frozen=True)
class LiveFrame:
    """A face as it is now.

    Attributes
    ----------
    values: 0..1 by ARKit's names, those that were sent.
    head: (3,) and eyes: (2, 3), of the left and the right one: radians, as in Performance; None
        where none were sent.
    """

    values: Mapping[str, float]
    head: Array | None = None
    eyes: Array | None = None


@dataclass
class LiveReader:
    """Reads datagrams; keeps what VMC has sent of the next frame."""

    _values: dict[str, float] = field(default_factory=dict)
    _turns: dict[str, np.ndarray] = field(default_factory=dict)

    def read(self, data: bytes) -> LiveFrame | None:
        """The last frame that ``data`` completes; None where it completes none, or is no face."""
        if len(data) > MOST_BYTES:
            return None
        if data[:1] in (b"/", b"#"):
            return self._vmc(data)
        return _ifacialmocap(data)

    def _vmc(self, data: bytes) -> LiveFrame | None:
        found = None
        for message in messages_in(data):
            if message.address == "/VMC/Ext/Blend/Apply":
                found = self._frame() or found
            else:
                self._take(message)
        return found

    def _take(self, message: Message) -> None:
        name, *numbers = message.arguments or ("",)
        values = [float(v) for v in numbers if isinstance(v, int | float) and math.isfinite(v)]
        if not isinstance(name, str) or len(values) != len(numbers):
            return
        if message.address == "/VMC/Ext/Blend/Val" and len(values) == 1:
            known = _EXPRESSIONS.get(plain_name(name))
            if known is not None:
                self._values[known] = min(max(values[0], 0.0), 1.0)
        elif message.address == "/VMC/Ext/Bone/Pos" and len(values) == 7 and name in _BONES:
            turn = _rotation(np.array(values[3:]))
            if turn is not None:
                self._turns[_BONES[name]] = _MIRROR @ turn @ _MIRROR

    def _frame(self) -> LiveFrame | None:
        """What was collected; values and bones that are not sent anew stay."""
        if not self._values:
            return None
        head = eyes = None
        if "head" in self._turns:
            head = angles_from_rotations(self._turns.get("neck", np.eye(3)) @ self._turns["head"])
        if "left" in self._turns and "right" in self._turns:
            eyes = angles_from_rotations(np.stack([self._turns["left"], self._turns["right"]]))
        return LiveFrame(dict(self._values), head, eyes)


def _rotation(quaternion: np.ndarray) -> np.ndarray | None:
    """(4,) x, y, z, w -> (3, 3); None for a quaternion that is nearly zero."""
    length = float(np.linalg.norm(quaternion))
    if not 1e-6 < length < 1e6:
        return None
    x, y, z, w = quaternion / length
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def _ifacialmocap(data: bytes) -> LiveFrame | None:
    text = data.decode("utf-8", "replace")
    if not is_stream(text):
        return None
    values: dict[str, float] = {}
    turns: dict[str, list[float]] = {owner: [] for owner in _TURNS.values()}
    for name, number in entries_of(text):
        owner, _, axis = name.rpartition("_")
        if owner in _TURNS and axis in "xyz":
            turns[_TURNS[owner]].append(math.radians(number))
        elif (known := _EXPRESSIONS.get(plain_name(name))) is not None:
            values[known] = min(max(number / _FULL, 0.0), 1.0)
    if not values:
        return None
    head, left, right = (np.array(turns[owner][:3]) for owner in ("head", "left", "right"))
    eyes = np.stack([left, right]) if len(left) == len(right) == 3 else None
    return LiveFrame(values, head if len(head) == 3 else None, eyes)


def performance_of(times: list[float], frames: list[LiveFrame]) -> Performance | None:
    """What was received at ``times``, seconds, as a performance; None where it is under two frames.

    Frames that came at the same time as others are left out.
    """
    kept = [n for n, time in enumerate(times) if n == 0 or time > times[n - 1] + 1e-4]
    if len(kept) < 2:
        return None
    moments = np.array([times[n] for n in kept]) - times[kept[0]]
    values = np.array(
        [[frames[n].values.get(name, 0.0) for name in EXPRESSION_NAMES] for n in kept]
    )
    heads, eyes = ([getattr(frames[n], part) for n in kept] for part in ("head", "eyes"))
    rate = float(np.round(1 / np.median(np.diff(moments))))
    return Performance(
        moments,
        values,
        None if any(one is None for one in heads) else np.unwrap(np.stack(heads), axis=0),
        None if any(one is None for one in eyes) else np.unwrap(np.stack(eyes), axis=0),
        max(rate, 1.0),
    )
