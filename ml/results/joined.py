"""Rows of several files of columns as those of one, in any order, and written as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .columns import Columns, Layout, NpzColumns, blocks, write_npz
from .estimate import COLUMNS

NPZ, PARQUET = ".npz", ".parquet"


class Joined:
    """Chosen rows of several files; see :class:`.columns.Columns`.

    places: (N, 2) of each row the number of its file, and its own number there.
    """

    def __init__(
        self, sources: Sequence[Columns], places: np.ndarray, about: dict[str, Any]
    ) -> None:
        self.count, self.about = len(places), about
        self._sources, self._places = sources, places

    def read(self, name: str, rows: np.ndarray) -> np.ndarray:
        source, places = self._places[rows].T
        used = np.unique(source)
        if len(used) == 1:
            return self._sources[int(used[0])].read(name, places)
        picked = [np.flatnonzero(source == number) for number in used]
        found = [
            self._sources[int(number)].read(name, places[which])
            for number, which in zip(used, picked, strict=True)
        ]
        # Texts of several files may have different lengths.
        kind = np.result_type(*found)
        values = np.empty((len(rows), *found[0].shape[1:]), kind)
        for which, part in zip(picked, found, strict=True):
            values[which] = part
        return values


def open_columns(path: Path) -> Columns:
    """A file of columns. HeadError: it cannot be read, or needs a package that is missing."""
    if path.suffix == PARQUET:
        from .parquet import ParquetColumns

        return ParquetColumns(path)
    return NpzColumns(path)


def write_joined(path: Path, joined: Joined, kind: str) -> None:
    """Write the rows as a file of ``kind``, NPZ or PARQUET. Raises OSError."""
    if kind == PARQUET:
        from .parquet import write_parquet

        write_parquet(path, joined)
        return
    columns = {name: (_layout(joined, name), _pieces(joined, name)) for name in COLUMNS}
    write_npz(path, columns, joined.count, joined.about)


def _layout(joined: Joined, name: str) -> Layout:
    first = joined.read(name, np.arange(1))
    kind = first.dtype
    if kind.kind == "U":
        kind = np.result_type(*(piece.dtype for piece in _pieces(joined, name)))
    return Layout(kind, first.shape[1:])


def _pieces(joined: Joined, name: str) -> Iterator[np.ndarray]:
    return (joined.read(name, rows) for rows in blocks(joined.count))
