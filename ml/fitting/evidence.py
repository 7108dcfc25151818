"""The input of the fit for one photo, and the check of its result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data import (
    Camera,
    FitResult,
    FloatArray,
    HeadCoefficients,
    Landmarks,
    Observation,
    Photo,
)
from ..errors import NoFaceFound
from ..head.model import HeadModel, LinearShape
from ..photo.crop import FACE_POINTS
from .camera import (
    GUESSED_FOCAL_SIGMA,
    first_camera,
    guess_focal,
    implausible,
    make_intrinsics,
)
from .surface_terms import Depths, Normals


@dataclass(frozen=True)
class Evidence:
    """Landmarks and initial estimates from one photo.

    Attributes
    ----------
    landmarks: (L, 2) pixels with sigma (L,); an infinite sigma excludes a point.
    camera: initial estimate.
    start: initial estimate; its expression is also the mean of the expression prior.
    identity_sigma: (I,) standard deviation of the error of ``start.identity``, in standard
        deviations of the population; None if ``start.identity`` is only a starting point.
    focal_source: of the focal length in ``camera``: "exif" or "guess". focal_refused: why EXIF's
        was not believed; empty if it was, or if there was none.
    depths, normals: of the landmarks; None where they are not known.
    focal: what the focal length is expected to be, pixels. focal_sigma: standard deviation of its
        natural logarithm; 0: the camera's is not fitted.
    expression_sigma: (E,) standard deviation of the error of ``start.expression``; None: that of
        the fit's settings for each.
    """

    landmarks: Landmarks
    camera: Camera
    start: HeadCoefficients
    identity_sigma: FloatArray | None = None
    focal_source: str = "guess"
    focal_refused: str = ""
    depths: Depths | None = None
    normals: Normals | None = None
    focal: float = 1.0
    focal_sigma: float = 0.0
    expression_sigma: FloatArray | None = None


def evidence_of(
    photo: Photo, observation: Observation, model: HeadModel
) -> tuple[LinearShape, Evidence]:
    """The model restricted to the landmarks of ``observation``, and the input of the fit."""
    face, landmarks = observation.face, observation.landmarks
    # A network may predict only the first points of the dense set.
    shape = model.points(observation.landmark_set).first(len(landmarks.points))
    extent = float(np.ptp(face.output.landmarks.points[:FACE_POINTS], axis=0).max())
    believed, refused = _believed_focal(photo, extent)
    focal = guess_focal(photo.width, photo.height, extent, believed)
    size = (photo.width, photo.height)
    start = face.output.coefficients
    camera = first_camera(
        shape.at(start),
        landmarks.points,
        face.output.rotation,
        make_intrinsics(focal, *size),
        size,
    )
    known = believed is not None
    return shape, Evidence(
        landmarks,
        camera,
        start,
        face.output.identity_sigma,
        "exif" if known else "guess",
        refused,
        focal=focal,
        focal_sigma=0.0 if known else GUESSED_FOCAL_SIGMA,
    )


def _believed_focal(photo: Photo, extent: float) -> tuple[float | None, str]:
    """EXIF's focal length in pixels where it is plausible; else None and why it was refused.

    extent: the longer side of the face points' bounds, in pixels.
    """
    if photo.focal_px is None:
        return None, photo.focal_refused
    refused = implausible(photo.focal_px, extent)
    return (None if refused else photo.focal_px), refused


def check_fit(fit: FitResult, path: Path) -> FitResult:
    """Return ``fit`` if the head is in front of the camera; ``path``: of the photo, for messages.

    Raises
    ------
    NoFaceFound: it is behind the camera, or the fit diverged.
    """
    if not np.isfinite(fit.camera.translation).all() or fit.camera.translation[2] <= 0:
        raise NoFaceFound(
            f"The face found in {path} could not be fitted",
            "Use a photo where the face is larger or less covered",
        )
    return fit
