"""Which portraits show neither glasses nor a beard, as far as the face CLIP can tell.

Rendered people borrow the detail of real faces. Glasses and beards among it would be labelled as
skin.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ...perception.face_clip import RESNET, VIT, load_face_clip
from ...photo.crop import box_from_landmarks, crop_to_photo, warp_crop
from ..data.portraits import Portrait

# Captions of what disqualifies a portrait, and of its absence.
QUESTIONS = (
    (("a person with glasses", "a person with sunglasses"), ("a person without glasses",)),
    (("a person with a full beard",), ("a person shaven",)),
)
# The share of portraits that is kept: the face CLIP errs, mostly in between.
KEPT = 0.5


def bare_portraits(portraits: Sequence[Portrait]) -> list[Portrait]:
    """The KEPT share of the portraits that is least likely to show glasses or a beard."""
    worst = np.max([odds(portraits, question) for question in QUESTIONS], 0)
    kept = np.sort(worst.argsort(kind="stable")[: round(KEPT * len(portraits))])
    return [portraits[number] for number in kept]


def odds(portraits: Sequence[Portrait], question: tuple[tuple[str, ...], ...]) -> np.ndarray:
    """(N,) rank from 0 to 1 of the first choice's log odds, by both face CLIPs."""
    total = np.zeros(len(portraits))
    for weights in (RESNET, VIT):
        clip = load_face_clip(weights)
        size = clip.tower.size[0]
        for number, portrait in enumerate(portraits):
            crop = crop_to_photo(box_from_landmarks(portrait.labels), size)
            picture = torch.from_numpy(warp_crop(portrait.rgb, crop, size))
            share = clip.choose(picture.permute(2, 0, 1)[None].float() / 255, question)[0]
            total[number] += float(share[0].log() - share[1].log())
    return total.argsort().argsort() / max(len(portraits) - 1, 1)
