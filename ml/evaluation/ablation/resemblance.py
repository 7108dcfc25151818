"""How much a fitted head, drawn into its photo, resembles it to the face CLIP."""

from __future__ import annotations

import tomllib

import numpy as np
import torch

from ...data import FitResult
from ...geometry.cameras import Cameras
from ...head.storage import load_head_model
from ...perception.consistency import FeatureConsistency
from ...perception.face_clip import face_config, face_consistency
from ...perception.views import ViewSettings
from ...regressor.surface import SIDE
from ...training.surface.drawn import Artist
from ...training.surface.train import CONFIG, make_task
from ..synthetic.people import RenderedView

# Pixels of the re-rendered pictures, as in fine-tuning.
DRAWN = 112


class Resemblance:
    """Draws fitted heads into their photos in one colour of skin, under the light that explains
    the photo best, and measures the distance of both with the face CLIP."""

    def __init__(self, loss: FeatureConsistency) -> None:
        model = load_head_model()
        basis = make_task(model, tomllib.loads(CONFIG.read_text())).basis
        self._artist = Artist(model, basis, torch.zeros(3, SIDE, SIDE), 0.0)
        self._loss = loss

    @torch.no_grad()
    def distance(self, view: RenderedView, fit: FitResult) -> float:
        """Of one view and a head fitted to it: 0 is none, 1 that of halves of different people."""
        camera = fit.camera
        numbers = (
            camera.intrinsics[0, 0],
            camera.intrinsics[:2, 2],
            camera.rotation,
            camera.translation,
            fit.coefficients.identity,
            fit.coefficients.expression,
        )
        *posed, identity, expression = (
            torch.from_numpy(np.array(number, np.float32))[None] for number in numbers
        )
        picture = torch.from_numpy(view.rgb).permute(2, 0, 1)[None].float() / 255
        drawing = self._artist.show(identity, expression, Cameras(*posed), picture, DRAWN)
        random = torch.Generator().manual_seed(0)
        return float(self._loss(drawing.drawn, drawing.photo, drawing.mask, random).total)


def shipped_resemblance() -> Resemblance:
    """With the face CLIP that ships, looking at whole pictures. Raises WeightsMissing."""
    return Resemblance(face_consistency(face_config(ViewSettings(count=1))))
