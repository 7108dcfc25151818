"""Triangle meshes as tensors, for the differentiable renderer.

Meshes of any size are concatenated, one per picture of a batch, so that every operation runs once
for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Topology:
    """Triangles and the edges they share. Made once per head model.

    Attributes
    ----------
    triangles: (F, 3) int64 vertex indices.
    edges: (E, 2) int64 vertex indices.
    edge_faces: (E, 2) int64 triangles at the edge; the second is -1 if there is only one. An
        edge of more than two triangles appears once per two of them.
    opposite: (E, 2) int64 third vertex of each of these triangles; -1 likewise.
    """

    triangles: Tensor
    edges: Tensor
    edge_faces: Tensor
    opposite: Tensor

    @classmethod
    def of(cls, triangles: np.ndarray | Tensor) -> Topology:
        """Find the edges of (F, 3) triangles. Triangles that repeat a vertex get no edges."""
        faces = np.asarray(torch.as_tensor(triangles).cpu(), dtype=np.int64).reshape(-1, 3)
        device = triangles.device if isinstance(triangles, Tensor) else torch.device("cpu")
        arrays = (faces, *_edges_of(faces))
        return cls(*(torch.from_numpy(np.ascontiguousarray(a)).to(device) for a in arrays))

    def to(self, device: torch.device | str) -> Topology:
        """The same topology on another device."""
        return Topology(
            self.triangles.to(device),
            self.edges.to(device),
            self.edge_faces.to(device),
            self.opposite.to(device),
        )


def _edges_of(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edges (E, 2), their faces (E, 2) and opposite vertices (E, 2) of (F, 3) triangles."""
    whole = np.flatnonzero(
        (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    )
    corners = faces[whole]
    ends = np.sort(np.concatenate([corners[:, [1, 2]], corners[:, [2, 0]], corners[:, [0, 1]]]), 1)
    face, opposite = np.tile(whole, 3), corners.T.ravel()
    order = np.lexsort((ends[:, 1], ends[:, 0]))
    ends, face, opposite = ends[order], face[order], opposite[order]
    new = np.ones(len(ends), bool)
    new[1:] = (ends[1:] != ends[:-1]).any(1)
    position = np.arange(len(ends))
    place = position - np.maximum.accumulate(np.where(new, position, 0))
    first = np.flatnonzero(place % 2 == 0)
    follows = first + 1
    paired = np.zeros(len(first), bool)
    inside = follows < len(ends)
    paired[inside] = place[follows[inside]] % 2 == 1
    second = np.where(paired, np.minimum(follows, max(len(ends) - 1, 0)), 0)

    def both(values: np.ndarray) -> np.ndarray:
        if not len(values):
            return np.empty((0, 2), np.int64)
        return np.column_stack([values[first], np.where(paired, values[second], -1)])

    return ends[first], both(face), both(opposite)


@dataclass(frozen=True)
class Meshes:
    """One mesh per picture of a batch, concatenated.

    Attributes
    ----------
    points: (V, 3) of all meshes: pixel x, pixel y, depth, in the conventions of
        :mod:`ml.rendering.rasterizer`. Gradients flow to it.
    topology: of all meshes; its indices refer to ``points``.
    first_face: B + 1 numbers; picture i draws triangles first_face[i] up to first_face[i + 1].
    first_edge: the same for edges.
    """

    points: Tensor
    topology: Topology
    first_face: tuple[int, ...]
    first_edge: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.first_face) - 1


def batch_of(points: Tensor, topology: Topology) -> Meshes:
    """(B, V, 3) pixel x, y and depth of B meshes with the same triangles.

    :meth:`MeshFragments.interpolate` takes values at their vertices, (B, V, C), as (B * V, C).
    """
    return joined(list(points), [topology] * len(points))


def joined(points: Sequence[Tensor], topologies: Sequence[Topology]) -> Meshes:
    """Meshes of any size: per picture (V_i, 3) points and a topology.

    Values at their vertices are concatenated in the same order.
    """
    vertex = np.cumsum([0] + [len(p) for p in points])
    face = np.cumsum([0] + [len(t.triangles) for t in topologies])
    edge = np.cumsum([0] + [len(t.edges) for t in topologies])
    if len(points) == 1:
        whole, topology = points[0], topologies[0]
    else:
        whole = torch.cat(list(points)) if points else torch.zeros(0, 3)
        topology = _shifted(topologies, vertex, face)
    return Meshes(whole, topology, tuple(map(int, face)), tuple(map(int, edge)))


def _shifted(topologies: Sequence[Topology], vertex: np.ndarray, face: np.ndarray) -> Topology:
    if not topologies:
        return Topology.of(np.empty((0, 3), np.int64))
    pairs = [(t, int(v), int(f)) for t, v, f in zip(topologies, vertex, face, strict=False)]
    return Topology(
        torch.cat([t.triangles + v for t, v, _ in pairs]),
        torch.cat([t.edges + v for t, v, _ in pairs]),
        torch.cat([torch.where(t.edge_faces < 0, -1, t.edge_faces + f) for t, _, f in pairs]),
        torch.cat([torch.where(t.opposite < 0, -1, t.opposite + v) for t, v, _ in pairs]),
    )
