"""Parse a face: the probability of every class in every pixel round it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from ..assets.device import run
from ..assets.weights import filled, folded, stored_weights
from ..data import FaceBox, FaceCrop, Photo
from ..photo.crop import crop_face
from .classes import Parse
from .network import ParsingNetwork

WEIGHTS = Path(__file__).parent / "assets" / "parsing.safetensors"
# Side of the network's input in pixels, and its width as a multiple of the face's box: hair and
# the shoulders' beginning belong to it.
SIZE, ROOM = 192, 1.55


def head_box(box: FaceBox) -> FaceBox:
    """The square that is parsed, from the box of a face (ml.photo.crop.box_from_landmarks)."""
    return replace(box, size=box.size * ROOM)


def crop_head(photo: Photo, box: FaceBox) -> FaceCrop:
    """The crop of the photo that is parsed, from the box of a face."""
    return crop_face(photo, head_box(box), SIZE)


class Parser:
    """The parsing network; made once per process by :func:`load_parser`."""

    def __init__(self, network: ParsingNetwork) -> None:
        self._network = folded(network)

    @torch.inference_mode()
    def parse(self, crop: FaceCrop) -> Parse:
        """Parse a crop of :func:`crop_head`.

        Raises ValueError if the crop is not SIZE pixels wide.
        """
        if crop.rgb.shape != (SIZE, SIZE, 3):
            raise ValueError(f"a crop of {SIZE} x {SIZE} pixels is needed, not {crop.rgb.shape}")
        picture = torch.from_numpy(np.ascontiguousarray(crop.rgb)).permute(2, 0, 1)[None]
        picture = picture.contiguous(memory_format=torch.channels_last).float() / 255
        share = run(self._network, picture)[0].softmax(0)
        return Parse((share * 255).round().to(torch.uint8).numpy(), crop.to_photo)


@lru_cache(maxsize=1)
def load_parser(path: Path = WEIGHTS) -> Parser:
    """The parser with the weights at ``path``, checked against their card.

    Raises
    ------
    WeightsMissing: absent, altered, or of another architecture.
    """
    with stored_weights(path) as (details, state):
        widths, depths = tuple(details["widths"]), tuple(details["depths"])
        return Parser(filled(lambda: ParsingNetwork(widths, depths), state))
