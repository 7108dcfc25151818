"""Lids that close, lips that meet, a tongue that clears the teeth: on the mean and on others."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ...data import FloatArray, IntArray
from ...geometry import MILLIMETRES
from ...geometry.triangles import triangulate
from ...head.contact import LID_KEYS, MARGIN_RINGS, refined
from ...head.loops import concentric_loops, mouth_rim
from ...head.model import HeadModel
from ...head.surface import nearest_on_triangles
from ...rendering import vertex_normals
from .corners import open_corners

SEED, PEOPLE = 50, 50
# Rings of the lid that may touch the eyeball, from the rim outwards.
LID_RINGS = 7
# Rings from the mouth's rim outwards among which the lips touch.
LIP_RINGS = 6


def measure_contact(model: HeadModel, people: int = PEOPLE) -> dict[str, dict[str, float]]:
    """On the mean and the worst of ``people`` random people, by what touches what: millimetres, and
    square millimetres that stay open at the corners of closed eyes."""
    rng = np.random.default_rng(SEED)
    crowd = np.clip(rng.normal(size=(people, model.identity_count)), -2.5, 2.5)
    rows = [contacts_of(model, row) for row in [np.zeros(model.identity_count), *crowd]]
    return {
        name: {"mean_head": rows[0][name], "worst": max(row[name] for row in rows)}
        for name in rows[0]
    }


def contacts_of(model: HeadModel, identity: FloatArray) -> dict[str, float]:
    """Figures on one person (I,), as those of :func:`measure_contact`."""
    neutral, keys = model.person(identity.astype(np.float32))

    def posed(*names: str) -> FloatArray:
        moves = [keys[model.expression_names.index(name)] for name in names]
        return np.asarray(neutral + np.sum(moves, axis=0) if moves else neutral)

    blink = posed("eyeBlinkLeft", "eyeBlinkRight")
    rim = mouth_rim(model.quads, model.part, model.part_names)
    loops = concentric_loops(model.quads[model.part_faces("skin")], rim)[:LIP_RINGS]
    return {
        "lid_gap": max(_lid_gap(blink[eye.rings]) for eye in model.lids.values()),
        "open_corners_mm2": max(open_corners(model, blink, side) for side in model.lids),
        "lid_in_ball": max(
            _depth_in_ball(model, posed(*key), side)
            for side in model.lids
            for key in [(), *((name + side,) for name in LID_KEYS)]
        ),
        "lip_gap_at_rest": lip_gap(neutral, loops),
        "lip_gap_closed_over_open_jaw": lip_gap(posed("jawOpen", "mouthClose"), loops),
        "tongue_in_teeth": _tongue_in_teeth(model, posed("jawOpen", "tongueOut")),
    }


def _lid_gap(rings: FloatArray) -> float:
    """(K, P, 3): the widest of all columns' smallest distance between both margins."""
    count = rings.shape[1]
    upper = np.arange(1, count // 2)
    margin = rings[-MARGIN_RINGS:]
    apart = np.linalg.norm(margin[:, upper] - margin[:, count - upper], axis=2)
    return MILLIMETRES * float(apart.min(0).max())


def _depth_in_ball(model: HeadModel, vertices: FloatArray, side: str) -> float:
    """How deep the lid lies in the eyeball: its vertices and what is a quarter, half and three
    quarters of the way between them."""
    lid = vertices[model.lids[side].rings[-LID_RINGS:]]
    points = refined(refined(lid)).reshape(-1, 3).astype(np.float32)
    ball = model.part_faces(*(f"{part}_{side.lower()}" for part in ("eye", "iris", "pupil")))
    triangles = triangulate(model.quads[ball])
    found = nearest_on_triangles(vertices, triangles, points, candidates=12)
    behind = (found.on(vertex_normals(vertices, triangles)) * (found.on(vertices) - points)).sum(1)
    return MILLIMETRES * float(np.clip(behind, 0, None).max())


def lip_gap(vertices: FloatArray, loops: list[IntArray]) -> float:
    """How far apart the lips stay where they come closest, the widest place along the mouth."""
    rings = np.stack(loops)
    first = rings[0]
    places = vertices[first]
    left, right = int(places[:, 0].argmax()), int(places[:, 0].argmin())
    low, high = sorted((left, right))
    one = np.arange(low + 2, high - 1)
    other = np.concatenate([np.arange(high + 2, len(first)), np.arange(0, low - 1)])
    # Each vertex of one lip against the other lip's, over all rings that may touch.
    opposite = cKDTree(vertices[rings[:, other]].reshape(-1, 3))
    distance, _ = opposite.query(vertices[rings[:, one]])
    return MILLIMETRES * float(distance.min(0).max())


def _tongue_in_teeth(model: HeadModel, vertices: FloatArray) -> float:
    """How deep vertices of the tongue lie behind the nearest surface of the teeth."""
    tongue = np.unique(model.quads[model.part_faces("tongue")])
    depth = 0.0
    for row in ("teeth_upper", "teeth_lower"):
        triangles = triangulate(model.quads[model.part_faces(row)])
        normals = vertex_normals(vertices, triangles)
        found = nearest_on_triangles(vertices, triangles, vertices[tongue])
        away = vertices[tongue] - found.on(vertices)
        near = np.linalg.norm(away, axis=1) < 0.003
        behind = -(away * found.on(normals)).sum(1)
        depth = max(depth, float(np.where(near, behind, 0).max()))
    return MILLIMETRES * depth
