"""Binary glTF 2 files as bytes: a JSON text, and the chunks after it. Standard library only."""

from __future__ import annotations

import json
import struct
from typing import Any

_MAGIC, _JSON, _BINARY = b"glTF", b"JSON", b"BIN\0"


def pack_glb(content: dict[str, Any], rest: bytes) -> bytes:
    """The file whose JSON is ``content``; ``rest``: the chunks after it, as :func:`chunk_of`."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 4)
    header = struct.pack("<4sIII4s", _MAGIC, 2, 20 + len(text) + len(rest), len(text), _JSON)
    return header + text + rest


def chunk_of(data: bytes) -> bytes:
    """The chunk that holds the binary buffer ``data``."""
    data += b"\0" * (-len(data) % 4)
    return struct.pack("<I4s", len(data), _BINARY) + data


def unpack_glb(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The JSON of a file, and all that comes after it.

    Raises
    ------
    ValueError or struct.error: it is no binary glTF 2.
    """
    magic, version, _, length, kind = struct.unpack_from("<4sIII4s", data)
    if (magic, version, kind) != (_MAGIC, 2, _JSON):
        raise ValueError("the header is another's")
    return json.loads(data[20 : 20 + length]), data[20 + length :]
