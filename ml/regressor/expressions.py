"""Expressions seen in a photo by what the face mesh sees around eyes and lips.

Landmarks follow lids and lips only as far as a fit expects them to; a network that is shown what
they look like tells a closed lid from an open one, and where the eyes look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from ..assets.device import run
from ..assets.weights import filled, stored_weights
from ..data import FaceBox, FaceCrop, FloatArray, Photo
from ..head.arkit import EXPRESSION_NAMES
from ..head.tongue import with_own_jaw
from .expression_network import ExpressionNetwork, ExpressionShape
from .face_mesh import FaceMesh, FaceMeshEstimate, load_face_mesh, mesh_crop

WEIGHTS = Path(__file__).parent / "assets" / "expressions.safetensors"
# Probabilities are taken to the extremes by this factor on their logits: half a wink is rarer than
# a whole one or none.
DECIDED = 4.0
# Standard deviation of the amount of an expression that acts, and of one that does not. They are
# wider than the errors on renders, so that landmarks decide of a mild smile: at 0.1 and 0.05,
# points of portraits lie 4 % farther off. Of the gaze landmarks say nothing, but how narrow an open
# eye is they say better: with 0.125 for lids, too, eyes of portraits open too far by 5 % of their
# width.
AMOUNT_SIGMA, REST_SIGMA, GAZE_SHARE, OPEN_LID_SIGMA = 0.25, 0.125, 0.4, 0.25
_GAZE, _LIDS = (
    np.array([name.startswith(stems) for name in EXPRESSION_NAMES])
    for stems in (("eyeLook",), ("eyeBlink", "eyeSquint", "eyeWide"))
)
_AMOUNT_SIGMA = np.where(_GAZE, GAZE_SHARE, 1) * AMOUNT_SIGMA
_REST_SIGMA = np.where(_LIDS, OPEN_LID_SIGMA, np.where(_GAZE, GAZE_SHARE, 1) * REST_SIGMA)


@dataclass(frozen=True)
class ExpressionEstimate:
    """The expression of one face.

    Attributes
    ----------
    values: (E,) activations 0..1. sigma: (E,) standard deviation of each. flag: 0..1, how likely
    the face mesh was shown a face at all.
    """

    values: FloatArray
    sigma: FloatArray
    flag: float = 1.0


class ExpressionEstimator:
    """The networks; made once per process by :func:`load_expressions`."""

    def __init__(self, network: ExpressionNetwork, mesh: FaceMesh) -> None:
        self.network, self._mesh = network.eval(), mesh

    def predict(self, photo: Photo, boxes: Sequence[FaceBox]) -> list[ExpressionEstimate]:
        """One estimate per box, as :func:`..photo.crop.box_from_landmarks` makes them."""
        return self.predict_crops([mesh_crop(photo, box) for box in boxes])

    @torch.inference_mode()
    def predict_crops(self, crops: Sequence[FaceCrop]) -> list[ExpressionEstimate]:
        """One estimate per crop of :func:`.face_mesh.mesh_crop`, of any photos."""
        if not crops:
            return []
        faces = self._mesh.predict_crops(crops)
        seen = torch.from_numpy(np.stack([face.features for face in faces]))
        said = zip(*(part.numpy() for part in run(self.network, seen)), faces, strict=True)
        return [_ours(estimated(logits, amounts), face) for logits, amounts, face in said]


def estimated(logits: FloatArray, amounts: FloatArray) -> ExpressionEstimate:
    """The mean and deviation of expressions that act with a probability, by some amount, or not.

    logits, amounts: (E,) of :class:`ExpressionNetwork`, for ARKit's expressions.
    """
    acts = 1 / (1 + np.exp(-DECIDED * logits.astype(np.float64)))
    amount = np.clip(amounts, 0, 1)
    known = acts * _AMOUNT_SIGMA**2 + (1 - acts) * _REST_SIGMA**2
    sigma = np.sqrt(acts * (1 - acts) * amount**2 + known)
    return ExpressionEstimate((acts * amount).astype(np.float32), sigma.astype(np.float32))


def _ours(seen: ExpressionEstimate, face: FaceMeshEstimate) -> ExpressionEstimate:
    """What the network saw in ``face``, in our head's expressions."""
    values = np.clip(with_own_jaw(seen.values), 0, 1)
    return replace(seen, values=values, flag=face.flag)


@lru_cache(maxsize=1)
def load_expressions(path: Path = WEIGHTS) -> ExpressionEstimator:
    """The networks, with the weights at ``path`` and the face mesh's, checked by their cards.

    Raises
    ------
    WeightsMissing: absent, altered, or of another architecture. Never runs on random weights.
    """
    with stored_weights(path) as (details, state):
        shape = ExpressionShape(**details["network"])
        network = filled(lambda: ExpressionNetwork(shape), state)
    return ExpressionEstimator(network, load_face_mesh())
