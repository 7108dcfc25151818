"""Plain data that crosses rooms: frozen dataclasses of numpy arrays and scalars.

Spaces
------
head space
    Metres, right-handed. +X the subject's left, +Y up, +Z forward (out of the face).
camera space
    Metres. +x right, +y down, +z away from the camera: ``x_cam = R @ x_head + t``.
pixels
    Continuous; x right, y down. (0, 0) is the top-left *corner* of the photo as a viewer
    sees it (after EXIF rotation), so the centre of the first pixel is (0.5, 0.5).

Glossary of dimensions: V vertices, F faces, T UV coordinates, I identity modes,
E expressions, L landmarks, K shape keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
ByteArray = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Photo:
    """A decoded photo.

    Attributes
    ----------
    rgb: (height, width, 3) uint8, sRGB, upright (EXIF rotation applied, alpha composited).
    path: where it came from.
    sha256: of the file's bytes.
    focal_px: focal length in pixels of this image if EXIF tells it, else None.
    """

    rgb: ByteArray
    path: Path
    sha256: str
    focal_px: float | None = None

    @property
    def width(self) -> int:
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        return int(self.rgb.shape[0])


@dataclass(frozen=True)
class FaceBox:
    """A detected face: the square that a detector draws round it.

    Attributes
    ----------
    center: (x, y) in pixels of the photo.
    size: side length in pixels; roughly brow to chin times 1.3 whatever the detector.
    roll: in-plane rotation in radians; positive turns the face clockwise as seen.
    score: 0..1, the detector's confidence.
    """

    center: tuple[float, float]
    size: float
    roll: float = 0.0
    score: float = 1.0

    def as_xyxy(self) -> tuple[float, float, float, float]:
        """The upright bounds (x0, y0, x1, y1) in pixels."""
        half = self.size / 2
        x, y = self.center
        return (x - half, y - half, x + half, y + half)


@dataclass(frozen=True)
class FaceCrop:
    """A square, upright crop of one face, as the network sees it.

    Attributes
    ----------
    rgb: (S, S, 3) uint8.
    to_photo: (2, 3) affine map from crop pixels to photo pixels.
    """

    rgb: ByteArray
    to_photo: FloatArray


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that maps head space to the photo's pixels.

    Attributes
    ----------
    intrinsics: (3, 3); focal lengths and principal point in pixels.
    rotation: (3, 3) proper rotation, head space -> camera space.
    translation: (3,) metres.
    width, height: of the photo in pixels.
    """

    intrinsics: FloatArray
    rotation: FloatArray
    translation: FloatArray
    width: int
    height: int

    def to_camera_space(self, points: FloatArray) -> FloatArray:
        """(..., 3) head space -> (..., 3) camera space, metres."""
        return np.asarray(points @ self.rotation.T + self.translation, dtype=np.float32)

    def project(self, points: FloatArray) -> FloatArray:
        """(..., 3) head space -> (..., 2) pixels."""
        homogeneous = self.to_camera_space(points) @ self.intrinsics.T
        return np.asarray(homogeneous[..., :2] / homogeneous[..., 2:], dtype=np.float32)


@dataclass(frozen=True)
class HeadCoefficients:
    """Everything that makes one head with one model.

    Attributes
    ----------
    identity: (I,) in standard deviations of the model's population.
    expression: (E,) activations 0..1 in the order of the model's expression names.
    """

    identity: FloatArray
    expression: FloatArray


@dataclass(frozen=True)
class Landmarks:
    """Dense 2D landmarks as the network sees them, before the head is fitted to them.

    Attributes
    ----------
    points: (L, 2) pixels of the photo.
    sigma: (L,) standard deviation in pixels, the same in x and y.
    """

    points: FloatArray
    sigma: FloatArray


@dataclass(frozen=True)
class RegressorOutput:
    """What the network says about one face crop, mapped back to the photo.

    Attributes
    ----------
    coefficients: a first guess, for the fit to start from.
    rotation: (3, 3) head space -> camera space, first guess.
    landmarks: dense landmarks of the model's ``dense`` embedding.
    confidence: 0..1, calibrated: how sure it is that this is a well-cropped face.
    identity_sigma: (I,) how far each identity coefficient may be off, in standard deviations of
        the population; 1 where the network knows no more than the population.
    """

    coefficients: HeadCoefficients
    rotation: FloatArray
    landmarks: Landmarks
    confidence: float
    identity_sigma: FloatArray


@dataclass(frozen=True)
class FitResult:
    """A head and a camera that agree with the landmarks.

    Attributes
    ----------
    coefficients, camera: the solution.
    residual: mean landmark distance after the fit, as a share of the outer-eye distance.
    """

    coefficients: HeadCoefficients
    camera: Camera
    residual: float


@dataclass(frozen=True)
class Timings:
    """Milliseconds per room, in the order of the walk."""

    rooms: dict[str, float] = field(default_factory=dict)
