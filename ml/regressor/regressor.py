"""The regressor: the trained network as a function from crops to plain data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from ..assets.device import run
from ..assets.weights import filled, folded, stored_weights
from ..data import FaceCrop, FloatArray, HeadCoefficients, Landmarks, RegressorOutput
from ..head.tongue import with_own_jaw
from .estimate import NetworkShape, Prediction
from .network import HeadNetwork

WEIGHTS = Path(__file__).parent / "assets" / "regressor.safetensors"
# exp(-d/s) in the plane has a variance of 3 s^2 along each axis.
LAPLACE_TO_SIGMA = 3**0.5


class Regressor:
    """The trained network; made once per process by :func:`load_regressor`."""

    def __init__(self, network: HeadNetwork, identity_sigma: FloatArray) -> None:
        self.network = folded(network)
        self._identity_sigma = identity_sigma

    @property
    def crop_size(self) -> int:
        """Side of the crops that the network takes, in pixels."""
        return self.network.shape.crop

    def predict(self, crops: Sequence[FaceCrop]) -> list[RegressorOutput]:
        """One output per crop; points, sigma and rotation refer to the photo."""
        return [rounds[-1] for rounds in self.predict_rounds(crops, last_only=True)]

    @torch.inference_mode()
    def predict_rounds(
        self, crops: Sequence[FaceCrop], *, last_only: bool = False
    ) -> list[list[RegressorOutput]]:
        """Per crop the coarse output and one per round of refinement; or only the last."""
        if not crops:
            return []
        pixels = np.stack([crop.rgb for crop in crops]).transpose(0, 3, 1, 2)
        batch = torch.from_numpy(np.ascontiguousarray(pixels)).float() / 255
        predictions = run(self.network, batch.contiguous(memory_format=torch.channels_last))
        wanted = predictions[-1:] if last_only else predictions
        return [
            [self._output(prediction, row, crop) for prediction in wanted]
            for row, crop in enumerate(crops)
        ]

    def _output(self, prediction: Prediction, row: int, crop: FaceCrop) -> RegressorOutput:
        half = self.crop_size / 2
        turn, shift = crop.to_photo[:, :2], crop.to_photo[:, 2]
        scale = float(np.sqrt(abs(np.linalg.det(turn))))
        points = (prediction.points[row].numpy() + 1) * half @ turn.T + shift
        sigma = np.exp(prediction.log_scale[row].numpy()) * (LAPLACE_TO_SIGMA * half * scale)
        return RegressorOutput(
            coefficients=HeadCoefficients(
                prediction.identity[row].numpy(), with_own_jaw(prediction.expression[row].numpy())
            ),
            rotation=_unrolled(prediction.rotation[row].numpy(), turn / scale),
            landmarks=Landmarks(points.astype(np.float32), sigma.astype(np.float32)),
            confidence=float(torch.sigmoid(prediction.confidence[row])),
            identity_sigma=self._identity_sigma,
        )


def _unrolled(rotation: FloatArray, turn: FloatArray) -> FloatArray:
    """The rotation in the photo, from that in a crop which was rotated by (2, 2) ``turn``."""
    spin = np.eye(3, dtype=np.float32)
    spin[:2, :2] = turn
    return np.asarray(spin @ rotation, dtype=np.float32)


@lru_cache(maxsize=1)
def load_regressor(path: Path = WEIGHTS) -> Regressor:
    """The regressor with the weights at ``path``, checked against their card.

    Raises
    ------
    WeightsMissing: absent, altered, or of another architecture. Never runs on random weights.
    """
    with stored_weights(path) as (details, state):
        sigma = np.array(details["identity_sigma"], np.float32)
        shape = NetworkShape.from_dict(details["network"])
        network = filled(lambda: HeadNetwork(shape), state)
        return Regressor(network, sigma)
