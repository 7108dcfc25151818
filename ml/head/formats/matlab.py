"""Read matrices of numbers from a MATLAB 5 file (``.mat``), which may be damaged or hostile.

SciPy's reader ends the process on some damaged files. This one knows matrices of numbers only.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from ...assets.archive import Header

_MATRIX, _COMPRESSED = 14, 15
# The stored types by their number in the file, and the numbers of MATLAB's classes of numbers.
_TYPES = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
_NUMERIC = range(6, 16)
_COMPLEX = 0x800
_LONGEST = 64
_CHUNK = 1 << 16


def read_mat(
    path: Path, names: Collection[str], check: Callable[[dict[str, Header]], None]
) -> dict[str, np.ndarray]:
    """The matrices of ``names`` that are in the file; ``check`` sees their headers first.

    Raises
    ------
    OSError: the file cannot be read. ValueError, zlib.error, struct.error: it is damaged.
    """
    with path.open("rb") as stream:
        check({name: header for name, header, _ in _matrices(stream, names)})
        return {name: _numbers(header, part) for name, header, part in _matrices(stream, names)}


class _Part:
    """One element of the file, unpacked as it is read."""

    def __init__(self, stream: IO[bytes], size: int, order: str, packed: bool) -> None:
        self._stream, self._left, self.order = stream, size, order
        self._unpack = zlib.decompressobj() if packed else None

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes. ValueError: there are not so many."""
        data = bytearray()
        while len(data) < count:
            wanted = count - len(data)
            tail = self._unpack.unconsumed_tail if self._unpack else b""
            raw = tail or self._stream.read(min(self._left, _CHUNK, wanted + _LONGEST))
            self._left -= 0 if tail else len(raw)
            if not raw:
                raise ValueError("it ends early")
            if self._unpack:
                data += self._unpack.decompress(raw, wanted)
            else:
                # What is read ahead is given back.
                data += raw[:wanted]
                self._stream.seek(len(raw[:wanted]) - len(raw), 1)
                self._left += len(raw) - len(raw[:wanted])
        return bytes(data)

    def tag(self) -> tuple[int, int, bytes]:
        """Type and size of the next value, and its bytes if it is so small that they lie here."""
        first, second = self.take(4), self.take(4)
        (kind,) = struct.unpack(f"{self.order}I", first)
        if kind >> 16:
            return kind & 0xFFFF, kind >> 16, second[: kind >> 16]
        return kind, *struct.unpack(f"{self.order}I", second), b""

    def value(self) -> bytes:
        """The bytes of the next value, which must be short."""
        _, size, small = self.tag()
        if size > _LONGEST:
            raise ValueError("its list of matrices is damaged")
        return small or self.take(-(-size // 8) * 8)[:size]


def _matrices(stream: IO[bytes], names: Collection[str]) -> Iterator[tuple[str, Header, _Part]]:
    """Name, header and what follows it of every matrix of ``names``."""
    stream.seek(0)
    order = {b"IM": "<", b"MI": ">"}.get(stream.read(128)[126:])
    if order is None:
        raise ValueError("it is no MATLAB 5 file")
    while len(tag := stream.read(8)) == 8:
        kind, size = struct.unpack(f"{order}II", tag)
        after = stream.tell() + size
        if kind in (_MATRIX, _COMPRESSED):
            part = _Part(stream, size, order, kind == _COMPRESSED)
            if kind == _COMPRESSED and part.tag()[0] != _MATRIX:
                raise ValueError("it holds something that is no matrix")
            (flags,) = struct.unpack(f"{order}I", part.value()[:4])
            shape = np.frombuffer(part.value(), f"{order}i4").tolist()
            name = part.value().decode("latin1")
            if name in names:
                if flags & 0xFF not in _NUMERIC or flags & _COMPLEX or min(shape, default=-1) < 0:
                    raise ValueError(f"array {name!r} is no matrix of numbers")
                # The type is that of what is stored, which is known only after its tag.
                stored, length, small = part.tag()
                dtype = np.dtype(order + _TYPES[stored]) if stored in _TYPES else None
                if dtype is None or length != math.prod(shape) * dtype.itemsize:
                    raise ValueError(f"array {name!r} is not of the size that it says")
                yield (
                    name,
                    Header(tuple(shape), dtype, fortran=True),
                    part if not small else (_Small(small)),
                )
        stream.seek(after)


class _Small(_Part):
    """A value of up to four bytes, which lies in its own tag."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def take(self, count: int) -> bytes:
        return self._data[:count]


def _numbers(header: Header, part: _Part) -> np.ndarray:
    data = part.take(header.size * header.dtype.itemsize)
    flat = np.frombuffer(data, header.dtype).astype(header.dtype.newbyteorder("="))
    return flat.reshape(header.shape, order="F")
