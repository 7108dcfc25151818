"""The points that a person marks on a head of their own: where they are on an Effigy head.

NumPy only: Blender's own Python reads the names.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..data import FloatArray, HeadMesh
from ..errors import HeadError

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
