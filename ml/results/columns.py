"""Files of columns with a row per face, an ``.npz`` of plain arrays, read a few rows at a time.

The arrays are not compressed, so that rows are read where they lie; ``about`` is the text of a json
object, what is the same in all rows. :mod:`.parquet` reads and writes the same in another format.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import numpy as np

from ..errors import HeadError, explained

ABOUT = "about"
# Rows that are in memory at a time.
BLOCK = 1024
_LOCAL_HEADER = 30


class Columns(Protocol):
    """An open file of columns. count: of its rows. about: what is the same in all of them."""

    count: int
    about: dict[str, Any]

    def read(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Values of a column in these rows. Raises KeyError, OSError."""


@dataclass(frozen=True)
class Layout:
    """How a column lies in its file: (count, *shape) values of ``kind`` from byte ``offset``."""

    kind: np.dtype
    shape: tuple[int, ...]
    offset: int = 0


class NpzColumns:
    """The columns of an ``.npz``; see :class:`Columns`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.layouts: dict[str, Layout] = {}
        counts = set()
        try:
            with path.open("rb") as file, ZipFile(file) as archive:
                self.about: dict[str, Any] = json.loads(archive.read(ABOUT + ".json"))
                for item in archive.infolist():
                    if item.filename.endswith(".npy") and item.compress_type == ZIP_STORED:
                        layout, count = _layout(file, item.header_offset)
                        self.layouts[item.filename.removesuffix(".npy")] = layout
                        counts.add(count)
            (self.count,) = counts
        except (OSError, ValueError, KeyError, BadZipFile, struct.error) as error:
            raise unusable(path, error) from error

    def read(self, name: str, rows: np.ndarray) -> np.ndarray:
        layout = self.layouts[name]
        shape = (self.count, *layout.shape)
        values = np.memmap(self.path, layout.kind, "r", layout.offset, shape)
        return np.asarray(values[rows])


def _layout(file: IO[bytes], start: int) -> tuple[Layout, int]:
    """Where the values of the array lie whose entry in the archive begins at ``start``."""
    file.seek(start)
    name, extra = struct.unpack("<HH", file.read(_LOCAL_HEADER)[26:])
    file.seek(start + _LOCAL_HEADER + name + extra)
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    (count, *shape), _, kind = read(file)
    return Layout(kind, tuple(shape), file.tell()), count


def unusable(path: Path, error: BaseException) -> HeadError:
    """The error for a file that holds no columns of coefficients, or not all of them."""
    if isinstance(error, OSError) and not isinstance(error, BadZipFile):
        return explained(error, path)
    return HeadError(
        f"{path} is no whole file of coefficients ({error!r:.200})",
        "Make it anew with --write coefficients",
    )


Pieces = Iterable[np.ndarray]


def write_npz(
    path: Path, columns: Mapping[str, tuple[Layout, Pieces]], count: int, about: Mapping[str, Any]
) -> None:
    """Write columns of ``count`` rows, each given in pieces from the first row to the last.

    Raises
    ------
    OSError: it cannot be written.
    """
    with ZipFile(path, "w", ZIP_STORED) as archive:
        archive.writestr(ABOUT + ".json", json.dumps(about))
        for name, (layout, pieces) in columns.items():
            descr = np.lib.format.dtype_to_descr(layout.kind)
            header = {"descr": descr, "fortran_order": False, "shape": (count, *layout.shape)}
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array_header_1_0(stream, header)
                for piece in pieces:
                    stream.write(np.ascontiguousarray(piece, layout.kind).data.cast("B"))


def blocks(count: int) -> Iterator[np.ndarray]:
    """The numbers of ``count`` rows, BLOCK at a time."""
    for start in range(0, count, BLOCK):
        yield np.arange(start, min(start + BLOCK, count))
