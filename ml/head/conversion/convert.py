"""Coefficients of one head model for a person of another, by correspondence and least squares.

:mod:`ml.results.convert` is the command line for results.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...data import FloatArray
from ...geometry import MILLIMETRES
from ...geometry.alignment import Similarity
from ..model import HeadModel
from ..surface import nearest_on_triangles, normals_at
from .align import GapWeights, fit
from .correspondence import RIDGE, TANGENTIAL, Correspondence, restricted, with_identity


@dataclass(frozen=True)
class Converted:
    """A person in another model.

    Attributes
    ----------
    identity: (I,) standard deviations.
    expression: (E,) activations or standard deviations, as the target defines them; 0 at rest.
    vertices: (V, 3) of the target at rest, metres, in the target's space.
    similarity: from the source's space to the target's.
    mean_mm, median_mm, max_mm: distance of the target's face vertices to the person's surface,
        millimetres in the source's space.
    """

    identity: FloatArray
    expression: FloatArray
    vertices: FloatArray
    similarity: Similarity
    mean_mm: float
    median_mm: float
    max_mm: float


def convert(
    vertices: FloatArray,
    correspondence: Correspondence,
    target: HeadModel,
    ridge: float = RIDGE,
    expressed: FloatArray | None = None,
) -> Converted:
    """Coefficients of ``target`` for a person of the correspondence's source model.

    Parameters
    ----------
    vertices: (V, 3) the person at rest, metres, in the source's topology.
    ridge: metres; the gap with the same cost as one standard deviation of one mode.
    expressed: (V, 3) the person with an expression; None converts no expression.
    """
    paired = correspondence
    places = paired.points.on(vertices).astype(np.float64)
    normals = normals_at(vertices, paired.points)
    weights = GapWeights(normals, paired.weights, TANGENTIAL)
    shape = restricted(target.shape, paired.vertices)
    identity, pose = fit(shape, places, weights, paired.similarity, ridge, 3)
    expression = np.zeros(len(shape.expression), np.float32)
    if expressed is not None and len(expression):
        change = (paired.points.on(expressed) - places) @ (pose.scale * pose.rotation).T
        rotated = GapWeights(normals @ pose.rotation.T, paired.weights, TANGENTIAL)
        expression = _expression(shape.expression, change, rotated, ridge)
    fitted = pose.undo(with_identity(shape, identity)[paired.on_face].astype(np.float64))
    reached = nearest_on_triangles(vertices, paired.skin, fitted).on(vertices)
    gaps = MILLIMETRES * np.linalg.norm(reached - fitted, axis=1)
    return Converted(
        identity,
        expression,
        with_identity(target.shape, identity),
        pose,
        float(gaps.mean()),
        float(np.median(gaps)),
        float(gaps.max()),
    )


def _expression(
    basis: FloatArray, change: np.ndarray, weights: GapWeights, ridge: float
) -> FloatArray:
    """(E,) ridge regression of (N, 3) displacements on an (E, N, 3) basis."""
    columns = basis.astype(np.float64)
    weighted = weights.on(columns).reshape(len(basis), -1)
    system = weighted @ columns.reshape(len(basis), -1).T + ridge**2 * np.eye(len(basis))
    return np.linalg.solve(system, weighted @ change.ravel()).astype(np.float32)
