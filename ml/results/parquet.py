"""Columns as Parquet, by pyarrow where it is installed; see :mod:`.columns`.

Arrays of a row are lists of fixed length, row by row; their shapes and ``about`` are in the
metadata of the file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import EngineUnavailable, UsageError
from .columns import blocks, unusable
from .estimate import COLUMNS
from .joined import Joined

_ABOUT, _SHAPES = b"effigy", b"effigy_shapes"


def load_pyarrow() -> Any:
    """The package pyarrow. EngineUnavailable: it is not installed, or does not fit this NumPy."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise EngineUnavailable(
            f"Parquet files need the package pyarrow, which this Python lacks ({error})",
            f"Install it (pip install pyarrow numpy=={np.__version__}), or use npz",
        ) from error
    return pyarrow


class ParquetColumns:
    """The columns of a Parquet file; see :class:`.columns.Columns`."""

    def __init__(self, path: Path) -> None:
        pyarrow = load_pyarrow()
        try:
            self._file = pyarrow.parquet.ParquetFile(path)
            told = self._file.schema_arrow.metadata or {}
            self.about: dict[str, Any] = json.loads(told[_ABOUT])
            self._shapes: dict[str, list[int]] = json.loads(told[_SHAPES])
        except (OSError, ValueError, KeyError) as error:
            raise unusable(path, error) from error
        about = self._file.metadata
        self.count: int = about.num_rows
        sizes = [about.row_group(number).num_rows for number in range(about.num_row_groups)]
        self._starts = np.concatenate([[0], np.cumsum(sizes)])

    def read(self, name: str, rows: np.ndarray) -> np.ndarray:
        groups = np.searchsorted(self._starts, rows, side="right") - 1
        used = np.unique(groups)
        table = self._file.read_row_groups([int(group) for group in used], columns=[name])
        # Where the rows of the groups begin in the table.
        sizes = self._starts[used + 1] - self._starts[used]
        begin = np.cumsum(sizes) - sizes
        places = begin[np.searchsorted(used, groups)] + rows - self._starts[groups]
        column = table.column(0).combine_chunks().take(load_pyarrow().array(places))
        if name not in self._shapes:
            return np.array(column.to_pylist()) if len(rows) else np.zeros(0, str)
        values = column.flatten() if self._shapes[name] else column
        flat = values.to_numpy(zero_copy_only=False)
        return np.asarray(flat.reshape(len(rows), *self._shapes[name]))


def write_parquet(path: Path, joined: Joined) -> None:
    """Write the rows as a Parquet file.

    Raises
    ------
    OSError: it cannot be written. UsageError: the name of a photo is no text.
    """
    pyarrow = load_pyarrow()
    first = {name: joined.read(name, np.arange(1)) for name in COLUMNS}
    shapes = {name: values.shape[1:] for name, values in first.items() if values.dtype.kind != "U"}
    fields = []
    for name, values in first.items():
        kind = pyarrow.string() if name not in shapes else pyarrow.from_numpy_dtype(values.dtype)
        if shapes.get(name):
            kind = pyarrow.list_(kind, int(np.prod(shapes[name])))
        fields.append((name, kind))
    told = {_ABOUT: json.dumps(joined.about), _SHAPES: json.dumps(shapes)}
    schema = pyarrow.schema(fields, metadata=told)
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        for rows in blocks(joined.count):
            columns = [_column(joined.read(name, rows), kind) for name, kind in fields]
            writer.write_table(pyarrow.Table.from_arrays(columns, schema=schema))


def _column(values: np.ndarray, kind: Any) -> Any:
    pyarrow = load_pyarrow()
    if values.dtype.kind != "U":
        flat = pyarrow.array(values.reshape(-1))
        if values.ndim == 1:
            return flat
        return pyarrow.FixedSizeListArray.from_arrays(flat, type=kind)
    try:
        return pyarrow.array(values.tolist(), kind)
    except UnicodeEncodeError as error:
        raise UsageError(
            f"A photo's name, {error.object[:80]!r}, is no text as Parquet needs it",
            "Rename it, or leave out --columns parquet",
        ) from error
