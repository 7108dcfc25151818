"""Build Effigy Head: our own topology, carrying the reference's statistics.

    python -m ml.training.head.build --reference out/head/reference.npz

Every vertex of the skin is a point on the reference's surface; the other parts follow theirs. So
mean, identity and expressions move over exactly, and coefficients keep their meaning when the
layout changes.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...card import write_card
from ...data import FloatArray, IntArray
from ...head.arkit import EXPRESSION_NAMES
from ...head.model import HeadModel, LinearShape, SurfacePoints
from ...head.storage import EFFIGY_HEAD, load_head_model, save_head_model
from ...head.surface import nearest_on_triangles, triangulate
from .domain import make_domain
from .layout import HalfLayout, SkinMesh, join_halves, lay_out_half, sample
from .parts import Carry, Part, eyeball, gaze, mouth_bag, teeth, tongue, tongue_out
from .sources import MIRROR
from .statistics import mirror_vertices
from .unwrap import ISLANDS, into_box, unwrap_skin

SOURCES = (
    "ICT-FaceKit light, (c) USC Institute for Creative Technologies, MIT",
    "MakeHuman / MPFB head and morph targets, CC0",
    "landmark embedding adapted on public-domain portraits labelled with MediaPipe (Apache-2.0)",
)
COMMANDS = (
    "python -m ml.training.head.reference --data DATA",
    "python -m ml.training.data.fits --data DATA",
    "python -m ml.training.head.adapt --data DATA",
    "python -m ml.training.head.build",
)
# Rows of the sets in MediaPipe's order that lie on the eyeballs.
IRISES = slice(468, 478)


def build(reference: HeadModel) -> tuple[HeadModel, dict[str, float]]:
    """Effigy Head on our topology, and how far its landmarks lie from the reference's, in mm."""
    opposite = mirror_vertices(reference.shape.mean)
    half = lay_out_half(make_domain(reference))
    skin = join_halves(half)

    def carry(field: FloatArray) -> FloatArray:
        return sample(skin, half.surface, field, opposite)

    mean = _exactly_mirrored(carry(reference.shape.mean), skin, half)
    flat = unwrap_skin(skin, mean, half.upper, half.neck)
    pieces = [_Piece("skin", mean, skin.quads, flat.uv, flat.uv_quads, carry)]
    jaw_open = reference.shape.expression[EXPRESSION_NAMES.index("jawOpen")]
    rim, rim_carry = mean[skin.mouth_rim], _subset(carry, skin.mouth_rim)
    parts = [
        mouth_bag(reference, rim, rim_carry),
        eyeball(reference, "left"),
        eyeball(reference, "right"),
        teeth(reference, jaw_open),
        tongue(reference, jaw_open),
    ]
    pieces += [_part_piece(part) for part in parts]
    # The bag's first ring *is* the lips' edge.
    model = _assembled(reference, pieces, {"mouth": skin.mouth_rim})
    _add_motion(model, "tongue", {"tongueOut": tongue_out(parts[-1])})
    for eye in parts[1:3]:
        _add_motion(model, eye.name, gaze(eye))
    return _with_embeddings(model, reference)


def _add_motion(model: HeadModel, part: str, moves: dict[str, FloatArray]) -> None:
    """Add displacements of a part's vertices to expressions, in place."""
    vertices = np.unique(model.quads[model.part_faces(part)])
    for name, displacement in moves.items():
        model.shape.expression[EXPRESSION_NAMES.index(name)][vertices] += displacement


@dataclass(frozen=True)
class _Piece:
    """A mesh with its own vertex and UV numbering."""

    name: str
    mean: FloatArray
    quads: IntArray
    uv: FloatArray
    uv_quads: IntArray
    carry: Carry


def _subset(carry: Carry, rows: IntArray) -> Carry:
    return lambda field: carry(field)[..., rows, :]


def _exactly_mirrored(mean: FloatArray, skin: SkinMesh, half: HalfLayout) -> FloatArray:
    """Remove the rounding between both halves; the midline's x becomes zero."""
    mirrored = mean.copy()
    mirrored[np.concatenate([half.upper, half.lower]), 0] = 0
    right = np.flatnonzero(skin.flipped)
    mirrored[right] = mirrored[skin.half[right]] * MIRROR
    return mirrored


def _like_neighbours(ring: IntArray, quads: IntArray) -> IntArray:
    """A ring of quads turned so that it runs against the neighbours along shared edges."""
    directed = {edge for k in range(4) for edge in map(tuple, quads[:, [k, (k + 1) % 4]].tolist())}
    agrees = (int(ring[0, 1]), int(ring[0, 0])) in directed
    return ring if agrees else ring[:, ::-1]


def _part_piece(part: Part) -> _Piece:
    uv = into_box(part.uv, ISLANDS[part.name])
    return _Piece(part.name, part.mean, part.quads, uv, part.quads, part.carry)


def _assembled(reference: HeadModel, pieces: list[_Piece], welds: dict[str, IntArray]) -> HeadModel:
    """One model of all pieces. ``welds``: the first vertices of a piece are these of the first."""
    means: list[FloatArray] = []
    quads: list[IntArray] = []
    uvs: list[FloatArray] = []
    uv_quads: list[IntArray] = []
    parts: list[np.ndarray] = []
    keeps: list[np.ndarray] = []
    vertices = coordinates = 0
    for number, piece in enumerate(pieces):
        weld = welds.get(piece.name, np.zeros(0, np.int32))
        keep = np.arange(len(weld), len(piece.mean))
        index = np.concatenate([weld, vertices + np.arange(len(keep))])
        own = index[piece.quads]
        if len(weld):
            own = _like_neighbours(own, quads[0])
        flipped = own[0, 0] != index[piece.quads][0, 0]
        quads.append(own)
        uv_quads.append((piece.uv_quads[:, ::-1] if flipped else piece.uv_quads) + coordinates)
        means.append(piece.mean[keep])
        uvs.append(piece.uv)
        parts.append(np.full(len(piece.quads), number, np.uint8))
        keeps.append(keep)
        vertices += len(keep)
        coordinates += len(piece.uv)

    def carry(field: FloatArray) -> FloatArray:
        moved = [p.carry(field)[..., keep, :] for p, keep in zip(pieces, keeps, strict=True)]
        return np.concatenate(moved, axis=-2)

    return HeadModel(
        model_id=reference.model_id,
        version=reference.version,
        licence="CC0-1.0",
        shape=LinearShape(
            np.concatenate(means).astype(np.float32),
            carry(reference.shape.identity),
            carry(reference.shape.expression),
        ),
        expression_names=reference.expression_names,
        quads=np.concatenate(quads).astype(np.int32),
        uv=np.concatenate(uvs).astype(np.float32),
        uv_quads=np.concatenate(uv_quads).astype(np.int32),
        part=np.concatenate(parts),
        part_names=tuple(piece.name for piece in pieces),
    )


def _with_embeddings(model: HeadModel, reference: HeadModel) -> tuple[HeadModel, dict[str, float]]:
    """The reference's landmark sets on our surface.

    Looked up with the mouth open, so that a point of one lip cannot land on the other.
    """
    jaw = EXPRESSION_NAMES.index("jawOpen")
    ours, theirs = (
        item.shape.mean + 0.6 * item.shape.expression[jaw] for item in (model, reference)
    )
    skin = triangulate(model.quads[model.part_faces("skin")])
    eyes = triangulate(model.quads[model.part_faces("eye_left", "eye_right")])
    sets, figures = {}, {}
    for name, embedding in reference.embeddings.items():
        wanted = embedding.on(theirs)
        found = nearest_on_triangles(ours, skin, wanted)
        if name != "ibug68":
            iris = nearest_on_triangles(ours, eyes, wanted[IRISES])
            corners, weights = found.corners.copy(), found.weights.copy()
            corners[IRISES], weights[IRISES] = iris.corners, iris.weights
            found = SurfacePoints(corners, weights)
        distance = 1000 * np.linalg.norm(found.on(ours) - wanted, axis=1)
        figures[f"{name}_mean_mm"] = round(float(distance.mean()), 3)
        figures[f"{name}_max_mm"] = round(float(distance.max()), 3)
        sets[name] = found
    return replace(model, embeddings=sets), figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path, default=Path("out/head/reference.npz"))
    parser.add_argument("--out", type=Path, default=EFFIGY_HEAD)
    arguments = parser.parse_args()
    reference = load_head_model(arguments.reference)
    model, figures = build(reference)
    save_head_model(model, arguments.out)
    counts = {
        "vertices": model.vertex_count,
        "quads": len(model.quads),
        "identity_modes": model.identity_count,
        "expressions": len(model.expression_names),
    }
    card = write_card(
        arguments.out,
        name="Effigy Head",
        licence=model.licence,
        commercial_use=True,
        sources=SOURCES,
        command=" && ".join(COMMANDS),
        details={"id": model.model_id, "version": model.version, **counts, **figures},
    )
    print(f"{arguments.out}: {card.size / 1e6:.2f} MB, {counts}, {figures}")


if __name__ == "__main__":
    main()
