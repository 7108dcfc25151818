"""Read GNM Head v3 from a person's own ``gnm_head.npz``.

Google's generative head (Apache-2.0): metres, +X the subject's left, +Y up, +Z forward, whitened
coefficients, UV in tiles (UDIM).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...assets.archive import INTEGERS, NUMBERS, TEXT, Expected
from ...data import FloatArray, IntArray
from ..model import HeadModel, LinearShape
from .schema import Faces, ModelFile, head_model

REQUIRED = (
    "version",
    "template_vertex_positions",
    "vertex_identity_basis",
    "expression_basis",
    "expression_names",
    "quads",
    "quad_uvs",
)
_GROUPS = ("vertex_group_names", "vertex_groups")
_SHAPES: dict[str, Expected] = {
    "template_vertex_positions": (NUMBERS, "V", 3),
    "vertex_identity_basis": (NUMBERS, "I", "V", 3),
    "expression_names": (TEXT, "e"),
    "expression_basis": (NUMBERS, "e", "V", 3),
    "quads": (INTEGERS, "F", 4),
    "quad_uvs": (NUMBERS, "F", 4, 2),
    "vertex_group_names": (TEXT, "g"),
    "vertex_groups": (NUMBERS, "g", "V"),
}
_HINT = (
    "It must be Google's gnm_head.npz of version 3 "
    f"(github.com/google/GNM), with the arrays {', '.join(REQUIRED)}"
)
# Our parts by name and the vertex groups that form each; everything else is skin.
PARTS = {
    "eyes": ("eyes",),
    "mouth": ("mouth_sock",),
    "teeth": ("upper_teeth_and_gums", "lower_teeth_and_gums"),
    "tongue": ("tongue",),
}


def load_gnm(path: Path) -> HeadModel:
    """Read GNM Head as a head model in metres; identity modes are in standard deviations.

    Raises
    ------
    ModelUnreadable: the file is absent, damaged, or lacks an array; the message says which.
    """
    file = ModelFile(path, "GNM Head", _HINT)
    arrays = file.arrays(REQUIRED, _SHAPES)
    count = len(arrays["template_vertex_positions"])
    names = tuple(str(name) for name in arrays["expression_names"])
    file.check_faces("quads", arrays["quads"], count)
    with np.errstate(over="ignore"):
        shape = LinearShape(
            arrays["template_vertex_positions"].astype(np.float32),
            arrays["vertex_identity_basis"].astype(np.float32),
            arrays["expression_basis"].astype(np.float32),
        )
    uv, uv_quads = _uv(arrays["quad_uvs"])
    part, part_names = _parts(arrays)
    mesh = Faces(arrays["quads"], uv, uv_quads, part, part_names)
    version = str(arrays["version"])[:40]
    return file.finite(head_model(("gnm-head", version, "Apache-2.0"), shape, names, mesh))


def _uv(corners: np.ndarray) -> tuple[FloatArray, IntArray]:
    """(F, 4, 2) UV per corner -> (T, 2) in 0..1 and (F, 4) indices; all tiles are scaled to fit."""
    with np.errstate(over="ignore"):
        flat = corners.reshape(-1, 2).astype(np.float32)
    uv, index = np.unique(flat, axis=0, return_inverse=True)
    tiles = max(1.0, float(np.ceil(uv.max(initial=1.0))))
    return uv / np.float32(tiles), index.reshape(-1, 4).astype(np.int32)


def _parts(arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, tuple[str, ...]]:
    """(F,) part of each face, by the majority of its corners, and the parts' names."""
    part = np.zeros(len(arrays["quads"]), np.uint8)
    if not all(name in arrays for name in _GROUPS):
        return part, ("skin",)
    names = [str(name) for name in arrays["vertex_group_names"]]
    for number, groups in enumerate(PARTS.values(), start=1):
        rows = [names.index(group) for group in groups if group in names]
        member = arrays["vertex_groups"][rows].sum(0)
        part[member[arrays["quads"]].mean(1) > 0.5] = number
    return part, ("skin", *PARTS)
