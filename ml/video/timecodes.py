"""The timecode at which a QuickTime or MP4 file begins: its ``tmcd`` track.

OpenCV does not tell it. ISO/IEC 14496-12 has the boxes, Apple's QuickTime File Format the track.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO

# Boxes that hold others on the way to a track's tables.
_HOLDERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
_DEEPEST, _LARGEST = 8, 64 << 20
# A flag of the timecode's description.
_DROPS = 1


def start_of(path: Path, rate: float) -> tuple[float, bool] | None:
    """Seconds after midnight of the first frame, and whether numbers of frames are left out.

    None where the file has no timecode.

    rate: frames per second, where the track does not say it.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            for kind, begin, end in _boxes(file, 0, size):
                if kind == b"moov":
                    return _in_movie(file, begin, end, rate)
    except (OSError, struct.error, ValueError):
        pass
    return None


def _in_movie(file: IO[bytes], begin: int, end: int, rate: float) -> tuple[float, bool] | None:
    for kind, first, last in _boxes(file, begin, end):
        if kind != b"trak":
            continue
        tables = dict(_tables(file, first, last, 0))
        if tables.get(b"hdlr", b"")[8:12] != b"tmcd" or b"stsd" not in tables:
            continue
        frames = _first_sample(file, tables)
        if frames is not None:
            return _seconds(tables[b"stsd"], frames, rate)
    return None


def _seconds(description: bytes, frames: int, rate: float) -> tuple[float, bool]:
    """Of a number of frames, by the sample description of the timecode (counted as everywhere in
    ml.performance.timecode: frames over the true rate)."""
    # Version, flags and count (8), size, format, reserved and reference (16), reserved.
    flags, scale, duration = struct.unpack_from(">III", description, 28)
    return frames / (scale / duration if scale and duration else rate), bool(flags & _DROPS)


def _first_sample(file: IO[bytes], tables: dict[bytes, bytes]) -> int | None:
    for name, code in ((b"stco", ">I"), (b"co64", ">Q")):
        if name in tables:
            (offset,) = struct.unpack_from(code, tables[name], 8)
            file.seek(offset)
            return int(struct.unpack(">I", file.read(4))[0])
    return None


def _tables(file: IO[bytes], begin: int, end: int, depth: int) -> Iterator[tuple[bytes, bytes]]:
    """The contents of a track's innermost boxes by their kinds."""
    for kind, first, last in _boxes(file, begin, end):
        if kind in _HOLDERS and depth < _DEEPEST:
            yield from _tables(file, first, last, depth + 1)
        elif kind in (b"stsd", b"stco", b"co64") or (kind == b"hdlr" and depth == 1):
            file.seek(first)
            yield kind, file.read(min(last - first, _LARGEST))


def _boxes(file: IO[bytes], begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, begin and end of the content of each box between two places."""
    while begin + 8 <= end:
        file.seek(begin)
        size, kind = struct.unpack(">I4s", file.read(8))
        content = begin + 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            content += 8
        elif size == 0:
            size = end - begin
        if size < content - begin:
            return
        yield kind, content, min(begin + size, end)
        begin += size
