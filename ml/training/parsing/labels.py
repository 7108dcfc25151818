"""What every pixel of a drawn head shows: the exact masks that parsing is learned from."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from ...data import FloatArray
from ...geometry.colour import LUMINANCE, srgb_of
from ...parsing.classes import CLASSES
from ..data.people.dressed import DressedHead
from ..data.picture.draw import Drawing
from ..data.picture.scene import DRAWN, Stage

INDEX = {name: number for number, name in enumerate(CLASSES)}
# Outlines on the mean head, as MediaPipe's points: the lips' outer edge, and a polygon round the
# nose from its root over the wings to its base.
LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
NOSE = (168, 193, 122, 198, 129, 64, 98, 97, 2, 326, 327, 294, 358, 420, 351, 417)
# The right and the left eye's lids, corner to corner and back.
LIDS = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (362, 382, 381, 380, 374, 373, 390, 249, 263, 466, 388, 387, 386, 385, 384, 398),
)
# Parts of the head that are a class of their own.
_PARTS = {
    "Eyeball left": "eyes",
    "Eyeball right": "eyes",
    "Eye socket left": "eyes",
    "Eye socket right": "eyes",
    "Mouth socket": "inner mouth",
    "Gums and tongue": "inner mouth",
    "Teeth": "inner mouth",
}
# Skin is a brow or hair where at least this much of it is painted so, and a lens is glasses where
# it hides at least this much.
_BROW, _SCALP, _LENS = 0.3, 0.5, 0.35
# Skin is a beard where at least this much of it is painted so, and its brightness, of 255, differs
# at least so much from bare skin's: fair stubble cannot be seen.
_BEARD, _SEEN = 0.15, 14.0
# Rims are thinner than a pixel: they count for more than what they cover.
_RIM = 1.8
# The neck begins below this height on the mean head, lower the further from the throat: metres.
_NECK, _NECK_SLOPE = -0.066, 0.35
_EAR_SIDE, _EAR_MIDDLE, _EAR_REACH = 0.0665, (0.016, -0.003), (0.041, 0.033)


@lru_cache(maxsize=1)
def regions_of(stage: Stage) -> np.ndarray:
    """(D,) uint8 class of each drawn vertex of a bare head without brows."""
    mean = stage.shape.mean
    marks = stage.dense.mean
    regions = np.full(len(mean), INDEX["skin"], np.uint8)
    regions[_inside(mean, marks[list(NOSE)]) & (mean[:, 2] > 0.06)] = INDEX["nose"]
    regions[_inside(mean, marks[list(LIPS)]) & (mean[:, 2] > 0.06)] = INDEX["lips"]
    x, y, z = mean.T
    neck = y + _NECK_SLOPE * z < _NECK
    regions[neck] = INDEX["neck"]
    (middle_y, middle_z), (reach_y, reach_z) = _EAR_MIDDLE, _EAR_REACH
    ear = (np.abs(x) > _EAR_SIDE) & (
        ((y - middle_y) / reach_y) ** 2 + ((z - middle_z) / reach_z) ** 2 < 1
    )
    regions[ear] = INDEX["ears"]
    for part, name in _PARTS.items():
        regions[stage.is_part(part)] = INDEX[name]
    return regions


def _inside(mean: FloatArray, outline: FloatArray) -> np.ndarray:
    """(D,) bool: vertices within an outline, both seen from ahead."""
    polygon = np.ascontiguousarray(outline[:, None, :2], np.float32)
    return np.array(
        [cv2.pointPolygonTest(polygon, (float(x), float(y)), False) >= 0 for x, y in mean[:, :2]]
    )


def draw_labels(stage: Stage, head: DressedHead, drawing: Drawing) -> np.ndarray:
    """(S, S) uint8: the class that most of each pixel of the drawing shows."""
    seen = drawing.solid.face >= 0
    fine = np.zeros(seen.shape, np.uint8)
    fine[seen] = _classes(stage, head, drawing, seen)
    fine[drawing.veil > _LENS] = INDEX["glasses"]
    return most_of(fine, len(drawing.image))


def most_of(fine: np.ndarray, size: int) -> np.ndarray:
    """(size, size) uint8: the class that covers most of each pixel of a finer map; see _RIM."""
    shares = np.stack(
        [
            cv2.resize((fine == number) * np.float32(1), (size, size), interpolation=cv2.INTER_AREA)
            for number in range(len(CLASSES))
        ]
    )
    shares[INDEX["glasses"]] *= _RIM
    return np.argmax(shares, 0).astype(np.uint8)


def _classes(stage: Stage, head: DressedHead, drawing: Drawing, seen: np.ndarray) -> np.ndarray:
    """(N,) class of the pixels of the mask ``seen``."""
    face, weights = drawing.solid.face[seen], drawing.solid.barycentric[seen]
    worn = [extra for extra in head.figure.extras if extra.alpha.min() >= 1]
    kinds = np.concatenate(
        [np.full(len(extra.triangles), INDEX[extra.kind], np.uint8) for extra in worn]
        or [np.zeros(0, np.uint8)]
    )
    on_head = face < len(stage.triangles)
    found = np.empty(len(face), np.uint8)
    found[~on_head] = kinds[face[~on_head] - len(stage.triangles)]
    corners, shares = stage.triangles[face[on_head]], weights[on_head]
    found[on_head] = _on_head(stage, head, corners, shares)
    return found


def _contrast(stage: Stage, head: DressedHead) -> float:
    """How far the brightness of the head's hair is from its bare skin's, 0..255."""
    bare = stage.is_part("Face") & (head.outfit.painted < 0.01)
    skin = head.figure.colours[bare].mean(0)
    light, dark = (float(srgb_of(colour) @ LUMINANCE) for colour in (skin, head.outfit.hair))
    return abs(light - dark)


def _on_head(
    stage: Stage, head: DressedHead, corners: np.ndarray, weights: FloatArray
) -> np.ndarray:
    """(N,) class of places on triangles of the head itself."""
    nearest = corners[np.arange(len(corners)), weights.argmax(1)]
    found = regions_of(stage)[nearest]
    # Borders between parts belong to the skin, as in draw.kinds_of.
    part = stage.part[corners].max(1)
    for name, label in _PARTS.items():
        found[part == DRAWN.index(name)] = INDEX[label]
    outfit = head.outfit
    amounts = np.stack([stage.brow, outfit.painted - outfit.beard, outfit.beard], 1)
    brow, scalp, beard = (amounts[corners] * weights[..., None]).sum(1).T
    bare = np.isin(found, [INDEX[name] for name in ("skin", "neck", "ears", "nose")])
    found[bare & (beard > _BEARD) & (beard * _contrast(stage, head) > _SEEN)] = INDEX["beard"]
    found[bare & (scalp > _SCALP)] = INDEX["hair"]
    found[bare & (brow > _BROW)] = INDEX["brows"]
    return found
