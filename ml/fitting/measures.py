"""Measures of how far one fitted head can be trusted: plain numbers from photo, landmarks and fit.

``ml.fitting.quality`` turns them into one figure and its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from ..data import ByteArray, Camera, FaceCrop, FitResult, FloatArray, Landmarks, Observation, Photo
from ..geometry import MILLIMETRES
from ..geometry.sampling import colours_at
from ..head.model import HeadModel
from ..head.surface import normals_at
from ..photo.crop import FACE_POINTS, box_from_landmarks, crop_face

# A point is hidden whose normal is this near to a right angle with the line of sight, or beyond:
# the cosine of 84 degrees.
GRAZING = 0.1
# How many pixels of the crop a face's middle may lie off the crop's, across and down.
ACROSS, DOWN = 14, 4
# Grey levels: the noise of a flat picture must not pass for structure.
NOISE = 2.0


@dataclass(frozen=True)
class Measures:
    """What is measured on one face.

    Attributes
    ----------
    misfit: mean distance of the landmarks to the fitted head as a share of the face's extent.
    vagueness: median sigma of the landmarks as a share of the face's extent.
    outside: share of the face points that lie outside the picture.
    turned: share of the face points that face away from the camera.
    identity: root mean square of the identity coefficients, standard deviations.
    disagreement: mean distance in mm between the faces at rest of the network's first estimate and
        of the fit.
    width: pixels of the photo, the longer side of the face's bounds.
    fineness: standard deviation of what a picture loses that is halved, the face 128 pixels wide,
        as a share of ``contrast``: near 0 for a blurred face, 0.2 for a sharp one, 0.5 for noise.
    contrast: standard deviation of the grey levels at the face points, of 255.
    symmetry: correlation of the picture's fine structure with that of its mirror image, -1..1:
        above 0.95 only if one half was made from the other.
    """

    misfit: float
    vagueness: float
    outside: float
    turned: float
    identity: float
    disagreement: float
    width: float
    fineness: float
    contrast: float
    symmetry: float


def measure(
    photo: Photo, observation: Observation, landmarks: Landmarks, fit: FitResult, model: HeadModel
) -> Measures:
    """The measures of one face.

    landmarks: dense, what the network says last of where they are; infinite sigmas exclude points.
    """
    head, camera = fit.coefficients, fit.camera
    points = camera.project(model.points("dense").at(head))
    face = points[:FACE_POINTS]
    extent = max(float(np.ptp(face, axis=0).max()), 1e-6)
    used = np.isfinite(landmarks.sigma)
    away = np.linalg.norm((points[: len(used)] - landmarks.points)[used], axis=1)
    shown = ((face >= 0) & (face < (camera.width, camera.height))).all(1)
    ahead = facing(model, camera) > GRAZING
    crop = crop_face(photo, box_from_landmarks(points))
    contrast, fineness = _picture(crop, face[shown & ahead])
    first = observation.face.output.coefficients.identity
    return Measures(
        misfit=float(away.mean()) / extent,
        vagueness=float(np.median(landmarks.sigma[used])) / extent,
        outside=float(1 - shown.mean()),
        turned=float(1 - ahead.mean()),
        identity=float(np.sqrt((head.identity**2).mean())),
        disagreement=distance(model, first, head.identity),
        width=extent,
        fineness=fineness,
        contrast=contrast,
        symmetry=symmetry_of(crop.rgb),
    )


def facing(model: HeadModel, camera: Camera) -> FloatArray:
    """(468,) cosines between the mean head's normals at the face points and the lines of sight."""
    rays = camera.to_camera_space(model.points("dense").mean[:FACE_POINTS])
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    return np.asarray(-((_face_normals(model) @ camera.rotation.T) * rays).sum(1), np.float32)


def distance(model: HeadModel, one: FloatArray, other: FloatArray) -> float:
    """Mean distance in mm between the face points at rest of two (I,) identities."""
    apart = ((one - other) @ _face_basis(model)).reshape(FACE_POINTS, 3)
    return MILLIMETRES * float(np.linalg.norm(apart, axis=1).mean())


@lru_cache(maxsize=2)
def _face_normals(model: HeadModel) -> FloatArray:
    """(468, 3) unit normals of the mean head at the face points."""
    points = model.landmark_sets["dense"].take(slice(FACE_POINTS))
    return np.asarray(normals_at(model.shape.mean, points), np.float32)


@lru_cache(maxsize=2)
def _face_basis(model: HeadModel) -> FloatArray:
    """(I, 468 * 3) displacements of the face points."""
    basis = model.points("dense").identity[:, :FACE_POINTS]
    return np.ascontiguousarray(basis.reshape(len(basis), -1))


def _picture(crop: FaceCrop, seen: FloatArray) -> tuple[float, float]:
    """Contrast and fineness of the picture where (N, 2) pixels of the photo show the face."""
    if len(seen) < 3:
        return 0.0, 0.0
    back = np.linalg.inv(crop.to_photo[:, :2]).T
    places = ((seen - crop.to_photo[:, 2]) @ back).astype(np.float32)
    grey = cv2.cvtColor(crop.rgb, cv2.COLOR_RGB2GRAY)
    soft = cv2.GaussianBlur(grey, (0, 0), 1.5)
    contrast = float(colours_at(soft[..., None], places).astype(np.float32).std())
    area = np.zeros(grey.shape, np.uint8)
    cv2.fillConvexPoly(area, cv2.convexHull(places.astype(np.int32)), 1)
    half = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    lost = grey.astype(np.float32) - cv2.resize(half, grey.shape[::-1])
    return contrast, float(lost[area > 0].std()) / (contrast + NOISE)


def symmetry_of(rgb: ByteArray) -> float:
    """See Measures; ``rgb``: (S, S, 3) a crop of the face, upright, about CROP_SIZE wide."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = cv2.GaussianBlur(grey, (0, 0), 1.2) - cv2.GaussianBlur(grey, (0, 0), 4)
    top, left = len(grey) // 5, len(grey) // 4
    middle = fine[top:-top, left:-left]
    mirrored = np.ascontiguousarray(fine[:, ::-1])
    around = mirrored[top - DOWN : DOWN - top, left - ACROSS : ACROSS - left]
    if middle.std() < 1e-3:
        return 0.0
    return float(cv2.matchTemplate(around, middle, cv2.TM_CCOEFF_NORMED).max())
