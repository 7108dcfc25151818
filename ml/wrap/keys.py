"""The shape keys of an Effigy head on a wrapped head: where both lie on each other, the same.

Skin that has no place on the goal (the inside of the mouth, behind the lids, shoulders) follows by
a thin plate. Eyes and teeth move rigidly, as the goal's do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ..data import FloatArray, HeadMesh
from ..geometry.alignment import best_rigid
from .plate import plate_of, settled
from .register import Registered
from .surface import Goal

# Weight of a match; the plate's is 1.
_MATCH = 1e3
# Parts of the goal that inner parts of the wrapped head may be: they move rigidly, or with the
# nearest vertices.
_RIGID = (
    ("eye_left", "iris_left", "pupil_left"),
    ("eye_right", "iris_right", "pupil_right"),
    ("teeth_upper", "gums_upper"),
    ("teeth_lower", "gums_lower"),
)
_SOFT = (("tongue",), ("lashes_left",), ("lashes_right",), ("mouth",))
# Metres from the nearest of them within which an inner part is one, and how many vertices it
# follows.
_LIKE, _NEAREST = 0.012, 4


def transferred(result: Registered, goal: Goal) -> FloatArray:
    """(E, V, 3) displacements of the wrapped head, metres in the goal's space."""
    keys = goal.mesh.shape_keys
    moved = np.zeros((len(keys), len(result.surface.vertices), 3), np.float32)
    skin = np.flatnonzero(result.skin)
    known = result.matches.belief[skin] > 0
    places = result.matches.places.take(skin)
    wanted = np.where(known[:, None], places.on(keys), 0).astype(np.float64)
    rows = np.moveaxis(wanted, 1, 0).reshape(len(skin), -1)
    found = settled(plate_of(result.surface.part(skin)), _MATCH * known, _MATCH * rows)
    moved[:, skin] = np.moveaxis(found.reshape(len(skin), len(keys), 3), 0, 1)
    for own, part in _inner_parts(result, goal.mesh):
        moved[:, own] = _inner(result, moved, own, part)
    return moved


@dataclass(frozen=True)
class _Part:
    """(P, 3) vertices of a part of the goal and (E, P, 3) their displacements."""

    vertices: FloatArray
    keys: FloatArray
    rigid: bool


def _inner_parts(result: Registered, mesh: HeadMesh) -> Iterator[tuple[np.ndarray, _Part | None]]:
    """Vertices of each inner part of the wrapped head, and the goal's part that it is, if any."""
    known = list(_known_parts(mesh))
    trees = [cKDTree(part.vertices) for part in known]
    numbers = result.surface.components
    for number in np.unique(numbers[~result.skin]):
        own = np.flatnonzero(numbers == number)
        away = [tree.query(result.surface.vertices[own])[0].mean() for tree in trees]
        near = bool(away) and min(away) < _LIKE
        yield own, known[int(np.argmin(away))] if near else None


def _known_parts(mesh: HeadMesh) -> Iterator[_Part]:
    for rigid, groups in ((True, _RIGID), (False, _SOFT)):
        for names in groups:
            numbers = [mesh.part_names.index(name) for name in names if name in mesh.part_names]
            used = np.unique(mesh.quads[np.isin(mesh.part, numbers)])
            if len(used):
                yield _Part(mesh.vertices[used], mesh.shape_keys[:, used], rigid)


def _inner(
    result: Registered, moved: FloatArray, own: np.ndarray, part: _Part | None
) -> FloatArray:
    """(E, N, 3) displacements of the vertices ``own`` of an inner part."""
    here = result.surface.vertices[own]
    if part is None:
        skin = np.flatnonzero(result.skin)
        return _followed(here, result.surface.vertices[skin], moved[:, skin])
    if not part.rigid:
        return _followed(here, part.vertices, part.keys)
    found = np.zeros((len(moved), len(own), 3), np.float32)
    for number, key in enumerate(part.keys):
        if np.abs(key).max() > 0:
            motion = best_rigid(part.vertices, part.vertices + key)
            found[number] = motion.apply(here) - here
    return found


def _followed(here: FloatArray, vertices: FloatArray, keys: FloatArray) -> FloatArray:
    """(E, N, 3) means of the displacements of the nearest vertices, the nearer the more."""
    distance, near = cKDTree(vertices).query(here, k=min(_NEAREST, len(vertices)))
    share = 1 / np.maximum(distance, 1e-5)
    share /= share.sum(1, keepdims=True)
    return np.asarray(np.einsum("ekmc,km->ekc", keys[:, near], share), np.float32)
