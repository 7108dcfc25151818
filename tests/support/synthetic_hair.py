"""Invented hair for a head: straight strands, rooted all over parts of its skin."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ml.data import HeadMesh
from ml.hair.strands import HAIR_NAME, KINDS, Strands, write_strands

POINTS = 8
_BROWN = (70, 45, 30)


def synthetic_strands(mesh: HeadMesh, count: int = 300, length: float = 0.03) -> Strands:
    """Scalp above, brows and beard in front below, each strand straight out of the skin."""
    parts = [_rooted(mesh, places, count, number) for number, places in enumerate(_places(mesh))]
    roots, uv, ways = (np.concatenate([part[k] for part in parts]) for k in range(3))
    kind = np.repeat([0, 1, 2], count).astype(np.uint8)
    reach = np.array([length, length / 5, length / 2])[kind]
    steps = np.linspace(0, 1, POINTS)[None, :, None] * reach[:, None, None]
    shade = np.random.default_rng(3).uniform(0.6, 1.4, (len(kind), 1))
    return Strands(
        points=(roots[:, None] + steps * ways[:, None]).astype(np.float32),
        root_uv=uv.astype(np.float32),
        kind=kind,
        colour=np.clip(shade * _BROWN, 0, 255).astype(np.uint8),
        width=np.full(len(kind), 8e-5, np.float32),
    )


def write_hair(directory: Path, mesh: HeadMesh, **how: float) -> Strands:
    """Add the hair to a result, and return it."""
    strands = synthetic_strands(mesh, **how)
    write_strands(directory / HAIR_NAME, strands)
    return strands


def of_kind(strands: Strands, kind: str) -> np.ndarray:
    """(N,) whether each strand is of a kind."""
    return strands.kind == KINDS.index(kind)


def _places(mesh: HeadMesh) -> list[np.ndarray]:
    """Faces of the skin where each kind grows; none near the middle of the UV map.

    There the small parts of the invented head lie on the skin.
    """
    middle = mesh.vertices[mesh.quads].mean(1)
    uv = mesh.uv[mesh.uv_quads]
    skin = (mesh.part == mesh.part_names.index("skin")) & ~(np.abs(uv - 0.5) < 0.12).all(2).any(1)
    high, ahead = (middle[:, k] / np.abs(mesh.vertices[:, k]).max() for k in (1, 2))
    return [
        skin & (high > 0.5),
        skin & (ahead > 0.4) & (high > 0.1) & (high < 0.5),
        skin & (ahead > 0.2) & (high < -0.3),
    ]


def _rooted(mesh: HeadMesh, faces: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, ...]:
    """Roots, their UV, and the normals there, on triangles of these faces."""
    random = np.random.default_rng(seed)
    chosen = random.choice(np.flatnonzero(faces), count)
    weights = random.dirichlet([1, 1, 1], count)[:, :, None]
    corners = mesh.vertices[mesh.quads[chosen][:, :3]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    uv = mesh.uv[mesh.uv_quads[chosen][:, :3]]
    return (corners * weights).sum(1), (uv * weights).sum(1), normal
