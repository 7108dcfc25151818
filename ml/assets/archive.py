"""Arrays in ``.npz`` archives, read without trust: nothing is unpickled, and shape, type and size
of every array are known and checked before memory is taken for it. NumPy only.
"""

from __future__ import annotations

import errno
import math
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, TypeVar
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np

from ..errors import HeadError

# Bytes of all arrays that are read from one file together.
LIMIT = 1 << 30
# Bytes of the archive's list of members; each member takes about a hundred.
_DIRECTORY_LIMIT = 1 << 20
_END, _END_64, _END_SIZE = b"PK\x05\x06", b"PK\x06\x07", 22
# Deflate never packs more than 1,032 bytes into one.
_DEFLATE_MOST = 1032
_CHUNK = 1 << 20
FLOATS, INTEGERS, NUMBERS, TEXT = "f", "iu", "biuf", "US"


class Sized(Protocol):
    """What is known about an array from its header; an array itself will do."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype: ...


@dataclass(frozen=True)
class Header:
    """Shape, type and memory order of an array that has not been read."""

    shape: tuple[int, ...]
    dtype: np.dtype
    fortran: bool = False

    @property
    def size(self) -> int:
        return math.prod(self.shape)


# The kinds of type that an array may have, then the length of every axis: a number, or the name of
# a length that all arrays share. A name in capitals stands for at least one.
Expected = tuple[str | int, ...]
Read = TypeVar("Read")
Check = Callable[[Mapping[str, Header]], None]


def array_names(path: Path) -> tuple[str, ...]:
    """Names of the arrays in ``path``. OSError, ValueError: it is no archive."""
    return _guarded(path, lambda archive: tuple(_members(archive)))


def read_arrays(
    path: Path, names: Iterable[str], check: Check | None = None, limit: int = LIMIT
) -> dict[str, np.ndarray]:
    """The arrays of ``names`` that are in ``path``, all finite; nothing else is read.

    Parameters
    ----------
    check: raises ValueError for headers that are not as wanted; called before arrays are read.
    limit: of the bytes of all arrays together.

    Raises
    ------
    OSError: the file cannot be read. ValueError: it is damaged or not as wanted. MemoryError.
    """

    def read(archive: ZipFile) -> dict[str, np.ndarray]:
        members = _members(archive)
        wanted = {name: members[name] for name in names if name in members}
        headers = {name: _header(archive, member, name) for name, member in wanted.items()}
        size = sum(header.size * header.dtype.itemsize for header in headers.values())
        if size > limit:
            raise ValueError(f"its arrays take {size >> 20} MB, more than {limit >> 20} MB")
        if check is not None:
            check(headers)
        return {name: _array(archive, wanted[name], name, headers[name]) for name in wanted}

    return _guarded(path, read)


def check_shapes(found: Mapping[str, Sized], expected: Mapping[str, Expected]) -> dict[str, int]:
    """Check arrays against their ``expected`` types and shapes; those not found are left out.

    Returns the lengths by name. ValueError: says which array differs, and what it should be.
    """
    lengths: dict[str, int] = {}
    for name, (kinds, *axes) in expected.items():
        if name not in found:
            continue
        shape, dtype = found[name].shape, found[name].dtype
        fits = len(shape) == len(axes) and dtype.kind in str(kinds)
        for axis, length in zip(axes, shape, strict=False):
            if isinstance(axis, str):
                # Capitals: a mesh without vertices is none.
                fits &= length >= axis.isupper() and lengths.setdefault(axis, length) == length
            else:
                fits &= axis == length
        if not fits:
            sides = ", ".join(str(lengths.get(str(axis), axis)) for axis in axes)
            what = "text" if str(kinds) == TEXT else "numbers"
            raise ValueError(
                f"array {name!r} has shape {shape} and type {dtype}, not {what} of shape ({sides})"
            )
    return lengths


def check_indices(name: str, indices: np.ndarray, count: int) -> None:
    """Raise ValueError unless all ``indices`` are 0 ... count - 1."""
    if indices.size and not (indices.min() >= 0 and indices.max() < count):
        raise ValueError(
            f"array {name!r} has indices {indices.min()} to {indices.max()}, "
            f"but there are {count} of them"
        )


def check_finite(name: str, array: np.ndarray) -> None:
    """Raise ValueError if ``array`` has values that are no numbers, or letters that are none."""
    if array.dtype.kind == "U" and array.size:
        letters = np.frombuffer(array.tobytes(), array.dtype.byteorder.replace("|", "=") + "u4")
        if letters.max() > 0x10FFFF:
            raise ValueError(f"array {name!r} is damaged text")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"array {name!r} has values that are not finite")


def _guarded(path: Path, read: Callable[[ZipFile], Read]) -> Read:
    """``read`` the archive; what zipfile and zlib raise for damaged ones becomes ValueError."""
    if path.exists() and not path.is_file():
        raise ValueError("it is no file")
    with path.open("rb") as stream:
        try:
            _check_directory(stream)
            with ZipFile(stream) as archive:
                return read(archive)
        except OSError as error:
            # Damaged archives name places before their beginning.
            if error.errno == errno.EINVAL:
                raise ValueError("its list of members is damaged") from error
            raise
        except (ValueError, MemoryError, HeadError):
            raise
        # zipfile raises what it likes: zlib.error, NotImplementedError, RuntimeError, struct.error.
        except Exception as error:
            raise ValueError(str(error) or repr(error)) from error


def _check_directory(stream: IO[bytes]) -> None:
    """Raise ValueError if the list of members, which zipfile reads whole, is absurdly long."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - (1 << 16) - _END_SIZE))
    tail = stream.read()
    at = tail.rfind(_END)
    if at >= 0 and len(tail) >= at + _END_SIZE:
        (listed,) = struct.unpack_from("<I", tail, at + 12)
        if listed > _DIRECTORY_LIMIT or _END_64 in tail[max(0, at - 20) : at]:
            raise ValueError("it has too many members")
    stream.seek(0)


def _members(archive: ZipFile) -> dict[str, ZipInfo]:
    return {item.filename.removesuffix(".npy"): item for item in archive.infolist()}


def _header(archive: ZipFile, member: ZipInfo, name: str) -> Header:
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED) or member.flag_bits & 1:
        raise ValueError(f"array {name!r} is packed in an unknown way")
    with archive.open(member) as stream:
        header = _parsed(stream, name)
        start = stream.tell()
    size = header.size * header.dtype.itemsize
    held = member.compress_size * (_DEFLATE_MOST if member.compress_type == ZIP_DEFLATED else 1)
    if size + start != member.file_size or size > held:
        raise ValueError(f"array {name!r} is not of the size that its header says")
    return header


def _parsed(stream: IO[bytes], name: str) -> Header:
    try:
        # Other versions are for structures and for names of fields; ours are plain.
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError("unknown version")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream, max_header_size=4096)  # type: ignore[call-arg]
    # The header is parsed as Python: TokenError, SyntaxError, RecursionError, TypeError and more.
    except Exception as error:
        raise ValueError(f"array {name!r} has a damaged header ({error})") from error
    plain = dtype.kind in NUMBERS + TEXT and dtype.itemsize > 0
    if not plain or any(length < 0 for length in shape):
        raise ValueError(f"array {name!r} has the type {dtype} and shape {shape}")
    return Header(shape, dtype, fortran)


def _array(archive: ZipFile, member: ZipInfo, name: str, header: Header) -> np.ndarray:
    flat = np.empty(header.size, header.dtype)
    view, done = flat.view(np.uint8) if flat.nbytes else np.empty(0, np.uint8), 0
    with archive.open(member) as stream:
        _parsed(stream, name)
        while done < len(view):
            chunk = stream.read(min(_CHUNK, len(view) - done))
            if not chunk:
                raise ValueError(f"array {name!r} ends early")
            view[done : done + len(chunk)] = np.frombuffer(chunk, np.uint8)
            done += len(chunk)
        # Reading on to the end compares the checksum.
        stream.read(1)
    array = flat.reshape(header.shape, order="F" if header.fortran else "C")
    check_finite(name, array)
    return array


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write an ``.npz``, compressed as fast as deflate can.

    Coordinates repeat nothing but zeros, so in floats nothing else is searched for: noise takes a
    third of the time and shape keys, mostly zeros, three quarters, for files of about the same
    size. NumPy's own compression takes four times as long. Raises OSError.
    """
    with ZipFile(path, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            values = np.asanyarray(array)
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                if values.dtype.kind in FLOATS:
                    # zipfile lets nobody choose a strategy; without effect the file is as good.
                    runs = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS, 9, zlib.Z_RLE)
                    stream._compressor = runs  # type: ignore[attr-defined]
                np.lib.format.write_array(stream, values, allow_pickle=False)
