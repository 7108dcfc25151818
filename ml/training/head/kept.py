"""A new mesh whose skin stays that of an earlier head, number by number.

Statistics of skin, pins and textures belong to vertices and UV of the skin, and the landmark sets
to what the networks learned. The parts that are no skin may change without them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...data import FloatArray
from ...geometry.triangles import triangulate
from ...head.model import HeadModel, LinearShape, SurfacePoints
from ...head.surface import nearest_on_triangles


def with_skin_of(earlier: HeadModel, model: HeadModel, changed: tuple[str, ...]) -> HeadModel:
    """``model`` with the skin of ``earlier``: shape, UV, masks, joints and landmark sets.

    changed: names of the expressions in which the skin moves as ``model`` says. The ears are
    ``model``'s, too. Landmarks on other parts are looked up anew where they were.

    Raises
    ------
    ValueError: the two skins have different quads.
    """
    faces = model.part_faces("skin")
    count = int(model.quads[faces].max()) + 1
    ours, theirs = (item.quads[item.part_faces("skin")] for item in (model, earlier))
    if not np.array_equal(ours, theirs):
        raise ValueError("the earlier head's skin has other quads")
    joints = {n: own for n, own in earlier.joints.items() if own.max() < count}
    masks = {name: _joined(earlier.masks[name], own, count) for name, own in model.masks.items()}
    coordinates = int(model.uv_quads[faces].max()) + 1
    return replace(
        model,
        shape=_shape(earlier, model, changed, count),
        uv=_joined(earlier.uv, model.uv, coordinates),
        masks=masks,
        joints={**model.joints, **joints},
        landmark_sets={
            name: _moved(points, earlier, model, count)
            for name, points in earlier.landmark_sets.items()
        },
    )


def _joined(first: FloatArray, then: FloatArray, count: int) -> FloatArray:
    return np.concatenate([first[:count], then[count:]])


def _shape(
    earlier: HeadModel, model: HeadModel, changed: tuple[str, ...], count: int
) -> LinearShape:
    old, new = earlier.shape, model.shape
    kept = np.flatnonzero(model.masks["ears"][:count] == 0)
    mean, identity, expression = new.mean.copy(), new.identity.copy(), new.expression.copy()
    mean[kept], identity[:, kept] = old.mean[kept], old.identity[:, kept]
    for row, name in enumerate(model.expression_names):
        if name not in changed:
            known = old.expression[earlier.expression_names.index(name)]
            expression[row, kept] = known[kept]
    return LinearShape(mean, identity, expression)


def _moved(
    points: SurfacePoints, earlier: HeadModel, model: HeadModel, count: int
) -> SurfacePoints:
    """The points on ``model``: the same on its skin, the nearest on the part that each was on."""
    corners, weights = points.corners.copy(), points.weights.copy()
    for name in earlier.part_names:
        own = np.unique(earlier.quads[earlier.part_faces(name)])
        rows = np.flatnonzero(np.isin(points.corners[:, 0], own) & (points.corners.max(1) >= count))
        if name != "skin" and len(rows):
            triangles = triangulate(model.quads[model.part_faces(name)])
            wanted = points.take(rows).on(earlier.shape.mean)
            found = nearest_on_triangles(model.shape.mean, triangles, wanted)
            corners[rows], weights[rows] = found.corners, found.weights
    return SurfacePoints(corners, weights)
