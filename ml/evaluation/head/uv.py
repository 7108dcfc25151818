"""The skin's UV layout in figures."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ...data import FloatArray
from ...geometry.triangles import triangulate
from ...head.model import HeadModel
from .topology import quad_areas

# The face: what a photo from the front shows, from forehead to chin and ear to ear; metres.
FACE_DEPTH, FACE_LOW, FACE_HIGH = 0.02, -0.105, 0.105
SIDE = 1024
# Twice the area, in texels, that an edge and a point on it span by rounding.
EDGE = 1e-4


def measure_uv(model: HeadModel) -> dict[str, float]:
    """Shares and errors; UV units are the texture's side."""
    skin = model.part_faces("skin")
    solid, flat = quad_areas(model.shape.mean, model.quads[skin]), _areas(model)
    middle = model.shape.mean[model.quads[skin]].mean(1)
    face = (middle[:, 2] > FACE_DEPTH) & (middle[:, 1] > FACE_LOW) & (middle[:, 1] < FACE_HIGH)
    return {
        "folded_quads": float((flat <= 0).sum()),
        "overlapping_texels": overlapping_texels(model),
        "mirror_error": _mirror_error(model),
        "face_share_of_skin": float(flat[face].sum() / flat.sum()),
        "within_half_to_double_all": _within(flat, solid),
        "within_half_to_double_face": _within(flat[face], solid[face]),
        "skin_share_of_texture": float(flat.sum()),
    }


def _areas(model: HeadModel) -> FloatArray:
    """(F,) signed areas of the skin's quads in UV."""
    corner = model.uv[model.uv_quads[model.part_faces("skin")]].astype(np.float64)
    one, other = corner[:, 2] - corner[:, 0], corner[:, 3] - corner[:, 1]
    return np.asarray((one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / 2)


def _within(flat: FloatArray, solid: FloatArray) -> float:
    """Share of quads whose scale is within a factor of two of their average."""
    stretch = (flat / solid) / (flat.sum() / solid.sum())
    return float(((stretch > 0.5) & (stretch < 2)).mean())


def overlapping_texels(model: HeadModel) -> float:
    """How many texels have their centre inside two triangles or more.

    Exact to rounding: a centre on the edge that two neighbours share is inside neither.
    """
    triangles = triangulate(model.uv_quads)
    corner = model.uv[triangles].astype(np.float64) * SIDE
    low = np.ceil(corner.min(1) - 0.5).astype(int)
    size = np.floor(corner.max(1) - 0.5).astype(int) - low + 1
    count = np.maximum(size, 0).prod(1)
    owner = np.repeat(np.arange(len(triangles)), count)
    at = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    texel = low[owner] + np.column_stack([at % size[owner, 0], at // size[owner, 0]])
    x, y = (texel + 0.5).T
    start, end = corner[owner], np.roll(corner[owner], -1, axis=1)
    step = end - start
    side = step[..., 0] * (y[:, None] - start[..., 1]) - step[..., 1] * (x[:, None] - start[..., 0])
    inside = (side > EDGE).all(1) | (side < -EDGE).all(1)
    _, uses = np.unique(texel[inside] @ [1, SIDE], return_counts=True)
    return float((uses > 1).sum())


def _mirror_error(model: HeadModel) -> float:
    used = model.uv[np.unique(model.uv_quads[model.part_faces("skin")])]
    distance, _ = cKDTree(used).query(used * [-1, 1] + [1, 0])
    return float(distance.max())
