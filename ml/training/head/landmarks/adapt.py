"""Move the MediaPipe landmark set to where the labels of real portraits say it is.

    python -m ml.training.head.landmarks.adapt --data ../shared/data \
        --reference out/head/reference.npz --fits out/fits/train.npz

The first set was found on renders of one neutral mesh, where the lips touch: some points of
the upper lip came to lie on the lower one. With heads fitted to many people with open mouths,
every point is put where its labels are met best, and its mirror twin opposite. Fit again after it.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from ....data import Camera, FloatArray, HeadCoefficients
from ....geometry import MILLIMETRES
from ....geometry.mirror import mirror_twins
from ....geometry.triangles import triangulate
from ....head.model import HeadModel, SurfacePoints
from ....head.storage import load_head_model, save_head_model
from ....head.surface import closest_barycentric
from ....photo.crop import FACE_POINTS
from ...arguments import file_options
from .sets import join, mirror_order

PEOPLE = 240
REACH = 0.012
# Square metres of misfit that a metre away from the first place costs: labels on the contour
# slide with the view and would wander off without it.
STAY = 0.06


def adapt_landmark_sets(model: HeadModel, data: Path, fits: dict[str, np.ndarray]) -> HeadModel:
    """``model`` with its "mediapipe478" and "dense" sets moved; only face points move."""
    old = model.landmark_sets["mediapipe478"]
    dense = model.landmark_sets["dense"]
    skin = model.quads[model.part == model.part_names.index("Face")]
    triangles = triangulate(skin)
    with np.load(data / "portraits" / "train.npz") as archive:
        labels = archive["landmarks"][:PEOPLE, :FACE_POINTS, :2]
    used = np.unique(triangles)
    misfit, projected = _misfit(model, fits, labels, used)
    twin = mirror_order(data)
    opposite = mirror_twins(model.shape.mean[used])
    places = old.on(model.shape.mean)[:FACE_POINTS]
    corners, weights = [], []
    for landmark, place in enumerate(places):
        # What serves this landmark here, and its twin on the other side.
        cost = (misfit[landmark] + misfit[twin[landmark]][opposite]) / 2
        away = np.linalg.norm(model.shape.mean[used] - place, axis=1)
        best = np.where(away > REACH, np.inf, cost + STAY**2 * away**2).argmin()
        ring = triangles[(triangles == used[best]).any(1)]
        corner, weight = _best_on_ring(ring, used, projected, labels[:, landmark])
        corners.append(corner)
        weights.append(weight)
    moved = SurfacePoints(np.array(corners, np.int32), np.array(weights, np.float32))
    mediapipe = join(moved, old.take(slice(FACE_POINTS, None)))
    skull = dense.take(slice(len(old), None))
    sets = {**model.landmark_sets, "mediapipe478": mediapipe, "dense": join(mediapipe, skull)}
    return replace(model, landmark_sets=sets)


def _misfit(
    model: HeadModel, fits: dict[str, np.ndarray], labels: FloatArray, used: np.ndarray
) -> tuple[FloatArray, FloatArray]:
    """Mean squared distance (L, U) of every skin vertex to every label, square metres, and the
    vertices' projections (N, U, 2) and scale in metres."""
    total = np.zeros((FACE_POINTS, len(used)))
    projected = []
    for row, label in enumerate(labels):
        coefficients = HeadCoefficients(fits["identity"][row], fits["expression"][row])
        focal, shift = float(fits["focal"][row]), fits["translation"][row]
        # Principal point aside, pixels relative to the nose are enough to compare distances.
        camera = Camera(
            np.diag([focal, focal, 1]).astype(np.float32), fits["rotation"][row], shift, 1, 1
        )
        pixels = camera.project(model.shape.at(coefficients)[used])
        offset = fits["points"][row][0] - camera.project(
            model.landmark_sets["mediapipe478"].take(slice(0, 1)).on(model.shape.at(coefficients))
        )
        scale = float(shift[2]) / focal
        pixels = (pixels + offset) * scale
        projected.append(pixels)
        goal = label * scale
        total += ((goal[:, None] - pixels[None]) ** 2).sum(-1)
        labels[row] = goal
    return (total / len(labels)).astype(np.float32), np.stack(projected)


def _best_on_ring(
    ring: np.ndarray, used: np.ndarray, projected: FloatArray, goal: FloatArray
) -> tuple[np.ndarray, np.ndarray]:
    """The best point of the (T, 3) triangles of a ``ring``: (3,) corners and weights.

    Each triangle is a plane in the (2 x people)-dimensional space of all its projections, where
    the closest point is the least-squares one.
    """
    local = np.searchsorted(used, ring)
    corner = projected[:, local].transpose(1, 2, 0, 3).reshape(len(ring), 3, -1)
    weights = closest_barycentric(goal.reshape(1, -1), corner.astype(np.float64))
    error = np.linalg.norm((weights[..., None] * corner).sum(1) - goal.reshape(1, -1), axis=1)
    best = int(error.argmin())
    return ring[best], weights[best]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, parents=[file_options("data", "reference", "fits")]
    )
    arguments = parser.parse_args()
    model = load_head_model(arguments.reference)
    with np.load(arguments.fits) as archive:
        fits = {name: archive[name] for name in archive.files}
    adapted = adapt_landmark_sets(model, arguments.data, fits)
    places = [item.landmark_sets["mediapipe478"].on(item.shape.mean) for item in (model, adapted)]
    moved = np.linalg.norm(places[1] - places[0], axis=1) * MILLIMETRES
    save_head_model(adapted, arguments.reference)
    print(f"moved by mean {moved.mean():.2f} mm, most {moved.max():.2f} mm")


if __name__ == "__main__":
    main()
