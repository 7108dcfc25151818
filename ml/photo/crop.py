"""The square crop of one face, the same in training and inference.

A face's box follows from its landmarks: the centre is the middle of the 468 points' bounds in the
face's own upright frame, the side is ``BOX_SCALE`` times the longer bound.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..data import FaceBox, FaceCrop, FloatArray, Photo

CROP_SIZE = 128
BOX_SCALE = 1.45
# MediaPipe's outer eye corners: the subject's right (left in the photo) and left.
EYE_RIGHT, EYE_LEFT = 33, 263
FACE_POINTS = 468


def box_from_landmarks(points: FloatArray) -> FaceBox:
    """The box of a face with (>=468, 2) landmarks in MediaPipe's order, photo pixels."""
    face = np.asarray(points[:FACE_POINTS], np.float64)
    across = face[EYE_LEFT] - face[EYE_RIGHT]
    # In a profile the eyes' corners almost coincide and give no direction. The line from chin (152)
    # to forehead (10) is long in every view.
    up = face[10] - face[152]
    roll = float(np.arctan2(up[0], -up[1]))
    if np.linalg.norm(across) > 0.4 * np.linalg.norm(up):
        roll = 0.5 * (roll + float(np.arctan2(across[1], across[0])))
    to_upright = _rotation(-roll)
    upright = face @ to_upright.T
    low, high = upright.min(0), upright.max(0)
    center = to_upright.T @ ((low + high) / 2)
    size = BOX_SCALE * float((high - low).max())
    return FaceBox((float(center[0]), float(center[1])), size, roll)


def crop_to_photo(box: FaceBox, size: int = CROP_SIZE) -> FloatArray:
    """(2, 3) affine map from a square crop of ``box``, ``size`` pixels wide, to photo pixels."""
    scale = box.size / size
    turn = _rotation(box.roll) * scale
    offset = np.asarray(box.center) - turn @ np.array([size / 2, size / 2])
    return np.column_stack([turn, offset]).astype(np.float32)


def crop_face(photo: Photo, box: FaceBox, size: int = CROP_SIZE) -> FaceCrop:
    """Crop ``box`` out of the photo, upright, without aliasing; the border is repeated."""
    to_photo = crop_to_photo(box, size)
    return FaceCrop(warp_crop(photo.rgb, to_photo, size), to_photo)


def warp_crop(
    rgb: np.ndarray, to_photo: FloatArray, size: int, border: int = cv2.BORDER_REPLICATE
) -> np.ndarray:
    """(size, size, ...) uint8: sample ``rgb`` through the crop -> photo map without aliasing.

    border: what lies beyond the photo, as OpenCV names it: its edge repeated, or black.
    """
    shrink = float(np.sqrt(abs(np.linalg.det(to_photo[:, :2]))))
    image, matrix = rgb, to_photo.astype(np.float64)
    if shrink > 1.5:
        # warpAffine interpolates between 2x2 pixels only, so area averaging comes first.
        image, matrix = _reduced(rgb, matrix, shrink, size)
    # OpenCV's (0, 0) is the first pixel's centre; ours is its corner.
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ np.array([0.5, 0.5]) - 0.5
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped: np.ndarray = cv2.warpAffine(
        image, shifted, (size, size), flags=flags, borderMode=border
    )
    return warped


def _reduced(
    rgb: np.ndarray, matrix: np.ndarray, shrink: float, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """The part of the photo under the crop, area-averaged, and the map into it."""
    corners = np.array([[0, 0, 1], [size, 0, 1], [0, size, 1], [size, size, 1]]) @ matrix.T
    margin = 2 * shrink
    height, width = rgb.shape[:2]
    x0, y0 = np.clip(np.floor(corners.min(0) - margin), 0, [width - 1, height - 1]).astype(int)
    x1, y1 = np.clip(np.ceil(corners.max(0) + margin), [x0 + 1, y0 + 1], [width, height]).astype(
        int
    )
    part = rgb[y0:y1, x0:x1]
    new_w, new_h = (max(1, round(length / shrink)) for length in (x1 - x0, y1 - y0))
    small = cv2.resize(part, (new_w, new_h), interpolation=cv2.INTER_AREA)
    scale = np.array([new_w / (x1 - x0), new_h / (y1 - y0)])
    moved = matrix.copy()
    moved[:, 2] -= [x0, y0]
    return small, moved * scale[:, None]


def _rotation(angle: float) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin], [sin, cos]])
