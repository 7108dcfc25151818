"""One head model from the skin and its parts, each a mesh with its own numbering."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....data import FloatArray, IntArray
from ....head.arkit import EXPRESSION_NAMES
from ....head.model import HeadModel, LinearShape
from .parts import Carry, Part
from .uv_layout import ISLANDS, into_box


@dataclass(frozen=True)
class Piece:
    """A mesh with its own vertex and UV numbering.

    Attributes
    ----------
    labels: (F,) index of every quad into names. weld: vertices of the first piece that the first
        vertices of this one are.
    """

    names: tuple[str, ...]
    labels: np.ndarray
    mean: FloatArray
    quads: IntArray
    uv: FloatArray
    uv_quads: IntArray
    carry: Carry
    weld: IntArray


def piece_of(part: Part, weld: IntArray | None = None) -> Piece:
    """A part, its UV in its own box."""
    labels = np.zeros(len(part.quads), np.uint8) if part.labels is None else part.labels
    return Piece(
        part.label_names or (part.name,),
        labels,
        part.mean,
        part.quads,
        into_box(part.uv, ISLANDS[part.name]),
        part.quads if part.uv_quads is None else part.uv_quads,
        part.carry,
        np.zeros(0, np.int32) if weld is None else weld,
    )


def assembled(reference: HeadModel, pieces: list[Piece]) -> tuple[HeadModel, list[IntArray]]:
    """One model of all pieces, and for each piece the model's vertices that are its own."""
    index = _numbered(pieces)
    quads: list[IntArray] = []
    uv_quads: list[IntArray] = []
    coordinates = 0
    for piece, rows in zip(pieces, index, strict=True):
        own = rows[piece.quads]
        turned = bool(len(piece.weld)) and _runs_along(own[0], quads[0])
        quads.append(own[:, ::-1] if turned else own)
        uv_quads.append((piece.uv_quads[:, ::-1] if turned else piece.uv_quads) + coordinates)
        coordinates += len(piece.uv)
    first = np.cumsum([0, *(len(piece.names) for piece in pieces)])

    def carry(field: FloatArray) -> FloatArray:
        moved = [piece.carry(field)[..., len(piece.weld) :, :] for piece in pieces]
        return np.concatenate(moved, axis=-2)

    shape = reference.shape
    mean = np.concatenate([piece.mean[len(piece.weld) :] for piece in pieces])
    model = HeadModel(
        model_id=reference.model_id,
        version=reference.version,
        licence="CC0-1.0",
        shape=LinearShape(mean.astype(np.float32), carry(shape.identity), carry(shape.expression)),
        expression_names=reference.expression_names,
        quads=np.concatenate(quads).astype(np.int32),
        uv=np.concatenate([piece.uv for piece in pieces]).astype(np.float32),
        uv_quads=np.concatenate(uv_quads).astype(np.int32),
        part=np.concatenate([piece.labels + first[k] for k, piece in enumerate(pieces)]).astype(
            np.uint8
        ),
        part_names=tuple(name for piece in pieces for name in piece.names),
    )
    return model, index


def _numbered(pieces: list[Piece]) -> list[IntArray]:
    """For each piece, the whole model's numbers of its vertices."""
    index: list[IntArray] = []
    vertices = 0
    for piece in pieces:
        kept = len(piece.mean) - len(piece.weld)
        index.append(np.concatenate([piece.weld, vertices + np.arange(kept)]).astype(np.int32))
        vertices += kept
    return index


def _runs_along(quad: IntArray, quads: IntArray) -> bool:
    """Whether ``quad``'s first edge runs in the direction in which a quad of ``quads`` has it:
    neighbours of one surface run along a shared edge in opposite directions."""
    following = quads[:, [1, 2, 3, 0]]
    return bool(((quads == quad[0]) & (following == quad[1])).any())


def add_motion(model: HeadModel, vertices: IntArray, moves: dict[str, FloatArray]) -> None:
    """Add displacements of some vertices to expressions, in place."""
    for name, displacement in moves.items():
        model.shape.expression[EXPRESSION_NAMES.index(name)][vertices] += displacement
