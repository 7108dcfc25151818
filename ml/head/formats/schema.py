"""Shared by the readers of head models: schema checks and the assembly of a HeadModel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...assets.archive import (
    Expected,
    Sized,
    check_finite,
    check_indices,
    check_shapes,
    read_arrays,
)
from ...data import FloatArray, IntArray
from ...errors import ModelUnreadable
from ..model import HeadModel, LinearShape


@dataclass(frozen=True)
class ModelFile:
    """A file that is being read; its checks raise errors that name the file and the model.

    Attributes
    ----------
    path: the person's own file. kind: the model's name in messages ("FLAME").
    hint: says which file is needed and where to get it.
    """

    path: Path
    kind: str
    hint: str

    def unreadable(self, why: object) -> ModelUnreadable:
        """The error for a file that cannot be read at all."""
        return ModelUnreadable(f"{self.path} could not be read as {self.kind} ({why})", self.hint)

    def need(self, found: Mapping[str, object], names: Sequence[str]) -> None:
        """Raise :class:`ModelUnreadable` if arrays of ``names`` are missing; it lists them all."""
        missing = [name for name in names if name not in found]
        if missing:
            raise ModelUnreadable(
                f"{self.path} is not a whole {self.kind} file: it lacks {', '.join(missing)}",
                self.hint,
            )

    def check_faces(self, name: str, faces: np.ndarray, count: int) -> None:
        """Raise unless every index of ``faces`` is one of ``count`` vertices."""
        try:
            check_indices(name, faces, count)
        except ValueError as error:
            raise ModelUnreadable(f"{self.path}: {error}", self.hint) from error

    def arrays(self, names: Sequence[str], shapes: Mapping[str, Expected]) -> dict[str, np.ndarray]:
        """The arrays of an ``.npz`` that ``shapes`` lists; all ``names`` are required."""

        def check(found: Mapping[str, Sized]) -> None:
            self.need(found, names)
            self.check_shapes(found, shapes)

        try:
            return read_arrays(self.path, dict.fromkeys([*names, *shapes]), check)
        except (OSError, ValueError, MemoryError) as error:
            raise self.unreadable(error) from error

    def check_shapes(self, found: Mapping[str, Sized], shapes: Mapping[str, Expected]) -> None:
        """Raise unless the arrays that are ``found`` have these types and shapes."""
        try:
            check_shapes(found, shapes)
        except ValueError as error:
            raise ModelUnreadable(f"{self.path} is no {self.kind} file: {error}", self.hint) from (
                error
            )

    def finite(self, model: HeadModel) -> HeadModel:
        """``model``, if all its numbers are finite."""
        shape = model.shape
        arrays = {
            "mean": shape.mean,
            "identity": shape.identity,
            "expression": shape.expression,
            "UV": model.uv,
        }
        try:
            for name, array in arrays.items():
                check_finite(name, array)
        except ValueError as error:
            raise self.unreadable(error) from error
        return model


@dataclass(frozen=True)
class Faces:
    """The faces of a model; without UV (None) every corner gets (0, 0).

    Attributes
    ----------
    quads: (F, 4); a triangle repeats its last index. uv: (T, 2). uv_quads: (F, 4).
    part: (F,) uint8 index into part_names; by default all faces are skin.
    """

    quads: IntArray
    uv: FloatArray | None = None
    uv_quads: IntArray | None = None
    part: np.ndarray | None = None
    part_names: tuple[str, ...] = field(default=("skin",))


def head_model(
    origin: tuple[str, str, str], shape: LinearShape, names: tuple[str, ...], mesh: Faces
) -> HeadModel:
    """Assemble a model without landmark sets.

    Parameters
    ----------
    origin: model_id, version, licence. names: (E,) of the expressions.
    """
    quads = mesh.quads.astype(np.int32)
    has_uv = mesh.uv is not None and mesh.uv_quads is not None
    uv = np.asarray(mesh.uv if has_uv else np.zeros((1, 2)), np.float32)
    uv_quads = np.asarray(mesh.uv_quads if has_uv else np.zeros_like(quads), np.int32)
    part = mesh.part if mesh.part is not None else np.zeros(len(quads), np.uint8)
    model_id, version, licence = origin
    return HeadModel(
        model_id, version, licence, shape, names, quads, uv, uv_quads, part, mesh.part_names
    )


def as_basis(deltas: np.ndarray, unit: float | FloatArray) -> FloatArray:
    """(3V, K) or (V, 3, K) columns -> (K, V, 3) in metres; ``unit``: a factor, or (K,) factors."""
    # Numbers that are too large become infinite, which ModelFile.finite refuses.
    with np.errstate(over="ignore", invalid="ignore"):
        columns = deltas.reshape(-1, deltas.shape[-1]) * np.asarray(unit)
        return np.ascontiguousarray(columns.T, dtype=np.float32).reshape(deltas.shape[-1], -1, 3)


def quads_of(triangles: np.ndarray) -> IntArray:
    """(F, 3) -> (F, 4), the last index repeated."""
    return np.asarray(triangles[:, [0, 1, 2, 2]], dtype=np.int32)


def outward(vertices: FloatArray, triangles: np.ndarray) -> np.ndarray:
    """(F, 3) ``triangles``, all reversed if their normals point inwards on average.

    Works for open meshes, too: normals are compared with directions from the vertices' mean.
    """
    corner = vertices[triangles].astype(np.float64)
    across = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    out = (across * (corner.mean(1) - vertices.mean(0))).sum()
    return triangles if out >= 0 else triangles[:, ::-1]
