"""What is seen through the open mouth: never the outside or the back of a face, but the teeth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...data import FloatArray, HeadCoefficients, HeadMesh, IntArray
from ...geometry import MILLIMETRES
from ...geometry.rotations import rotation_from_vector
from ...geometry.triangles import quad_of_triangle, triangulate
from ...head.loops import mouth_rim
from ...head.mesh import person_mesh, person_of
from ...head.model import HeadModel
from ...rendering import Fragments, rasterize

# Pixels across the mouth, and half the width of what is drawn, metres.
SIDE, HALF = 96, 0.04
# Degrees to either side and up and down from which the mouth is looked into.
YAWS, PITCHES = (-60, -30, 0, 30, 60), (-30, 0, 30)
# Expressions that open the mouth; random people who have them.
OPEN: tuple[dict[str, float], ...] = (
    {"jawOpen": 1},
    {"jawOpen": 0.6, "mouthFunnel": 1},
    {"mouthFunnel": 1},
    {"jawOpen": 0.5, "tongueOut": 1},
    {"tongueOut": 1},
    {"jawOpen": 0.7, "jawLeft": 1},
    {"jawOpen": 0.5, "cheekPuff": 1},
    {"jawOpen": 0.4, "mouthSmileLeft": 1, "mouthSmileRight": 1},
)
SEED, PEOPLE = 50, 20
# Half the width of the middle of the mouth in which the incisors stand, metres.
MIDDLE = 0.006


@dataclass(frozen=True)
class Mouth:
    """What one view of the open mouth shows, in pixels of the opening.

    Attributes
    ----------
    pixels: of the opening. outside: with no face that looks at the viewer. backs: that show the
        back of a face. incisors_mm: how high the upper teeth are seen in the middle.
    """

    pixels: int
    outside: int
    backs: int
    incisors_mm: float


def measure_mouth(model: HeadModel, people: int = PEOPLE) -> dict[str, int]:
    """How many lines of sight go into the open mouths of random people, each with every expression
    of OPEN; and how many of them meet no face, or the back of one."""
    rng = np.random.default_rng(SEED)
    views: list[Mouth] = []
    for _ in range(people):
        identity = np.clip(rng.normal(size=model.identity_count), -2.5, 2.5)
        for keys in OPEN:
            mesh = with_expression(model, identity, keys)
            views += mouth_views(mesh, mesh.vertices_expressed)
    return {
        "into_the_mouth": sum(view.pixels for view in views),
        "outside": sum(view.outside for view in views),
        "backs": sum(view.backs for view in views),
    }


def with_expression(model: HeadModel, identity: FloatArray, keys: Mapping[str, float]) -> HeadMesh:
    """The mesh of a person (I,) with these expressions, by name."""
    expression = np.zeros(len(model.expression_names), np.float32)
    for name, value in keys.items():
        expression[model.expression_names.index(name)] = value
    coefficients = HeadCoefficients(identity.astype(np.float32), expression)
    return person_mesh(model, person_of(model, coefficients))


def mouth_views(mesh: HeadMesh, vertices: FloatArray) -> list[Mouth]:
    """The open mouth of a mesh with ``vertices`` (V, 3), metres, from all YAWS and PITCHES."""
    return [seen_in_mouth(mesh, vertices, yaw, pitch) for yaw in YAWS for pitch in PITCHES]


def seen_in_mouth(mesh: HeadMesh, vertices: FloatArray, yaw: float = 0, pitch: float = 0) -> Mouth:
    """What is seen between the lips from far away; yaw and pitch of the viewer in degrees."""
    rim = mouth_rim(mesh.quads, mesh.part, tuple(mesh.part_names))
    turn = rotation_from_vector(np.radians([pitch, 0, 0])) @ rotation_from_vector(
        np.radians([0, -yaw, 0])
    )
    seen = (vertices - vertices[rim].mean(0)) @ turn.T
    x, y = seen[:, :2].T * SIDE / (2 * HALF)
    flat = np.column_stack([SIDE / 2 + x, SIDE / 2 - y, 1 - seen[:, 2]]).astype(np.float32)
    # The opening: what a skin across the lips would cover.
    hub = np.append(flat, [flat[rim].mean(0)], axis=0)
    across = np.column_stack([rim, np.roll(rim, -1), np.full(len(rim), len(flat))])
    skin = triangulate(mesh.quads[mesh.part == mesh.part_names.index("skin")])
    first = _drawn(hub, np.concatenate([across, skin])).face
    opening = (first >= 0) & (first < len(across))
    triangles = triangulate(mesh.quads)
    ahead = _ahead(flat, triangles)
    culled = _drawn(flat, triangles[ahead]).face
    face = _drawn(flat, triangles).face
    part = mesh.part[quad_of_triangle(mesh.quads)][np.maximum(face, 0)]
    teeth = opening & (part == mesh.part_names.index("teeth_upper"))
    middle = slice(int(SIDE / 2 * (1 - MIDDLE / HALF)), int(SIDE / 2 * (1 + MIDDLE / HALF)))
    height = float(teeth[:, middle].sum(0).mean()) * 2 * HALF / SIDE
    return Mouth(
        int(opening.sum()),
        int((opening & (culled < 0)).sum()),
        int((opening & (face >= 0) & ~ahead[face]).sum()),
        MILLIMETRES * height,
    )


def _ahead(flat: FloatArray, triangles: IntArray) -> np.ndarray:
    """(T,) whether a triangle looks at the viewer; rows run down."""
    corner = flat[triangles][..., :2]
    one, two = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    return np.asarray(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0] < 0)


def _drawn(flat: FloatArray, triangles: IntArray) -> Fragments:
    return rasterize(flat.astype(np.float32), triangles.astype(np.int32), SIDE, SIDE)
