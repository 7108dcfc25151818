"""Plain data that passes between packages: frozen dataclasses of NumPy arrays and scalars.

Spaces
------
head space
    Metres, right-handed. +X the subject's left, +Y up, +Z forward (out of the face).
camera space
    Metres. +x right, +y down, +z away from the camera: ``x_cam = R @ x_head + t``.
pixels
    Continuous; x right, y down. (0, 0) is the top-left *corner* of the photo as a viewer
    sees it (after EXIF rotation), so the centre of the first pixel is (0.5, 0.5).

Dimensions: V vertices, F faces, T UV coordinates, I identity modes, E expressions, L landmarks.

Terms
-----
expression
    A facial movement with a name and an activation 0..1. A model, mesh or result lists the names
    of its expressions in ``expression_names``, (E,); ARKit's 52 names in Effigy's order are the
    constant ``EXPRESSION_NAMES`` (ml.head.arkit). ``reconstruction.npz`` stores the same list
    under its older key ``shape_key_names``.
shape key
    The displacements (V, 3) of one expression at activation 1, metres; also called blend shape.
level
    One of the meshes of a head: low, base or high.
landmark set
    Named points on the head's surface, such as "ibug68" or "dense".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
ByteArray = npt.NDArray[np.uint8]
# Called with the finished share of the work, 0..1, and a message; may raise ml.errors.Cancelled.
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Photo:
    """A decoded photo.

    Attributes
    ----------
    rgb: (height, width, 3) uint8, sRGB, upright (EXIF rotation applied, alpha composited). Of a
        file with more than 25 megapixels the picture is half as wide and high: what is in pixels
        of the photo, such as its size and its camera, is in pixels of ``rgb``.
    path: of the file. sha256: of the file's bytes.
    focal_px: focal length in pixels of this image from EXIF, else None.
    focal_refused: why EXIF's focal length was not believed; empty if it was, or if there is none.
    orientation: EXIF's, 1 to 8; 1 if there is none. orientation_refused: why the photo is turned
        otherwise; empty if it is turned as EXIF says.
    """

    rgb: ByteArray
    path: Path
    sha256: str
    focal_px: float | None = None
    focal_refused: str = ""
    orientation: int = 1
    orientation_refused: str = ""

    @property
    def width(self) -> int:
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        return int(self.rgb.shape[0])


@dataclass(frozen=True)
class FaceBox:
    """The square round a detected face.

    Attributes
    ----------
    center: (x, y) in pixels of the photo.
    size: side length in pixels; about 1.3 times brow to chin for every detector.
    roll: in-plane rotation in radians; positive is clockwise in the photo.
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
    """A square, upright crop of one face, the network's input.

    Attributes
    ----------
    rgb: (S, S, 3) uint8, sRGB.
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
    """The coefficients of one head in one head model.

    Attributes
    ----------
    identity: (I,) in standard deviations of the model's population.
    expression: (E,) activations 0..1 in the order of the model's expression names.
    """

    identity: FloatArray
    expression: FloatArray


@dataclass(frozen=True)
class Landmarks:
    """2D landmarks in a photo with their uncertainty, before the head is fitted to them.

    Attributes
    ----------
    points: (L, 2) pixels of the photo.
    sigma: (L,) standard deviation in pixels, the same in x and y.
    """

    points: FloatArray
    sigma: FloatArray


@dataclass(frozen=True)
class RegressorOutput:
    """The regressor's output for one face crop, mapped back to the photo.

    Attributes
    ----------
    coefficients: initial values for the fit.
    rotation: (3, 3) head space -> camera space, initial value for the fit.
    landmarks: of the landmark set "dense".
    confidence: 0..1, calibrated probability that the crop shows a well-framed face.
    identity_sigma: (I,) standard deviation of each identity coefficient's error, in standard
        deviations of the population; 1 where the network knows no more than the population.
    """

    coefficients: HeadCoefficients
    rotation: FloatArray
    landmarks: Landmarks
    confidence: float
    identity_sigma: FloatArray


@dataclass(frozen=True)
class FoundFace:
    """A detected and confirmed face: the box of its last crop and the regressor's output there."""

    box: FaceBox
    output: RegressorOutput


@dataclass(frozen=True)
class Observation:
    """One face in a photo, and the landmarks that the head is fitted to.

    Attributes
    ----------
    landmarks: of the head model's landmark set ``landmark_set``: the face's own ("dense"), or
        another detector's ("ibug68").
    enhancement: of the photo in which the face was found (ml.photo.enhance); empty: none.
    """

    face: FoundFace
    landmarks: Landmarks
    landmark_set: str
    enhancement: str = ""


@dataclass(frozen=True)
class FitResult:
    """The head and camera that were fitted to the landmarks.

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
    """Milliseconds per step of the pipeline, in the order of the steps."""

    steps: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class HeadMesh:
    """The mesh of one reconstructed person.

    Attributes
    ----------
    vertices: (V, 3) with a neutral expression; metres, head space.
    vertices_expressed: (V, 3) with the photo's expression.
    quads: (F, 4); a triangle repeats its last index. uv: (T, 2). uv_quads: (F, 4) into uv.
    part: (F,) uint8 index into part_names.
    shape_keys: (E, V, 3) displacements in metres at activation 1. expression_names: (E,).
    landmarks_68: (68, 3) iBUG order and landmarks_478: (478, 3) MediaPipe order, at rest.
    masks: (V,) weights 0..1 by name: regions and skinning (see HeadModel.masks).
    joints: (3,) positions at rest by name: neck, head, jaw, chin, eye_left, eye_right.
    """

    vertices: FloatArray
    vertices_expressed: FloatArray
    quads: IntArray
    uv: FloatArray
    uv_quads: IntArray
    part: np.ndarray
    part_names: tuple[str, ...]
    shape_keys: FloatArray
    expression_names: tuple[str, ...]
    landmarks_68: FloatArray
    landmarks_478: FloatArray
    masks: Mapping[str, FloatArray] = field(default_factory=dict)
    joints: Mapping[str, FloatArray] = field(default_factory=dict)


# The displacement map stores -REACH_M as 0, no displacement as 0.5 and REACH_M as 1.
REACH_M = 0.004


@dataclass(frozen=True)
class Detail:
    """Mid-frequency detail of one mesh.

    Attributes
    ----------
    mode: "relief" or "consistent"; see ml.settings.
    offsets: (V, 3) metres in head space; times a strength, they are added to the vertices at rest.
    normal_map: (S, S, 3) uint8 in the mesh's UV layout, first row at v = 1; tangent space with +Y
        up, as in glTF and Blender. It holds the detail that is too fine for the mesh with its
        offsets. None when read back: the image stays on disk.
    displacement: (S, S, 3) uint16 in the same layout: all of the detail, relative to the mesh
        without offsets, along tangent, normal and bitangent in this order (Blender's Vector
        Displacement); 0..65535 is -REACH_M..REACH_M. Also None when read back.
    """

    mode: str
    offsets: FloatArray
    normal_map: ByteArray | None = None
    displacement: np.ndarray | None = None
