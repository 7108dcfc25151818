"""The network: an encoder that keeps its spatial map, and a parameter refinement module.

The encoder regresses everything once. The refinement module then samples fine feature maps at the
predicted landmarks (as PyMAF does at projected vertices) and predicts corrections, from
zero-initialised layers, to every point by itself and to the coefficients together. It repeats this
at the corrected landmarks. FaceCLIP's module uses a pooled feature vector instead of maps.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from .encoder import Encoder
from .estimate import ROTATION_NUMBERS, Estimate, NetworkShape, Prediction, full_precision
from .refinement import ParameterRefinement

SUMMARY_CHANNELS = 64


class HeadNetwork(nn.Module):
    """The encoder, a coarse estimate and rounds of refinement."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder = Encoder(shape.widths)
        cells = (shape.crop // 16) ** 2
        self.flatten = nn.Sequential(
            nn.Conv2d(shape.widths[-1], SUMMARY_CHANNELS, 1, bias=False),
            nn.BatchNorm2d(SUMMARY_CHANNELS),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.summary = nn.Linear(SUMMARY_CHANNELS * cells, shape.summary)
        self.sizes = [
            shape.points * 2,
            shape.points,
            shape.points,
            shape.identity,
            shape.expression,
            ROTATION_NUMBERS,
            1,
        ]
        self.read = nn.Linear(shape.summary, sum(self.sizes))
        self.refinement = ParameterRefinement(shape)

    def forward(self, crops: Tensor) -> list[Prediction]:
        """(B, 3, S, S) sRGB in 0..1 -> the coarse prediction and one per round of refinement."""
        maps = self.encoder((crops - 0.45) / 0.25)
        flat_map = self.flatten(maps[-1])
        levels = self.refinement.prepare(maps)
        with full_precision(crops):
            summary = functional.relu(self.summary(flat_map.float()))
            flat, log_scale, visible, identity, expression, rotation, confidence = self.read(
                summary
            ).split(self.sizes, 1)
            points = flat.view(len(crops), -1, 2)
            now = Estimate(points, log_scale - 3, visible, identity, expression, rotation)
            predictions = [now.prediction(confidence[:, 0])]
            for _ in range(self.shape.rounds):
                now = now.plus(self.refinement(levels, summary, now))
                predictions.append(now.prediction(confidence[:, 0]))
        return predictions
