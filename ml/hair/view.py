"""What the photo shows of a head's hair, in the pixels of the parse."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
# Heights on the mean head: the chin's, where short hair turns to long; the upper rim of the ears.
CHIN, ABOVE_EARS = -0.09, 0.02
# The share of the head above the ears that a hat hides at least, if one is worn.
WORN = 0.3
# Fur round a head is lighter, redder and yellower than its hair by at least these steps of Lab, and
# that much of it is seen (pixels of hair, and as a share of them). Of the development photos one
# shows such a hood; of the others none has half of all three.
FUR, FEW, LARGE = np.array([8.0, 4.0, 7.0], np.float32), 30, 0.4


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

    def at_ears(self, pixels: FloatArray) -> FloatArray:
        """(N, 2) pixels -> (N, 3) the points that they show at the depth of the ears' plane."""
        anchor = np.array([[0.0, 0.0, 0.02]], np.float32)
        pixel, depth = self.project(anchor)
        return anchor + self.moved(pixels - pixel, np.full(len(pixels), depth[0], np.float32))

    def heights(self) -> FloatArray:
        """(S, S) heights in head space of what pixels show at the depth of the ears' plane."""
        own = np.stack(np.meshgrid(*[np.arange(self.side)] * 2), -1).reshape(-1, 2) + 0.5
        return self.at_ears(own.astype(np.float32))[:, 1].reshape(self.side, self.side)

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
    view = HairView(
        parse, camera, parse.of("hair") * inside, parse.of("hat") * inside,
        parse.of(*HEAD) * inside, parse.of("beard") * inside, inside, drawn.depth,
        np.asarray(rgb, np.uint8), photo.rgb,
    )  # fmt: skip
    fur = _fur(view)
    view = replace(view, hair=view.hair * ~fur)
    return replace(view, hair=view.hair * _pieces(view))


def _fur(view: HairView) -> np.ndarray:
    """(S, S) bool: hair of another colour than that on the head, which lies round it: a hood's fur.

    Only above the ears: the ends of long hair may be dyed.
    """
    lab = cv2.cvtColor(view.rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab = cv2.GaussianBlur(lab, (0, 0), 1)
    head = np.isfinite(view.depth).astype(np.uint8)
    out, within = (
        cv2.distanceTransform(m, cv2.DIST_L2, 5) * view.pixel() for m in (1 - head, head)
    )
    sure = cv2.erode((view.hair > 0.6).astype(np.uint8), np.ones((3, 3))) > 0
    high = sure & (view.heights() > ABOVE_EARS)
    own, round_it = high & (within > 0.004) & (within < 0.03), high & (out > 0.012)
    none = np.zeros(view.hair.shape, bool)
    if own.sum() < FEW or round_it.sum() < LARGE * own.sum():
        return none
    middle = [np.median(lab[mask], 0) for mask in (own, round_it)]
    if not (middle[1] - middle[0] > FUR).all():
        return none
    away = [((lab - colour) ** 2).sum(2) for colour in middle]
    other = cv2.medianBlur((away[1] < away[0]).astype(np.uint8), 5) > 0
    return np.asarray(other & (view.hair > 0))


def _pieces(view: HairView) -> np.ndarray:
    """(S, S) bool: the pieces of hair that begin at the head, above the chin, and are large.

    Below a hat they may begin lower: what hides the head hides where hair comes from.
    """
    hair, head, height = view.hair, np.isfinite(view.depth), view.heights()
    high = head & (height > ABOVE_EARS)
    if (view.hat[high] > 0.5).sum() < WORN * high.sum():
        head &= height > CHIN
    mask = cv2.morphologyEx((hair > 0.4).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3)))
    count, label, stats, _ = cv2.connectedComponentsWithStats(mask)
    near = cv2.dilate(head.astype(np.uint8), np.ones((5, 5))) > 0
    touching = np.bincount(label[near], minlength=count)
    area = stats[:, cv2.CC_STAT_AREA]
    total = area[1:].sum() if count > 1 else 0
    kept = (touching > 0) & (area > PIECE * total)
    kept[0] = False
    return np.asarray(cv2.dilate(kept[label].astype(np.uint8), np.ones((3, 3))) > 0)
