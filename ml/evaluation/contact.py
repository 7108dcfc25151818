"""Lids that close, lips that meet, a tongue that clears the teeth: on the mean and on others."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ..data import FloatArray, IntArray
from ..head.contact import LID_KEYS, MARGIN_RINGS, ball_centre
from ..head.model import HeadModel
from ..head.surface import nearest_on_triangles, triangulate
from ..rendering import vertex_normals
from .head_topology import concentric_loops, mouth_rim

SEED, PEOPLE = 50, 50
MILLIMETRES = 1000.0
# Rings of the lid that may touch the eyeball, from the rim outwards.
LID_RINGS = 7
# Rings from the mouth's rim outwards among which the lips touch.
LIP_RINGS = 6


def measure_contact(model: HeadModel, people: int = PEOPLE) -> dict[str, dict[str, float]]:
    """Millimetres on the mean and the worst of ``people`` random people, by what touches what."""
    rng = np.random.default_rng(SEED)
    crowd = np.clip(rng.normal(size=(people, model.identity_count)), -2.5, 2.5)
    rows = [_person(model, row) for row in [np.zeros(model.identity_count), *crowd]]
    return {
        name: {"mean_head": rows[0][name], "worst": max(row[name] for row in rows)}
        for name in rows[0]
    }


def _person(model: HeadModel, identity: np.ndarray) -> dict[str, float]:
    neutral, keys = model.person(identity.astype(np.float32))

    def posed(*names: str) -> FloatArray:
        return neutral + sum(keys[model.expression_names.index(name)] for name in names)

    blink = posed("eyeBlinkLeft", "eyeBlinkRight")
    loops = concentric_loops(model.quads[model.part_faces("skin")], mouth_rim(model))[:LIP_RINGS]
    return {
        "lid_gap": max(_lid_gap(blink[eye.rings]) for eye in model.lids.values()),
        "lid_in_ball": max(
            _depth_in_ball(posed(key + side), eye.rings, eye.ball, ball_centre(neutral[eye.ball]))
            for side, eye in model.lids.items()
            for key in LID_KEYS
        ),
        "lip_gap_at_rest": lip_gap(neutral, loops),
        "lip_gap_closed_over_open_jaw": lip_gap(posed("jawOpen", "mouthClose"), loops),
        "tongue_in_teeth": _tongue_in_teeth(model, posed("tongueOut")),
    }


def _lid_gap(rings: FloatArray) -> float:
    """(K, P, 3): the widest of all columns' smallest distance between both margins."""
    count = rings.shape[1]
    upper = np.arange(1, count // 2)
    margin = rings[-MARGIN_RINGS:]
    apart = np.linalg.norm(margin[:, upper] - margin[:, count - upper], axis=2)
    return MILLIMETRES * float(apart.min(0).max())


def _depth_in_ball(
    vertices: FloatArray, rings: IntArray, ball: IntArray, centre: FloatArray
) -> float:
    """How deep the lid's vertices and the middles of its quads lie in the eyeball."""
    lid = vertices[rings[-LID_RINGS:]]
    middles = (lid[1:] + lid[:-1] + np.roll(lid, -1, 1)[1:] + np.roll(lid, -1, 1)[:-1]) / 4
    points = np.concatenate([lid.reshape(-1, 3), middles.reshape(-1, 3)]) - centre
    away = vertices[ball] - centre
    radius = np.linalg.norm(away, axis=1)
    far = np.linalg.norm(points, axis=1)
    # The surface between the ball's vertices: the mean of the three nearest, by direction.
    distance, nearest = cKDTree(away / radius[:, None]).query(points / far[:, None], k=3)
    weight = 1 / (distance + 1e-6)
    surface = (radius[nearest] * weight).sum(1) / weight.sum(1)
    return MILLIMETRES * float(np.clip(surface - far, 0, None).max())


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
