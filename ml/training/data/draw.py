"""Draw a coloured head into a crop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from ...data import FloatArray
from ...rendering import interpolate, rasterize
from .scene import Stage

SUPERSAMPLING = 1.5
FOCAL = 1000.0

Shade = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Pose:
    """A head ``distance`` metres before a camera with a focal length of FOCAL pixels."""

    rotation: FloatArray
    distance: float

    def project(self, points: FloatArray) -> FloatArray:
        """(N, 3) head space -> (N, 2) pixels, principal point at (0, 0)."""
        moved = self.to_camera(points)
        return (FOCAL * moved[:, :2] / moved[:, 2:]).astype(np.float32)

    def to_camera(self, points: FloatArray) -> FloatArray:
        """(N, 3) head space -> camera space, metres."""
        # The head's origin lies near the middle of the skull: turn about it.
        return (points @ self.rotation.T + [0, 0, self.distance]).astype(np.float32)


def draw_head(
    stage: Stage,
    vertices: FloatArray,
    normals: FloatArray,
    pose: Pose,
    to_photo: FloatArray,
    colours: FloatArray,
    shade: Shade,
    background: np.ndarray,
) -> np.ndarray:
    """(S, S, 3) uint8: the head over ``background`` (S, S, 3), seen through the crop."""
    size = len(background)
    large = round(size * SUPERSAMPLING)
    back = np.linalg.inv(to_photo[:, :2])
    pixels = (pose.project(vertices) - to_photo[:, 2]) @ back.T * (large / size)
    depth = pose.to_camera(vertices)[:, 2:]
    fragments = rasterize(
        np.concatenate([pixels, depth], 1).astype(np.float32), stage.triangles, large, large
    )
    lit = colours * shade((normals @ pose.rotation.T).astype(np.float32))
    picture = interpolate(fragments, lit.astype(np.float32), stage.triangles)
    covered = fragments.face >= 0
    behind = cv2.resize(background, (large, large), interpolation=cv2.INTER_LINEAR)
    picture = np.where(covered[..., None], np.clip(picture, 0, 255), behind)
    small = cv2.resize(picture.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA)
    return np.clip(small, 0, 255).astype(np.uint8)
