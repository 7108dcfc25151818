"""The points that a person marks on a head of their own: where they are on an Effigy head.

NumPy only: Blender's own Python reads the names.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from ..data import FloatArray, HeadMesh
from ..errors import HeadError
from ..geometry.alignment import best_similarity

# Label, and the iBUG-68 landmark of each mark; left and right are the subject's.
MARKS: Mapping[str, tuple[str, int]] = {
    "nose_tip": ("Tip of the nose", 30),
    "nose_root": ("Root of the nose", 27),
    "nose_base": ("Base of the nose", 33),
    "eye_outer_right": ("Right eye, outer corner", 36),
    "eye_inner_right": ("Right eye, inner corner", 39),
    "eye_inner_left": ("Left eye, inner corner", 42),
    "eye_outer_left": ("Left eye, outer corner", 45),
    "mouth_right": ("Right corner of the mouth", 48),
    "mouth_left": ("Left corner of the mouth", 54),
    "lip_upper": ("Upper lip, middle", 51),
    "lip_lower": ("Lower lip, middle", 57),
    "chin": ("Chin", 8),
}
FEWEST = 5
_MIRROR = np.array([-1.0, 1.0, 1.0])
# Marks that are interchanged lie so many times nearer to their places when changed back.
_NEARER = 0.5


def places_of(marks: Mapping[str, int], goal: HeadMesh) -> tuple[np.ndarray, FloatArray]:
    """(N,) marked vertices and (N, 3) where these points are on ``goal``, metres.

    Raises
    ------
    HeadError: there are fewer than FEWEST marks, one is unknown, or two are one vertex.
    """
    unknown = [name for name in marks if name not in MARKS]
    if unknown:
        raise HeadError(f"There is no mark {unknown[0]!r}", f"Use some of {', '.join(MARKS)}")
    if len(marks) < FEWEST:
        raise HeadError(
            f"{len(marks)} points are marked; wrapping needs {FEWEST} or more",
            "Mark more: the corners of the eyes and of the mouth, the tip of the nose, the chin",
        )
    twice = [name for name in marks if list(marks.values()).count(marks[name]) > 1]
    if twice:
        labels = ", ".join(MARKS[name][0] for name in twice)
        raise HeadError(f"One vertex is marked as several points: {labels}", "Mark them again")
    vertices = np.array(list(marks.values()), np.int32)
    return vertices, goal.landmarks_68[[MARKS[name][1] for name in marks]]


def check_marks(marks: Mapping[str, int], vertices: FloatArray, goal: HeadMesh) -> None:
    """Raise HeadError where marks on (V, 3) vertices are interchanged, as left with right."""
    marked, places = places_of(marks, goal)
    points = vertices[marked].astype(np.float64)
    apart = _apart(points, places)
    if _apart(points, places * _MIRROR) < _NEARER * apart:
        raise HeadError(
            "The marks are those of a mirrored head: left and right are interchanged",
            "Mark again: left is the head's own left. If that is so, the mesh is mirrored: apply "
            "its scale, and flip its normals",
        )
    names = list(marks)
    for pair in combinations(range(len(names)), 2):
        order = np.arange(len(names))
        order[list(pair)] = pair[::-1]
        if _apart(points[order], places) < _NEARER * apart:
            one, other = (MARKS[names[number]][0] for number in pair)
            raise HeadError(f"Two marks are interchanged: {one} and {other}", "Mark them again")


def _apart(points: FloatArray, places: FloatArray) -> float:
    """Mean distance of (N, 3) points, laid on (N, 3) places by a similarity, from those."""
    laid = best_similarity(points, places).apply(points)
    return float(np.linalg.norm(laid - places, axis=1).mean())
