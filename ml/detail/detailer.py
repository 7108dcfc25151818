"""Detail of a person from a photo: the trained network as a function on plain data."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch

from ..assets.weights import filled, stored_weights
from ..data import Detail, FloatArray, HeadMesh, Progress
from ..head.model import HeadModel
from .band import Band, band_of
from .maps import bake
from .network import DetailNetwork, NetworkShape
from .unwrap import DetailInput, prepare_input
from .view import PersonView
from .window import SIDE

WEIGHTS = Path(__file__).parent / "assets" / "detail.safetensors"


class Detailer:
    """The detail network; made once per process by :func:`load_detailer`.

    strength: factor on the network's output, measured on people who were kept out of training.
    """

    def __init__(self, network: DetailNetwork, strength: float) -> None:
        self._network, self._strength = network.eval(), strength

    @torch.inference_mode()
    def field(self, inputs: DetailInput, band: Band) -> FloatArray:
        """(GRID, GRID, 3) offsets in mm, in the band, from an unwrapped photo."""
        fine, coarse = (torch.from_numpy(part)[None] for part in (inputs.fine, inputs.coarse))
        found = band(self._network(fine, coarse)) * self._strength
        return np.ascontiguousarray(found[0].permute(1, 2, 0).numpy())


def make_detail(
    view: PersonView, mesh: HeadMesh, model: HeadModel, mode: str, progress: Progress
) -> Detail:
    """The detail of ``mesh``, the person's mesh at any level.

    Parameters
    ----------
    mode: "fast" (one forward pass) or "best" (optimised against the photo; experimental).

    Raises
    ------
    WeightsMissing: the network's weights are missing, or for "best" those of the face CLIP.
    """
    progress(0.0, "Reading the face's detail")
    person = view.person
    inputs = prepare_input(
        view.rgb, view.camera, person.rest, person.expressed, model, view.renderer
    )
    band = band_of(model)
    field = load_detailer().field(inputs, band)
    if mode == "best":
        from .optimise import optimised

        field = optimised(field, view, inputs, model, band, progress)
    return bake(enlarged(field), mode, mesh, model)


def enlarged(field: FloatArray) -> FloatArray:
    """(GRID, GRID, 3) -> (SIDE, SIDE, 3), by cubic interpolation."""
    return np.asarray(cv2.resize(field, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))


@lru_cache(maxsize=1)
def load_detailer(path: Path = WEIGHTS) -> Detailer:
    """The network with the weights at ``path``, checked against their card.

    Raises
    ------
    WeightsMissing: absent, altered, or of another architecture. Never runs on random weights.
    """
    with stored_weights(path) as (details, state):
        network = filled(DetailNetwork(NetworkShape.from_dict(details["network"])), state)
        return Detailer(network, float(details["strength"]))
