"""How well the outline of a head with its strands agrees with the parse of its photo."""

from __future__ import annotations

import cv2
import numpy as np

from ...hair.find import Shown
from ...hair.ground import ground_of
from ...hair.strands import Strands
from ...hair.view import HEAD, HairView, view_of
from ...head.model import HeadModel
from ...parsing.classes import CLASSES

# Pixels that show one of these say nothing of a head's outline: a hat hides it, and necks end in
# clothes, while the model's neck goes on.
UNKNOWN = ("hat", "clothes", "other", "neck")
# Strands are drawn that wide, pixels of the parse.
PEN = 1


def overlaps(shown: Shown, strands: Strands, model: HeadModel) -> tuple[float, float]:
    """Intersection over union with the parse: of head with hair, and of the scalp's in view alone.

    The second is NaN where the photo shows no hair.
    """
    person, triangles = shown.person, ground_of(model).triangles
    view = view_of(shown.photo, shown.camera, person.expressed, triangles, shown.parse)
    neck = model.masks["bone_neck"]
    head_only = triangles[neck[triangles].max(1) < 0.5]
    head = view_of(shown.photo, shown.camera, person.expressed, head_only, shown.parse)
    drawn, _ = drawn_in(view, strands)
    _, before = drawn_in(view, strands.of("scalp"))
    probability = shown.parse.probability
    winner = probability.argmax(0)
    known = view.inside & ~np.isin(winner, _rows(UNKNOWN))
    hair = (view.hair > 0.5) & known
    wanted = (np.isin(winner, _rows(HEAD)) & known) | hair
    whole = (np.isfinite(head.depth) | drawn) & known
    return overlap_of(whole, wanted), overlap_of(before & known, hair) if hair.any() else np.nan


def _rows(names: tuple[str, ...]) -> list[int]:
    return [CLASSES.index(name) for name in names]


def overlap_of(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two masks; 1 where both are empty."""
    union = (one | other).sum()
    return float((one & other).sum() / union) if union else 1.0


def drawn_in(view: HairView, strands: Strands) -> tuple[np.ndarray, np.ndarray]:
    """(S, S) bool: where strands are in the picture, and where the head does not hide them."""
    pixels, depth = view.project(strands.points.reshape(-1, 3))
    shape = strands.points.shape[:2]
    shown = (view.shows(pixels, depth) > 0).reshape(shape)
    pixels = pixels.reshape(*shape, 2)
    pictures = []
    for parts in (np.ones(shape, bool), shown):
        picture = np.zeros((view.side, view.side), np.uint8)
        both = parts[:, :-1] & parts[:, 1:]
        lines = np.stack([pixels[:, :-1][both], pixels[:, 1:][both]], 1)
        near = (np.abs(lines - view.side / 2) < 4 * view.side).all((1, 2))
        # Whole pixels in OpenCV are our pixels' centres.
        fixed = np.round((lines[near] - 0.5) * 16).astype(np.int32)
        cv2.polylines(picture, list(fixed), isClosed=False, color=1, thickness=PEN, shift=4)
        pictures.append(picture > 0)
    return pictures[0], pictures[1]
