"""The mesh of a head in the arrays of a ``reconstruction.npz``. Needs numpy only."""

from __future__ import annotations

import numpy as np

from ..data import FloatArray, HeadMesh


def mesh_of(arrays: dict[str, np.ndarray]) -> HeadMesh:
    """The mesh in the arrays of a result; masks are as rounded there."""
    return HeadMesh(
        vertices=arrays["vertices"],
        vertices_expressed=arrays["vertices_expressed"],
        quads=arrays["quads"],
        uv=arrays["uv"],
        uv_quads=arrays["uv_quads"],
        part=arrays["part"],
        part_names=tuple(str(name) for name in arrays["part_names"]),
        shape_keys=arrays["shape_keys"],
        expression_names=tuple(str(name) for name in arrays["shape_key_names"]),
        landmarks_68=arrays["landmarks_68"],
        landmarks_478=arrays["landmarks_478"],
        masks=_named(arrays, "mask", np.float32(1 / 255)),
        joints=_named(arrays, "joint", np.float32(1)),
    )


def _named(arrays: dict[str, np.ndarray], what: str, unit: np.float32) -> dict[str, FloatArray]:
    """The arrays ``{what}_names`` and ``{what}s`` as one mapping; early results lack them."""
    if f"{what}_names" not in arrays:
        return {}
    names = [str(name) for name in arrays[f"{what}_names"]]
    return dict(zip(names, arrays[f"{what}s"].astype(np.float32) * unit, strict=True))
