"""How the eyes turn: ICT's eyeLook... expressions only move the lids."""

from __future__ import annotations

import numpy as np

from ...data import FloatArray
from ...geometry.rotations import rotation_from_vector

# Degrees that an eyeball turns at activation 1, and the axis in head space. A left eye looks in
# towards -X, a right one towards +X.
GAZE = {
    "Up": (22.0, (-1, 0, 0)),
    "Down": (25.0, (1, 0, 0)),
    "In": (30.0, (0, -1, 0)),
    "Out": (30.0, (0, 1, 0)),
}


def gaze(ball: FloatArray, side: str) -> dict[str, FloatArray]:
    """Displacements (N, 3) of an eyeball's vertices by the name of its eyeLook... expression.

    ball: (N, 3) at rest, metres. side: the subject's, "left" or "right".
    """
    centre, _ = sphere(ball.astype(np.float64))
    places, moves = ball - centre, {}
    for name, (degrees, axis) in GAZE.items():
        turn = np.radians(degrees) * np.array(axis, float)
        if side == "right" and name in ("In", "Out"):
            turn = -turn
        moved = places @ rotation_from_vector(turn).T.astype(np.float32)
        moves[f"eyeLook{name}{side.title()}"] = (moved - places).astype(np.float32)
    return moves


def sphere(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Least-squares centre and radius: |p|^2 = 2 c.p + (r^2 - |c|^2) is linear in c."""
    # The cornea stands out of the ball and is left out.
    points = points[points[:, 2] < np.percentile(points[:, 2], 70)]
    design = np.column_stack([2 * points, np.ones(len(points))])
    *centre, rest = np.linalg.lstsq(design, (points**2).sum(1), rcond=None)[0]
    middle = np.asarray(centre)
    return middle, float(np.sqrt(rest + middle @ middle))
