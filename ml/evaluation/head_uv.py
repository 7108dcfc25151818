"""The skin's UV layout in figures."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ..data import FloatArray
from ..head.model import HeadModel
from ..rendering import rasterize
from .head_topology import quad_areas

# The face for the UV's sake: what a photo from the front shows, forehead to chin, ear to ear.
FACE_DEPTH, FACE_LOW, FACE_HIGH = 0.02, -0.105, 0.105
SIDE = 1024


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
    """How many texels belong to two quads: drawn in one order and in the other, they differ."""
    quads = model.uv_quads
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    number = np.tile(np.arange(len(quads)), 2)
    drawn = []
    for depth in (np.arange(len(triangles)), -np.arange(len(triangles))):
        # Every triangle at a depth of its own, so that the nearest wins.
        corners = model.uv[triangles].reshape(-1, 2) * SIDE
        away = np.repeat(depth / len(triangles) + 2, 3)
        flat = np.column_stack([corners, away]).astype(np.float32)
        index = np.arange(len(flat), dtype=np.int32).reshape(-1, 3)
        face = rasterize(flat, index, SIDE, SIDE).face
        drawn.append(np.where(face >= 0, number[np.maximum(face, 0)], -1))
    return float((drawn[0] != drawn[1]).sum())


def _mirror_error(model: HeadModel) -> float:
    used = model.uv[np.unique(model.uv_quads[model.part_faces("skin")])]
    distance, _ = cKDTree(used).query(used * [-1, 1] + [1, 0])
    return float(distance.max())
