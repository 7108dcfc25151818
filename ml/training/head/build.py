"""Build Effigy Head: our own topology, carrying the reference's statistics.

    python -m ml.training.head.build --reference out/head/reference.npz

Every vertex of the skin is a point on the reference's surface; the other parts follow theirs. So
mean, identity and expressions move over exactly, and coefficients keep their meaning when the
layout changes.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...assets.card import write_card
from ...data import FloatArray, IntArray
from ...geometry import MILLIMETRES
from ...geometry.mirror import MIRROR, mirror_twins
from ...geometry.triangles import triangulate, triangulate_with_uv
from ...head.arkit import EXPRESSION_NAMES
from ...head.contact import LidRings
from ...head.model import HeadModel, Level, SurfacePoints
from ...head.storage import EFFIGY_HEAD, load_head_model, read_head_model, save_head_model
from ...head.surface import nearest_on_triangles
from ..arguments import file_options
from .gaze import sphere
from .kept import with_skin_of
from .landmarks.sets import join
from .topology.assemble import Piece, add_motion, assembled, piece_of
from .topology.domain import make_domain
from .topology.ears import rounded, rounding
from .topology.layout import BASE, LOW, HalfLayout, LayoutSize, lay_out_half
from .topology.lips import sealed
from .topology.masks import make_joints, make_masks
from .topology.parts import Carry, Part, smoothstep, vertices_of
from .topology.parts_bust import bust
from .topology.parts_eye import eyeball
from .topology.parts_lashes import lashes
from .topology.parts_mouth import LIPS_PART, mouth_bag, tongue, tongue_out
from .topology.parts_tear import tear
from .topology.parts_teeth import teeth_and_gums
from .topology.skin import SkinMesh, join_halves, sample
from .topology.uv_layout import unwrap_skin

SOURCES = (
    "ICT-FaceKit light, (c) USC Institute for Creative Technologies, MIT",
    "MakeHuman / MPFB head and morph targets, CC0",
    "landmark embedding adapted on public-domain portraits labelled with MediaPipe (Apache-2.0)",
)
COMMANDS = (
    "python -m ml.training.head.statistics.reference --data DATA",
    "python -m ml.training.data.fits --data DATA",
    "python -m ml.training.head.landmarks.adapt --data DATA",
    "python -m ml.training.head.build",
)
# Of the mesh and the meaning of its coefficients; the reference has its own.
VERSION = "4"
# Rows of the sets in MediaPipe's order that lie on the eyeballs.
IRISES = slice(468, 478)
# NoW's seven: eye corners, nose bottom, mouth corners.
NOW = (36, 39, 42, 45, 33, 48, 54)
# REALY's points after the 68: its authors place them by hand on every topology. Its protocol uses
# 70 and 71 (alae) and 76 and 77 (cheeks); the others follow its figure.
REALY_EXTRA = (468, 473, 64, 294, 114, 343, 145, 374, 50, 280, 123, 352, 108, 337, 151, 21, 251)
SIDES = ("left", "right")
# Heights on the chin, metres, from which the lips' parting for the tongue fades in.
CHIN = (-0.070, -0.054)
EYE_PARTS = [f"{part}_{side}" for part in ("eye", "iris", "pupil") for side in SIDES]


def build(
    reference: HeadModel, earlier: HeadModel | None = None
) -> tuple[HeadModel, dict[str, float]]:
    """Effigy Head on our topology, and how far its landmarks lie from the reference's, in mm.

    earlier: a head of the same layout whose skin is kept as it is, with its landmarks.
    """
    model = _drawn(reference, BASE)
    model, figures = _with_landmark_sets(model, reference)
    model = replace(model, version=VERSION, masks=make_masks(model), joints=make_joints(model))
    if earlier is not None:
        model, figures = with_skin_of(earlier, model, ("tongueOut",)), {}
    return replace(model, low=_level(_drawn(reference, LOW), model)), figures


def _drawn(reference: HeadModel, size: LayoutSize) -> HeadModel:
    """The head in one size, without landmarks."""
    opposite = mirror_twins(reference.shape.mean)
    half = lay_out_half(make_domain(reference), size)
    skin = join_halves(half)

    sampled = sample(skin, half.surface, reference.shape.mean, opposite)
    weights = rounding(skin.ear_rings, sampled)

    def carry(field: FloatArray) -> FloatArray:
        return rounded(sample(skin, half.surface, field, opposite), skin.ear_rings, weights)

    mean = _exactly_mirrored(carry(reference.shape.mean), skin, half)
    # The bag's first ring *is* the lips' edge.
    bag = mouth_bag(reference, mean[skin.mouth_rim], _subset(carry, skin.mouth_rim))
    below = bust(mean[skin.neck], _subset(carry, skin.neck))
    eyes = [eyeball(reference, side) for side in SIDES]
    borders = [_lid_parts(eye, mean, skin, carry) for eye in eyes]
    jaw_open = reference.shape.expression[EXPRESSION_NAMES.index("jawOpen")]
    tongue_part = tongue(reference, jaw_open)
    inner = [*eyes, *(part for parts in borders for part, _ in parts)]
    inner += [*teeth_and_gums(reference, jaw_open), tongue_part]
    pieces = [_skin_piece(skin, mean, half, carry), piece_of(bag, skin.mouth_rim)]
    welds = {f"tear_{side}": rings[-1] for side, rings in zip(SIDES, skin.eye_rings, strict=True)}
    pieces += [*(piece_of(part, welds.get(part.name)) for part in inner)]
    pieces.append(piece_of(below, skin.neck))
    model, index = assembled(reference, pieces)
    rows = {part.name: own for part, own in zip(inner, index[2:-1], strict=True)}
    _put_out(model, tongue_part, rows["tongue"])
    lids = {}
    for eye, parts, rings in zip(eyes, borders, skin.eye_rings, strict=True):
        # What is welded to the lids is theirs already.
        carried = np.concatenate([rows[part.name][-len(own) :] for part, own in parts])
        columns = np.concatenate([own for _, own in parts])
        lids[_side(eye).title()] = LidRings(rings, carried, columns, rows[eye.name])
    shape = sealed(model.shape, model.expression_names, skin.mouth_rings)
    return replace(model, shape=shape, lids=lids)


def _lid_parts(
    eye: Part, mean: FloatArray, skin: SkinMesh, carry: Carry
) -> list[tuple[Part, IntArray]]:
    """Lashes, caruncle and tear film of one eye, and the column of the lids each vertex is at."""
    side = _side(eye)
    rings = skin.eye_rings[SIDES.index(side)]
    return [
        lashes(f"lashes_{side}", mean, rings, carry),
        tear(f"tear_{side}", mean, rings, sphere(eye.mean.astype(np.float64)), carry),
    ]


def _side(eye: Part) -> str:
    return eye.name.removeprefix("eye_")


def _put_out(model: HeadModel, part: Part, rows: IntArray) -> None:
    """Let tongueOut move the tongue and part the lips, in place, and leave jaw and chin alone.

    The reference's lowers the jaw instead: pictures of it are what the networks learn from.
    """
    moves, names = model.shape.expression, model.expression_names
    parted = sum(share * moves[names.index(name)] for name, share in LIPS_PART.items())
    above = smoothstep((model.shape.mean[:, 1:2] - CHIN[0]) / (CHIN[1] - CHIN[0]))
    moves[names.index("tongueOut")] = above * parted
    add_motion(model, rows, {"tongueOut": tongue_out(part)})


def _skin_piece(skin: SkinMesh, mean: FloatArray, half: HalfLayout, carry: Carry) -> Piece:
    flat = unwrap_skin(skin, mean, half)
    labels, nothing = np.zeros(len(skin.quads), np.uint8), np.zeros(0, np.int32)
    return Piece(
        ("skin",), labels, mean, skin.quads, flat.uv, flat.uv_quads, carry=carry, weld=nothing
    )


def _level(drawn: HeadModel, base: HeadModel) -> Level:
    """``drawn`` as a level of ``base``: its vertices looked up on the base's surface, part by part,
    with the mouth open so that lips cannot be confused."""
    jaw = EXPRESSION_NAMES.index("jawOpen")
    places, surface = (item.shape.mean + 0.6 * item.shape.expression[jaw] for item in (drawn, base))
    corners = np.zeros((drawn.vertex_count, 3), np.int32)
    weights = np.zeros((drawn.vertex_count, 3), np.float32)
    for name in reversed(drawn.part_names):
        vertices = np.unique(drawn.quads[drawn.part_faces(name)])
        found = nearest_on_triangles(
            surface, triangulate(base.quads[base.part_faces(name)]), places[vertices]
        )
        corners[vertices], weights[vertices] = found.corners, found.weights
    return Level(
        SurfacePoints(corners, weights),
        drawn.quads,
        _same_uv(drawn, base),
        drawn.uv_quads,
        drawn.part,
    )


def _same_uv(drawn: HeadModel, base: HeadModel) -> FloatArray:
    """``drawn``'s UV with its skin where the base has it, so that one texture serves both.

    Left and right halves are looked up on the left and mirrored, so that the seam's two sides stay
    apart.
    """
    faces = base.part_faces("skin")
    left = faces[base.shape.mean[base.quads[faces]][..., 0].min(1) > -1e-6]
    corners, flat = triangulate_with_uv(base.quads[left], base.uv_quads[left])
    uv_of = np.zeros((base.vertex_count, 2), np.float32)
    uv_of[corners] = base.uv[flat]
    uv = drawn.uv.copy()
    skin = drawn.part_faces("skin")
    for quad, uv_quad in zip(drawn.quads[skin].T, drawn.uv_quads[skin].T, strict=True):
        place = drawn.shape.mean[quad]
        right = drawn.shape.mean[drawn.quads[skin]][..., 0].min(1) < -1e-6
        place = np.where(right[:, None], place * MIRROR, place).astype(np.float32)
        found = nearest_on_triangles(base.shape.mean, corners, place).on(uv_of)
        found[right, 0] = 1 - found[right, 0]
        uv[uv_quad] = found
    return uv


def _subset(carry: Carry, rows: IntArray) -> Carry:
    return lambda field: carry(field)[..., rows, :]


def _exactly_mirrored(mean: FloatArray, skin: SkinMesh, half: HalfLayout) -> FloatArray:
    """Remove the rounding between both halves; the midline's x becomes zero."""
    mirrored = mean.copy()
    mirrored[np.concatenate([half.upper, half.lower]), 0] = 0
    right = np.flatnonzero(skin.flipped)
    mirrored[right] = mirrored[skin.half[right]] * MIRROR
    return mirrored


def _with_landmark_sets(
    model: HeadModel, reference: HeadModel
) -> tuple[HeadModel, dict[str, float]]:
    """The reference's landmark sets on our surface.

    Looked up with the mouth open, so that a point of one lip cannot land on the other.
    """
    jaw = EXPRESSION_NAMES.index("jawOpen")
    ours, theirs = (
        item.shape.mean + 0.6 * item.shape.expression[jaw] for item in (model, reference)
    )
    skin = triangulate(model.quads[model.part_faces("skin")])
    eyes = triangulate(model.quads[model.part_faces(*EYE_PARTS)])
    sets, figures = {}, {}
    for name, landmark_set in reference.landmark_sets.items():
        wanted = landmark_set.on(theirs)
        found = nearest_on_triangles(ours, skin, wanted)
        if name != "ibug68":
            iris = nearest_on_triangles(ours, eyes, wanted[IRISES])
            corners, weights = found.corners.copy(), found.weights.copy()
            corners[IRISES], weights[IRISES] = iris.corners, iris.weights
            found = SurfacePoints(corners, weights)
        on_teeth = np.isin(landmark_set.corners[:, 0], vertices_of(reference, "Teeth"))
        if on_teeth.any():
            found.corners[on_teeth], found.weights[on_teeth] = _on_teeth(
                ours, model, wanted[on_teeth]
            )
        distance = MILLIMETRES * np.linalg.norm(found.on(ours) - wanted, axis=1)
        figures[f"{name}_mean_mm"] = round(float(distance.mean()), 3)
        figures[f"{name}_max_mm"] = round(float(distance.max()), 3)
        sets[name] = found
    sets["now7"] = sets["ibug68"].take(np.array(NOW))
    sets["realy85"] = join(sets["ibug68"], sets["mediapipe478"].take(np.array(REALY_EXTRA)))
    return replace(model, landmark_sets=sets), figures


def _on_teeth(
    ours: FloatArray, model: HeadModel, wanted: FloatArray
) -> tuple[IntArray, FloatArray]:
    teeth = triangulate(model.quads[model.part_faces("teeth_upper", "teeth_lower")])
    found = nearest_on_triangles(ours, teeth, wanted)
    return found.corners, found.weights


def command(*, kept: bool) -> str:
    """What makes the head; kept: with the skin of an earlier one."""
    return " && ".join(COMMANDS) + (" --skin ml/head/assets/effigy_head.npz" if kept else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, parents=[file_options("reference")])
    parser.add_argument("--out", type=Path, default=EFFIGY_HEAD)
    parser.add_argument("--skin", type=Path, help="an earlier head whose skin is kept as it is")
    arguments = parser.parse_args()
    reference = load_head_model(arguments.reference)
    earlier = read_head_model(arguments.skin) if arguments.skin else None
    model, figures = build(reference, earlier)
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
        command=command(kept=earlier is not None),
        details={"id": model.model_id, "version": model.version, **counts, **figures},
    )
    print(f"{arguments.out}: {card.size / 1e6:.2f} MB, {counts}, {figures}")


if __name__ == "__main__":
    main()
