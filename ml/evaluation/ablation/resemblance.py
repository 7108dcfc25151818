"""How much a fitted head, drawn into its photo, resembles it to the face CLIP."""

from __future__ import annotations

import torch

from ...data import FitResult
from ...head.storage import load_head_model
from ...perception.consistency import FeatureConsistency
from ...perception.face_clip import face_config, face_consistency
from ...perception.views import ViewSettings
from ..synthetic.people import RenderedView
from .drawing import HeadRenderer

# Pixels of the re-rendered pictures.
DRAWN = 112


class Resemblance:
    """Draws fitted heads into their photos in one colour of skin, under the light that explains
    the photo best, and measures the distance of both with the face CLIP."""

    def __init__(self, loss: FeatureConsistency) -> None:
        self._artist = HeadRenderer(load_head_model())
        self._loss = loss

    @torch.no_grad()
    def distance(self, view: RenderedView, fit: FitResult) -> float:
        """Of one view and a head fitted to it: 0 is none, 1 that of halves of different people."""
        drawing = self._artist.draw(view.rgb, fit, DRAWN)
        random = torch.Generator().manual_seed(0)
        return float(self._loss(drawing.drawn, drawing.photo, drawing.mask, random).total)


def shipped_resemblance() -> Resemblance:
    """With the face CLIP that ships, looking at whole pictures. Raises WeightsMissing."""
    return Resemblance(face_consistency(face_config(ViewSettings(count=1))))
