"""What the photo shows of a head's hair, in the pixels of the parse."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..data import ByteArray, Camera, FloatArray, Photo
from ..parsing.classes import Parse
from ..rendering import rasterize

# Points this far behind the head's surface, metres, are hidden by it.
HIDDEN = 0.004
HEAD = ("skin", "nose", "brows", "eyes", "lips", "inner mouth", "ears", "beard", "glasses")
# The least share of the whole hair that a separate piece of it must have, to be taken for hair.
PIECE = 0.06


@dataclass(frozen=True)
class HairView:
    """A parse with its camera and the bare head in it; all pictures are (S, S).

    Attributes
    ----------
    hair, hat, bare, beard: 0..1 probability of hair (in pieces at the head), of a hat, of skin
        without hair, of a beard. inside: bool, pixels of the photo.
    depth: of the bare head, metres; infinite beside it.
    rgb: (S, S, 3) the photo. photo: (h, w, 3) in its own pixels.
    """

    parse: Parse
    camera: Camera
    hair: FloatArray
    hat: FloatArray
    bare: FloatArray
    beard: FloatArray
    inside: np.ndarray
    depth: FloatArray
    rgb: ByteArray
    photo: ByteArray

    @property
    def side(self) -> int:
        return len(self.hair)

    def project(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(N, 3) head space -> (N, 2) pixels of the parse and (N,) depth in metres."""
        depth = self.camera.to_camera_space(points)[:, 2]
        back = np.linalg.inv(self.parse.to_photo[:, :2])
        pixels = (self.camera.project(points) - self.parse.to_photo[:, 2]) @ back.T
        return pixels.astype(np.float32), depth

    def at(self, picture: np.ndarray, pixels: FloatArray) -> np.ndarray:
        """Values of an (S, S, ...) picture at (N, 2) pixels; beyond it, its rim's."""
        column, row = np.clip(np.nan_to_num(pixels), 0, self.side - 1).astype(np.int32).T
        return np.asarray(picture[row, column])

    def within(self, pixels: FloatArray) -> np.ndarray:
        """(N,) bool: which pixels the photo has."""
        there = ((pixels >= 0) & (pixels < self.side)).all(1)
        return np.asarray(there & self.at(self.inside, pixels))

    def shows(self, pixels: FloatArray, depth: FloatArray) -> FloatArray:
        """(N,) 1 for points that the head does not hide, else 0."""
        before = depth < self.at(self.depth, pixels) + HIDDEN
        return (self.within(pixels) & before).astype(np.float32)

    def moved(self, pixels: FloatArray, depth: FloatArray) -> FloatArray:
        """(N, 2) displacements in pixels at (N,) depths -> (N, 3) in head space, metres."""
        across = pixels @ self.parse.to_photo[:, :2].T
        focal = np.array([self.camera.intrinsics[0, 0], self.camera.intrinsics[1, 1]])
        moved = across * depth[:, None] / focal
        return np.asarray(moved @ self.camera.rotation[:2], dtype=np.float32)

    def pixel(self) -> float:
        """Metres across one pixel at the head's depth."""
        depth = float(np.median(self.depth[np.isfinite(self.depth)]))
        scale = float(np.sqrt(abs(np.linalg.det(self.parse.to_photo[:, :2]))))
        return depth * scale / float(self.camera.intrinsics[0, 0])


def view_of(
    photo: Photo, camera: Camera, vertices: FloatArray, triangles: np.ndarray, parse: Parse
) -> HairView:
    """The view of a head with (V, 3) ``vertices``, its expression included, and its parse."""
    side = parse.probability.shape[-1]
    to_crop = cv2.invertAffineTransform(parse.to_photo.astype(np.float64))
    # (0, 0) is the first pixel's corner in our coordinates, its centre in OpenCV's.
    centred = to_crop.copy()
    centred[:, 2] += to_crop[:, :2].sum(1) * 0.5 - 0.5
    rgb = cv2.warpAffine(
        photo.rgb, centred, (side, side), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )
    whole = np.full(photo.rgb.shape[:2], 255, np.uint8)
    inside = cv2.warpAffine(whole, centred, (side, side), flags=cv2.INTER_NEAREST) > 0
    pixels = camera.project(vertices) @ to_crop[:, :2].T + to_crop[:, 2]
    depth = camera.to_camera_space(vertices)[:, 2:]
    drawn = rasterize(np.hstack([pixels, depth]).astype(np.float32), triangles, side, side)
    hair = parse.of("hair") * inside
    hair *= _pieces(hair, np.isfinite(drawn.depth))
    return HairView(
        parse, camera, hair, parse.of("hat") * inside, parse.of(*HEAD) * inside,
        parse.of("beard") * inside, inside, drawn.depth, np.asarray(rgb, np.uint8), photo.rgb,
    )  # fmt: skip


def _pieces(hair: FloatArray, head: np.ndarray) -> np.ndarray:
    """(S, S) bool: the pieces of hair that touch the head or are large."""
    mask = cv2.morphologyEx((hair > 0.4).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3)))
    count, label, stats, _ = cv2.connectedComponentsWithStats(mask)
    near = cv2.dilate(head.astype(np.uint8), np.ones((5, 5))) > 0
    touching = np.bincount(label[near], minlength=count)
    area = stats[:, cv2.CC_STAT_AREA]
    total = area[1:].sum() if count > 1 else 0
    kept = (touching > 0) & (area > PIECE * total)
    kept[0] = False
    return np.asarray(cv2.dilate(kept[label].astype(np.uint8), np.ones((3, 3))) > 0)
