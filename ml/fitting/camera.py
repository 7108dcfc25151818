"""Camera intrinsics from what is known, and a first pose from landmarks."""

from __future__ import annotations

import numpy as np

from ..data import Camera, FloatArray

# A "normal" lens: 50 mm on 36 mm film, as a share of the photo's long side.
NORMAL_LENS = 50 / 36
# A photo may be a crop of a larger one; nobody's portrait is taken from nearer than this, except
# selfies, and those carry EXIF.
NEAREST_GUESS_M = 1.1
FACE_HEIGHT_M = 0.165
# Looking straight into the camera: head +Y is up, camera +y is down; head +Z comes towards us.
FACING = np.diag([1.0, -1.0, -1.0]).astype(np.float32)


def guess_focal(width: int, height: int, face_px: float, focal_px: float | None = None) -> float:
    """Focal length in pixels: EXIF's if known, else a normal lens not nearer than 1.1 m.

    ``face_px`` is the face's height (brow to chin, 468 points' longer bound) in pixels.
    """
    if focal_px is not None:
        return focal_px
    lens = NORMAL_LENS * max(width, height)
    return max(lens, face_px * NEAREST_GUESS_M / FACE_HEIGHT_M)


def make_intrinsics(focal: float, width: int, height: int) -> FloatArray:
    """(3, 3) with square pixels and the principal point at the photo's centre."""
    return np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]], np.float32)


def first_camera(
    points: FloatArray,
    pixels: FloatArray,
    rotation: FloatArray,
    intrinsics: FloatArray,
    size: tuple[int, int],
) -> Camera:
    """The camera with a given rotation whose projection of (L, 3) points best meets (L, 2) pixels.

    Weak perspective in closed form: one scale and one shift, turned into a translation.
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
