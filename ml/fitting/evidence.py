"""What the network says of one face, as the fit takes it; and whether a fit is one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data import Camera, FitResult, FloatArray, HeadCoefficients, Landmarks, Observation, Photo
from ..errors import NoFaceFound
from ..head.model import HeadModel, LinearShape
from ..photo.crop import FACE_POINTS
from .camera import first_camera, guess_focal, make_intrinsics


@dataclass(frozen=True)
class Evidence:
    """What one photo says.

    Attributes
    ----------
    landmarks: (L, 2) pixels with sigma (L,); an infinite sigma switches a point off.
    camera: first guess; its intrinsics stay.
    start: first guess; its expression is also the centre of the expression prior.
    identity_sigma: (I,) how far each of ``start.identity`` may be off, in standard deviations of
        the population; None if it is no more than a place to start.
    """

    landmarks: Landmarks
    camera: Camera
    start: HeadCoefficients
    identity_sigma: FloatArray | None = None


def evidence_of(
    photo: Photo, observation: Observation, model: HeadModel
) -> tuple[LinearShape, Evidence]:
    """The model at the landmarks of ``observation``, and what these say of the head."""
    face, landmarks = observation.face, observation.landmarks
    # A network may know only the first points of the dense set.
    shape = model.points(observation.landmark_set).first(len(landmarks.points))
    extent = float(np.ptp(face.output.landmarks.points[:FACE_POINTS], axis=0).max())
    focal = guess_focal(photo.width, photo.height, extent, photo.focal_px)
    size = (photo.width, photo.height)
    start = face.output.coefficients
    camera = first_camera(
        shape.at(start),
        landmarks.points,
        face.output.rotation,
        make_intrinsics(focal, *size),
        size,
    )
    return shape, Evidence(landmarks, camera, start, face.output.identity_sigma)


def check_fit(fit: FitResult, path: Path) -> FitResult:
    """``fit``, if it puts the head of the photo at ``path`` in front of the camera.

    Raises
    ------
    NoFaceFound: it does not.
    """
    if not np.isfinite(fit.camera.translation).all() or fit.camera.translation[2] <= 0:
        raise NoFaceFound(
            f"The face found in {path} could not be fitted",
            "Use a photo where the face is larger or less covered",
        )
    return fit
