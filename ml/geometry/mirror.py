"""What lies opposite on the other side of a head, whose middle is the plane x = 0."""

from __future__ import annotations

import numpy as np

from ..data import IntArray

# Head space -> head space: the subject's left becomes the right.
MIRROR = np.array([-1.0, 1.0, 1.0], np.float32)


def mirror_twins(points: np.ndarray, among: np.ndarray | None = None) -> IntArray:
    """(N, 3 K) ``points`` -> (N,) the point nearest to the mirror image of each.

    It is one of the (M, 3 K) points ``among``; of ``points`` themselves without these. K is 1, or
    more where a point has several places (at rest and with an open jaw) that all must agree.
    """
    from scipy.spatial import cKDTree

    tree = cKDTree(points if among is None else among)
    return np.asarray(tree.query(points * np.tile(MIRROR, points.shape[1] // 3))[1], dtype=np.int32)
