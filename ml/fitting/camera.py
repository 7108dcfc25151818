"""Camera intrinsics from EXIF or a guess, and a first pose from landmarks."""

from __future__ import annotations

import numpy as np

from ..data import Camera, FloatArray

# A "normal" lens: 50 mm on 36 mm film, as a share of the photo's long side.
NORMAL_LENS = 50 / 36
# A photo may be a crop of a larger one: then the face is expected at this distance. With it and
# GUESSED_FOCAL_SIGMA, errors of the distance are smallest on renders of people 0.6 to 2.5 m away.
USUAL_DISTANCE_M = 1.35
# Standard deviation of the natural logarithm of a guessed focal length.
GUESSED_FOCAL_SIGMA = 0.4
# EXIF may be of the photo that this one was cropped out of: then the face comes too near. Nobody
# holds a camera nearer to a face than this.
NEAREST_M = 0.35
FACE_HEIGHT_M = 0.165
# The rotation of a face that looks into the camera: head +Y is camera -y, head +Z is camera -z.
FACING = np.diag([1.0, -1.0, -1.0]).astype(np.float32)


def guess_focal(width: int, height: int, face_px: float, focal_px: float | None = None) -> float:
    """Focal length in pixels: EXIF's if known, else a normal lens, or a longer one where the face
    would come nearer than usual.

    face_px: the longer side of the 468 face points' bounds, in pixels. focal_px: EXIF's, in pixels.
    """
    if focal_px is not None:
        return focal_px
    lens = NORMAL_LENS * max(width, height)
    return max(lens, face_px * USUAL_DISTANCE_M / FACE_HEIGHT_M)


def implausible(focal_px: float, face_px: float) -> str:
    """Why a face of this size cannot have been taken with this focal length; empty if it can.

    Both in pixels of the photo; face_px: see :func:`guess_focal`.
    """
    distance = focal_px * FACE_HEIGHT_M / max(face_px, 1e-6)
    if distance >= NEAREST_M:
        return ""
    return f"with EXIF's focal length the face would be {distance:.2f} m from the camera"


def make_intrinsics(focal: float, width: int, height: int) -> FloatArray:
    """(3, 3) intrinsics with square pixels and the principal point at the photo's centre."""
    return np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]], np.float32)


def first_camera(
    points: FloatArray,
    pixels: FloatArray,
    rotation: FloatArray,
    intrinsics: FloatArray,
    size: tuple[int, int],
) -> Camera:
    """The camera with the given rotation that projects (L, 3) points closest to (L, 2) pixels.

    Weak perspective in closed form: one scale and one shift, converted to a translation in metres.
    size: width and height of the photo.
    """
    turned = points @ rotation.T
    centre, target = turned[:, :2].mean(0), pixels.mean(0)
    spread = ((turned[:, :2] - centre) * (pixels - target)).sum()
    scale = max(float(spread / ((turned[:, :2] - centre) ** 2).sum()), 1e-3)
    focal = float(intrinsics[0, 0])
    depth = focal / scale
    principal = intrinsics[:2, 2]
    shift = (target - principal) / focal * depth - centre
    translation = np.array([shift[0], shift[1], depth - turned[:, 2].mean()], np.float32)
    return Camera(intrinsics, rotation.astype(np.float32), translation, *size)
