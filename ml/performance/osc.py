"""Messages in a datagram of Open Sound Control 1.0, as its specification lays them out.

Everything is bounded: a datagram comes from anywhere. NumPy is not needed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

# Of one datagram: bytes, messages, and bundles within bundles.
MOST_BYTES, _MOST_MESSAGES, _DEEPEST = 65_535, 1_000, 3
_BUNDLE = b"#bundle\0"
# Bytes before the first element of a bundle: its name and its time.
_HEADER = 16
_NUMBERS = {"f": ">f", "i": ">i", "d": ">d", "h": ">q"}
_EMPTY = {"T": True, "F": False, "N": None}


class Message(NamedTuple):
    """An address such as ``/VMC/Ext/Blend/Val``, and its arguments."""

    address: str
    arguments: tuple[object, ...]


def messages_in(data: bytes) -> list[Message]:
    """The messages of a datagram, in order; what is damaged, or of unknown types, is left out."""
    found: list[Message] = []
    if len(data) > MOST_BYTES:
        return found
    for element in _elements(data, 0):
        message = _message(element)
        if message is not None:
            found.append(message)
        if len(found) >= _MOST_MESSAGES:
            break
    return found


def _elements(data: bytes, depth: int) -> Iterator[bytes]:
    """The datagram itself, or what a bundle holds."""
    if not data.startswith(_BUNDLE):
        yield data
        return
    place = _HEADER
    while depth < _DEEPEST and place + 4 <= len(data):
        (size,) = struct.unpack_from(">i", data, place)
        place += 4
        if size <= 0 or place + size > len(data):
            return
        yield from _elements(data[place : place + size], depth + 1)
        place += size


def _message(data: bytes) -> Message | None:
    address, place = _text(data, 0)
    if not address.startswith("/"):
        return None
    types, place = _text(data, place)
    if not types.startswith(","):
        return None
    arguments: list[object] = []
    for kind in types[1:]:
        if kind in _EMPTY:
            arguments.append(_EMPTY[kind])
        elif kind == "s":
            if place >= len(data):
                return None
            text, place = _text(data, place)
            arguments.append(text)
        elif kind in _NUMBERS:
            size = struct.calcsize(_NUMBERS[kind])
            if place + size > len(data):
                return None
            arguments.append(struct.unpack_from(_NUMBERS[kind], data, place)[0])
            place += size
        else:
            return None
    return Message(address, tuple(arguments))


def _text(data: bytes, place: int) -> tuple[str, int]:
    """A text that ends with a zero, and the place after it: a multiple of four."""
    end = data.find(b"\0", place)
    if end < 0:
        return "", len(data)
    return data[place:end].decode("utf-8", "replace"), (end // 4 + 1) * 4
