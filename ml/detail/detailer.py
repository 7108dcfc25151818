"""Detail of a person from a photo: the trained network as a function of plain data."""

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
from .unwrap import Unwrapped, unwrap
from .view import PersonView
from .window import SIDE

WEIGHTS = Path(__file__).parent / "assets" / "detail.safetensors"


class Detailer:
    """Holds the network; made once a process by :func:`load_detailer`.

    strength: what the network's answers are multiplied by; measured on people it had not seen.
    """

    def __init__(self, network: DetailNetwork, strength: float) -> None:
        self._network, self._strength = network.eval(), strength

    @torch.inference_mode()
    def field(self, told: Unwrapped, band: Band) -> FloatArray:
        """(GRID, GRID, 3) mm in the band, from what a photo shows."""
        fine, coarse = (torch.from_numpy(part)[None] for part in (told.fine, told.coarse))
        found = band(self._network(fine, coarse)) * self._strength
        return np.ascontiguousarray(found[0].permute(1, 2, 0).numpy())


def make_detail(
    view: PersonView, mesh: HeadMesh, model: HeadModel, mode: str, progress: Progress
) -> Detail:
    """Detail of ``mesh``, which is the person's at any level.

    Parameters
    ----------
    mode: "fast" or "best".

    Raises
    ------
    WeightsMissing: those of the network, or for "best" of the CLIP.
    """
    progress(0.0, "Reading the face's detail")
    person = view.person
    told = unwrap(view.rgb, view.camera, person.rest, person.expressed, model, view.renderer)
    band = band_of(model)
    field = load_detailer().field(told, band)
    if mode == "best":
        from .optimise import polished

        field = polished(field, view, told, model, band, progress)
    return bake(enlarged(field), mode, mesh, model)


def enlarged(field: FloatArray) -> FloatArray:
    """(GRID, GRID, 3) -> (S, S, 3), smoothly."""
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
