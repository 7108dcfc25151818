"""Dense correspondence between two head models: places on one's skin for the other's vertices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ...data import FloatArray, IntArray
from ...errors import UsageError
from ...geometry.alignment import Similarity, best_similarity
from ...geometry.rotations import rotation_from_vector
from ...rendering import vertex_normals
from ..model import HeadModel, LinearShape, SurfacePoints
from ..surface import face_vertices, nearest_on_triangles, normals_at, nose_tip, skin_triangles
from .align import GapWeights, fit, similarity_step

# Weight of a pair off the face; on the face it is 1.
REST_WEIGHT = 0.05
# Largest gap of a pair along the normal, and beside it, in metres.
REACH, BESIDE = 0.012, 0.0015
# See align.GapWeights and align.fit.
TANGENTIAL = 0.1
RIDGE = 3e-5
MOST_VERTICES, FEWEST_PAIRS = 6000, 50
# Factors on the ridge per iteration: the pose is fitted before the identity.
RIDGE_FACTORS = (30.0, 30.0, 10.0, 10.0, 3.0, 3.0, 1.0, 1.0, 1.0)
# Triangles tested per point; enough on meshes whose triangles are about equally large.
CANDIDATES = 12
# Pitches in radians from which the alignment without landmarks starts.
PITCHES = np.radians([-24.0, -12.0, 0.0, 12.0, 24.0])


@dataclass(frozen=True)
class Correspondence:
    """N vertices of a target model paired with places on a source model's skin.

    Attributes
    ----------
    vertices: (N,) indices of the target's vertices. points: the N places on the source.
    weights: (N,) 1 on the face, REST_WEIGHT elsewhere.
    skin: (T, 3) skin triangles of the source.
    similarity: from the source's space to the target's, for the two means.
    """

    vertices: IntArray
    points: SurfacePoints
    weights: FloatArray
    skin: IntArray
    similarity: Similarity

    @property
    def on_face(self) -> np.ndarray:
        """(N,) bool, the pairs on the face."""
        return self.weights == 1


def find_correspondence(
    source: HeadModel, target: HeadModel, ridge: float = RIDGE
) -> Correspondence:
    """Pair ``target``'s skin vertices with places on ``source``'s skin.

    The means are aligned by their 68 landmarks if both have them, else by their surfaces. Then
    closest points and a fit of the target's identity to the source's mean alternate.

    Parameters
    ----------
    ridge: metres; the gap with the same cost as one standard deviation of one mode.

    Raises
    ------
    UsageError: the two surfaces do not lie on each other.
    """
    skin = skin_triangles(source)
    face = face_vertices(source.shape.mean, skin)
    used = np.unique(skin_triangles(target))
    used = used[:: 1 + len(used) // MOST_VERTICES]
    pose, identity = _aligned(source, target), np.zeros(target.identity_count, np.float32)
    for factor in RIDGE_FACTORS:
        kept, points = _paired(source, target, skin, used, (identity, pose))
        places = points.on(source.shape.mean).astype(np.float64)
        weights = _weights(source.shape.mean, skin, face, places)
        gaps = GapWeights(normals_at(source.shape.mean, points), weights, TANGENTIAL)
        identity, pose = fit(
            restricted(target.shape, used[kept]), places, gaps, pose, factor * ridge, 1
        )
    return Correspondence(used[kept], points, weights.astype(np.float32), skin, pose)


def restricted(shape: LinearShape, vertices: IntArray) -> LinearShape:
    """``shape`` restricted to some of its vertices."""
    return LinearShape(
        shape.mean[vertices], shape.identity[:, vertices], shape.expression[:, vertices]
    )


def with_identity(shape: LinearShape, identity: FloatArray) -> FloatArray:
    """(N, 3) positions at rest, metres; works for models without expressions, too."""
    return np.asarray(shape.mean + np.tensordot(identity, shape.identity, 1), dtype=np.float32)


def _paired(
    source: HeadModel,
    target: HeadModel,
    skin: IntArray,
    used: IntArray,
    fitted: tuple[FloatArray, Similarity],
) -> tuple[np.ndarray, SurfacePoints]:
    """Indices into ``used`` of the vertices on the source's skin, and their places there."""
    identity, pose = fitted
    person = with_identity(target.shape, identity)
    normals = vertex_normals(person, skin_triangles(target))[used] @ pose.rotation
    here = pose.undo(person[used].astype(np.float64))
    points = nearest_on_triangles(source.shape.mean, skin, here, CANDIDATES)
    goal_normals = normals_at(source.shape.mean, points)
    gap = here - points.on(source.shape.mean)
    along = (gap * goal_normals).sum(1)
    beside = np.linalg.norm(gap - along[:, None] * goal_normals, axis=1)
    # At borders of openings and necks the closest place lies beside the vertex, not under it.
    kept = (np.abs(along) < REACH) & (beside < BESIDE) & ((normals * goal_normals).sum(1) > 0.6)
    if kept.sum() < FEWEST_PAIRS:
        raise UsageError(
            f"{target.model_id} does not lie on {source.model_id}: only {kept.sum()} points match",
            "Check that the file is a head in the units and axes of its model",
        )
    return np.flatnonzero(kept), points.take(np.flatnonzero(kept))


def _weights(mean: FloatArray, skin: IntArray, face: IntArray, places: np.ndarray) -> np.ndarray:
    vertices = np.unique(skin)
    _, closest = cKDTree(mean[vertices]).query(places)
    return np.where(np.isin(vertices[closest], face), 1.0, REST_WEIGHT)


def _aligned(source: HeadModel, target: HeadModel) -> Similarity:
    if "ibug68" in source.landmark_sets and "ibug68" in target.landmark_sets:
        one, other = (
            model.landmark_sets["ibug68"].on(model.shape.mean).astype(np.float64)
            for model in (source, target)
        )
        return best_similarity(one, other)
    return aligned_by_surface(source, target)


@dataclass(frozen=True)
class _Surface:
    """(N, 3) points with (N, 3) unit normals, and the (3,) tip of the nose."""

    points: np.ndarray
    normals: np.ndarray
    tip: np.ndarray


def _surface(model: HeadModel, *, only_face: bool) -> _Surface:
    skin = skin_triangles(model)
    mean = model.shape.mean
    used = face_vertices(mean, skin) if only_face else np.unique(skin)
    points = mean[used].astype(np.float64)
    return _Surface(points, vertex_normals(mean, skin)[used].astype(np.float64), nose_tip(points))


def aligned_by_surface(source: HeadModel, target: HeadModel) -> Similarity:
    """The similarity from ``source``'s mean to ``target``'s, without landmarks.

    Trimmed ICP of the source's face (Besl and McKay 1992, Chetverikov 2002), started with
    coincident noses' tips at several pitches; the best result is kept.
    """
    face, goal = _surface(source, only_face=True), _surface(target, only_face=False)
    tree = cKDTree(goal.points)
    trials = []
    for pitch in PITCHES:
        turn = rotation_from_vector(np.array([pitch, 0.0, 0.0]))
        pose, gap = Similarity(1.0, turn, goal.tip - turn @ face.tip), np.inf
        for step in range(36):
            pose, gap = _step(face, goal, tree, pose, 6 if step < 24 else 1)
        trials.append((gap, pose))
    return min(trials, key=lambda trial: trial[0])[1]


def _step(
    face: _Surface, goal: _Surface, tree: cKDTree, pose: Similarity, every: int
) -> tuple[Similarity, float]:
    """The pose after one step, and the trimmed mean distance before it."""
    points, normals = face.points[::every], face.normals[::every] @ pose.rotation.T
    distance, index = tree.query(pose.apply(points))
    agree = (normals * goal.normals[index]).sum(1) > 0.5
    # The worst fifth is left out: openings, borders, whatever only one of the two has.
    kept = agree & (distance <= np.quantile(distance, 0.8))
    if kept.sum() < 10:
        return pose, np.inf
    gaps = GapWeights(goal.normals[index[kept]], np.ones(int(kept.sum())), TANGENTIAL)
    pose = similarity_step(points[kept], goal.points[index[kept]], gaps, pose)
    return pose, float(np.sort(distance)[: int(0.8 * len(distance))].mean())
