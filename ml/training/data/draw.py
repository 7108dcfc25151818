"""Draw a coloured head and what it wears into a crop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from ...data import FloatArray, IntArray
from ...rendering import Fragments, rasterize
from .rig import Extra
from .scene import Stage

SUPERSAMPLING = 1.5
FOCAL = 1000.0

# (N, 3) camera-space normals and (N, 3) colours -> (N, 3) what the camera records, 0..255.
Shade = Callable[[FloatArray, FloatArray], FloatArray]


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
        away = np.array([0, 0, self.distance], np.float32)
        return (points.astype(np.float32) @ self.rotation.T + away).astype(np.float32)


@dataclass(frozen=True)
class Figure:
    """A dressed head: ``vertices``, ``normals``, ``colours`` (D, 3) of the stage, and extras."""

    vertices: FloatArray
    normals: FloatArray
    colours: FloatArray
    extras: tuple[Extra, ...] = ()


def draw_head(
    stage: Stage,
    figure: Figure,
    pose: Pose,
    to_photo: FloatArray,
    shade: Shade,
    background: np.ndarray,
) -> np.ndarray:
    """(S, S, 3) uint8: the figure over ``background`` (S, S, 3), seen through the crop."""
    size, large = len(background), round(len(background) * SUPERSAMPLING)
    # Lenses are blended over everything else, in the order given.
    solid = [extra for extra in figure.extras if extra.alpha.min() >= 1]
    clear = [extra for extra in figure.extras if extra.alpha.min() < 1]
    worn = [*solid, *clear]
    vertices = np.concatenate([figure.vertices, *[extra.vertices for extra in worn]])
    normals = np.concatenate([figure.normals, *[extra.normals for extra in worn]])
    colours = np.concatenate([figure.colours, *[extra.colours for extra in worn]])
    meshes = _numbered(stage.triangles, len(figure.vertices), worn)
    moved = pose.to_camera(vertices)
    pixels = FOCAL * moved[:, :2] / moved[:, 2:]
    back = np.linalg.inv(to_photo[:, :2])
    pixels = (pixels - to_photo[:, 2]) @ (back.T * np.float32(large / size))
    points = np.concatenate([pixels, moved[:, 2:]], 1).astype(np.float32)
    lit = shade((normals @ pose.rotation.T).astype(np.float32), colours).astype(np.float32)
    triangles = np.concatenate(meshes[: 1 + len(solid)])
    fragments = rasterize(points, triangles, large, large)
    covered = fragments.face >= 0
    picture = np.zeros((large, large, 3), np.float32)
    picture[covered] = np.clip(_seen(fragments, covered, lit, triangles), 0, 255)
    if solid:
        down = (back @ pose.rotation[:2, 1]) * (large / size)
        picture *= _contact_shadow(fragments, len(stage.triangles), -down)[..., None]
    behind = cv2.resize(background, (large, large), interpolation=cv2.INTER_LINEAR)
    picture = np.where(covered[..., None], picture, behind).astype(np.float32)
    for extra, mesh in zip(clear, meshes[1 + len(solid) :], strict=True):
        alpha = np.zeros((len(points), 1), np.float32)
        alpha[mesh.min() : mesh.max() + 1] = extra.alpha[:, None]
        _blend(picture, rasterize(points, mesh, large, large), fragments.depth, mesh, lit, alpha)
    small = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    return np.clip(small, 0, 255).astype(np.uint8)


def _numbered(head: IntArray, count: int, worn: list[Extra]) -> list[IntArray]:
    """The triangles of the head and of each extra, into one array of all vertices."""
    meshes = [head]
    for extra in worn:
        meshes.append((extra.triangles + count).astype(np.int32))
        count += len(extra.vertices)
    return meshes


def _seen(
    fragments: Fragments, where: np.ndarray, values: FloatArray, triangles: IntArray
) -> FloatArray:
    """(N, C) per-vertex values at the N pixels of the mask ``where``."""
    corners = triangles[fragments.face[where]]
    weights = fragments.barycentric[where]
    return sum(values[corners[:, k]] * weights[:, k, None] for k in range(3))


def _contact_shadow(fragments: Fragments, head: int, down: FloatArray) -> FloatArray:
    """(H, W) 0..1: skin is darker beside and below what hides the light.

    ``head`` triangles come first; ``down`` is the way down the face in the picture.
    """
    worn = (fragments.face >= head).astype(np.float32)
    shift = 4 * down / max(float(np.linalg.norm(down)), 1e-6)
    move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    cast = cv2.warpAffine(worn, move, worn.shape[::-1])
    cast = cv2.GaussianBlur(cast, (0, 0), 4.0)
    return np.where(fragments.face < head, 1 - 0.5 * cast, 1).astype(np.float32)


def _blend(
    picture: FloatArray, lens: Fragments, depth: FloatArray, mesh: IntArray, lit: FloatArray,
    alpha: FloatArray,
) -> None:  # fmt: skip
    """Lay a transparent mesh over the picture where nothing lies before it, in place."""
    seen = (lens.face >= 0) & (lens.depth < depth)
    share = _seen(lens, seen, alpha, mesh)
    over = np.clip(_seen(lens, seen, lit, mesh), 0, 255)
    picture[seen] = picture[seen] * (1 - share) + over * share
