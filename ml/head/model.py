"""One interface for all head models: Effigy Head, and others loaded from a person's own file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from ..data import FloatArray, HeadCoefficients, IntArray
from ..errors import ModelUnreadable
from ..geometry.triangles import triangulate
from .contact import LidRings, settle_lids


@dataclass(frozen=True)
class SurfacePoints:
    """Points on a mesh's surface, such as landmarks, as weighted means of vertices.

    Attributes
    ----------
    corners: (L, K) vertex indices; K = 3 for points in triangles.
    weights: (L, K) barycentric weights; each row sums to 1.
    """

    corners: IntArray
    weights: FloatArray

    def __len__(self) -> int:
        return len(self.corners)

    def on(self, vertices: FloatArray) -> FloatArray:
        """(..., V, C) values per vertex -> (..., L, C) values at the points.

        It is linear, so it applies to positions and to bases.
        """
        picked = vertices[..., self.corners, :]
        # NumPy's sum is not C-contiguous, and later products would copy it each time.
        return np.ascontiguousarray((picked * self.weights[..., None]).sum(-2), dtype=np.float32)

    def take(self, which: slice | IntArray) -> SurfacePoints:
        """A subset of the points."""
        return SurfacePoints(self.corners[which], self.weights[which])


@dataclass(frozen=True)
class Level:
    """A mesh of the same head with another topology.

    Attributes
    ----------
    points: its N vertices as blends of the base's, for positions, bases and shape keys.
    quads, uv, uv_quads, part: as in HeadModel.
    """

    points: SurfacePoints
    quads: IntArray
    uv: FloatArray
    uv_quads: IntArray
    part: np.ndarray


@dataclass(frozen=True, eq=False)
class LinearShape:
    """A mean and linear bases at N points: all vertices, or some points on the surface.

    Two are equal only if they are the same object.

    Attributes
    ----------
    mean: (N, 3) metres.
    identity: (I, N, 3) metres per standard deviation.
    expression: (E, N, 3) metres at activation 1.
    """

    mean: FloatArray
    identity: FloatArray
    expression: FloatArray

    def at(self, coefficients: HeadCoefficients) -> FloatArray:
        """(N, 3) positions in head space, metres: mean + identity + expression."""
        size = self.mean.size
        flat = self.mean.reshape(-1) + coefficients.identity @ self.identity.reshape(-1, size)
        flat = flat + coefficients.expression @ self.expression.reshape(-1, size)
        return np.asarray(flat.reshape(-1, 3), dtype=np.float32)

    def batch(self, identity: FloatArray, expression: FloatArray) -> FloatArray:
        """(B, I) and (B, E) -> (B, N, 3) positions: one matrix product for all heads."""
        values = np.concatenate([identity, expression], axis=1).astype(np.float32)
        moved = values @ self._stacked
        return np.asarray((moved + self.mean.reshape(-1)).reshape(len(values), -1, 3))

    @cached_property
    def _stacked(self) -> FloatArray:
        """(I + E, 3 N) both bases, one below the other."""
        parts = [basis.reshape(len(basis), -1) for basis in (self.identity, self.expression)]
        return np.concatenate(parts).astype(np.float32)

    @cached_property
    def by_point(self) -> FloatArray:
        """(N, 3, I + E) both bases, what moves a point side by side; made once for all fits."""
        both = np.concatenate([self.identity, self.expression])
        return np.ascontiguousarray(both.transpose(1, 2, 0), np.float32)

    def first(self, count: int) -> LinearShape:
        """The same shape over its first ``count`` points."""
        if count == len(self.mean):
            return self
        return LinearShape(self.mean[:count], self.identity[:, :count], self.expression[:, :count])

    def neutral(self, identity: FloatArray) -> FloatArray:
        """(N, 3) positions of the person at rest, metres."""
        rest = np.zeros(len(self.expression), np.float32)
        return self.at(HeadCoefficients(identity, rest))


@dataclass(frozen=True, eq=False)
class HeadModel:
    """A linear 3D morphable head. Two models are equal only if they are the same object.

    Attributes
    ----------
    model_id, version: identify the coefficient space; stored with every result.
    licence: SPDX identifier of the model's data.
    shape: mean (V, 3), identity (I, V, 3), expression (E, V, 3); head space, metres.
    expression_names: (E,) names; EXPRESSION_NAMES (ml.head.arkit) if the model has ARKit's.
    quads: (F, 4) vertex indices, counter-clockwise seen from outside; a triangle repeats its
        last index.
    uv: (T, 2) texture coordinates, origin at the bottom left, 0..1.
    uv_quads: (F, 4) indices into ``uv``, corner by corner like ``quads``.
    part: (F,) uint8 index into ``part_names``.
    part_names: names of the parts (skin, eye_left, teeth, ...).
    landmark_sets: landmark sets by name: "ibug68", "mediapipe478", "dense" (the network's points),
        and "realy85" and "now7" if the model has them.
    masks: (V,) weights 0..1 by name. Regions for sliders: brows, eyes, nose, cheeks, mouth, jaw,
        ears, neck. Skinning: bone_neck, bone_head, bone_jaw, which sum to one with the eyes'.
        REALY's regions: realy_nose, realy_mouth, realy_forehead, realy_cheek.
    joints: by name, indices of the vertices whose mean is a joint of the rig: neck, head, jaw,
        chin, eye_left, eye_right.
    lids: the rings round each eye ("Left", "Right"), if the model's expressions close them.
    low: the level with fewer quads, if the model has one.
    """

    model_id: str
    version: str
    licence: str
    shape: LinearShape
    expression_names: tuple[str, ...]
    quads: IntArray
    uv: FloatArray
    uv_quads: IntArray
    part: np.ndarray
    part_names: tuple[str, ...]
    landmark_sets: Mapping[str, SurfacePoints] = field(default_factory=dict)
    masks: Mapping[str, FloatArray] = field(default_factory=dict)
    joints: Mapping[str, IntArray] = field(default_factory=dict)
    lids: Mapping[str, LidRings] = field(default_factory=dict)
    low: Level | None = None

    def __post_init__(self) -> None:
        vertices = len(self.shape.mean)
        expected = {
            "identity": (self.shape.identity.shape[1:], (vertices, 3)),
            "expression": (self.shape.expression.shape[1:], (vertices, 3)),
            "expression_names": (
                (len(self.expression_names),),
                (len(self.shape.expression),),
            ),
            "uv_quads": (self.uv_quads.shape, self.quads.shape),
            "part": (self.part.shape, self.quads.shape[:1]),
        }
        for name, (found, wanted) in expected.items():
            if tuple(found) != tuple(wanted):
                raise ModelUnreadable(
                    f"Head model {self.model_id!r}: array {name!r} has shape {tuple(found)}, "
                    f"expected {tuple(wanted)}",
                    "Get the file again, or build it with ml.training.head.build",
                )

    @property
    def vertex_count(self) -> int:
        """V, the number of vertices of the base mesh."""
        return len(self.shape.mean)

    @property
    def identity_count(self) -> int:
        """I, the number of identity modes."""
        return len(self.shape.identity)

    @cached_property
    def triangles(self) -> IntArray:
        """(T, 3) triangles of all quads."""
        return triangulate(self.quads)

    def person(
        self, identity: FloatArray, moved: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """(V, 3) vertices at rest and (E, V, 3) the person's own shape keys, metres.

        Their lids close and do not cut the eyeballs if the model has ``lids``. moved: (V, 3)
        displacements that no identity has (ml.head.layer); None: there are none.
        """
        neutral = self.shape.neutral(identity)
        if moved is not None:
            neutral = neutral + moved
        if not self.lids:
            return neutral, self.shape.expression
        return settle_lids(neutral, self.shape.expression, self.expression_names, self.lids)

    def points(self, name: str) -> LinearShape:
        """The model restricted to the landmark set ``name``: (L, 3), (I, L, 3), (E, L, 3).

        Raises
        ------
        ModelUnreadable: the model has no such set.
        """
        return _restricted(self, name)

    def edges(self, name: str) -> LinearShape:
        """Two edges of the triangle that each of the L landmarks of the set ``name`` lies in.

        (2 L) points of which the first L are the first edges; the cross product of a landmark's
        first and second edge points out of the head. Raises ModelUnreadable as :meth:`points`.
        """
        return _edges(self, name)

    def part_faces(self, *names: str) -> IntArray:
        """Indices of the faces that belong to any of the named parts."""
        wanted = [self.part_names.index(name) for name in names]
        return np.flatnonzero(np.isin(self.part, wanted)).astype(np.int32)


# Every fit uses the same landmark set.
@lru_cache(maxsize=8)
def _restricted(model: HeadModel, name: str) -> LinearShape:
    """See :meth:`HeadModel.points`."""
    return _on(_landmark_set(model, name), model.shape)


@lru_cache(maxsize=8)
def _edges(model: HeadModel, name: str) -> LinearShape:
    """See :meth:`HeadModel.edges`."""
    corners = _landmark_set(model, name).corners
    ends = np.concatenate([corners[:, [0, 1]], corners[:, [0, 2]]])
    difference = np.tile(np.array([-1, 1], np.float32), (len(ends), 1))
    return _on(SurfacePoints(ends, difference), model.shape)


def _on(points: SurfacePoints, shape: LinearShape) -> LinearShape:
    return LinearShape(*map(points.on, (shape.mean, shape.identity, shape.expression)))


def _landmark_set(model: HeadModel, name: str) -> SurfacePoints:
    if name not in model.landmark_sets:
        raise ModelUnreadable(
            f"Head model {model.model_id!r} has no landmark set {name!r}",
            f"It has: {', '.join(model.landmark_sets) or 'none'}",
        )
    return model.landmark_sets[name]
