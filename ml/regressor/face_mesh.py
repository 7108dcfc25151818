"""MediaPipe's attention mesh on faces in photos: points of lids, lips and irises, and features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from ..assets.device import run
from ..assets.weights import filled, folded, stored_weights
from ..data import FaceBox, FaceCrop, FloatArray, Photo
from ..photo.crop import BOX_SCALE, crop_face
from .face_mesh_network import CROP, FaceMeshNetwork

WEIGHTS = Path(__file__).parent / "assets" / "face_mesh.safetensors"
# The crop's side relative to a face's box: MediaPipe's is 1.5 times the bounds of the points.
MARGIN = 1.5 / BOX_SCALE


@dataclass(frozen=True)
class FaceMeshEstimate:
    """What the mesh network says of one face.

    Attributes
    ----------
    points: (478, 3) in MediaPipe's order: pixels of the photo; z in the same unit, smaller nearer
        to the camera, about 0 at the head's centre.
    flag: 0..1, how likely the crop shows a face.
    features: (FEATURES,) the last feature maps, in the crop's own frame.
    """

    points: FloatArray
    flag: float
    features: FloatArray


class FaceMesh:
    """The network; made once per process by :func:`load_face_mesh`."""

    def __init__(self, network: FaceMeshNetwork) -> None:
        self.network = folded(network)

    def predict(self, photo: Photo, boxes: Sequence[FaceBox]) -> list[FaceMeshEstimate]:
        """One estimate per box, as :func:`..photo.crop.box_from_landmarks` makes them."""
        return self.predict_crops([mesh_crop(photo, box) for box in boxes])

    @torch.inference_mode()
    def predict_crops(self, crops: Sequence[FaceCrop]) -> list[FaceMeshEstimate]:
        """One estimate per crop of the boxes of :func:`box_of_mesh`, CROP pixels wide."""
        if not crops:
            return []
        pixels = np.stack([crop.rgb for crop in crops]).transpose(0, 3, 1, 2)
        batch = torch.from_numpy(np.ascontiguousarray(pixels)).float() / 255
        output = run(self.network, batch.contiguous(memory_format=torch.channels_last))
        points, features = output.points.numpy(), output.features.numpy()
        return [
            FaceMeshEstimate(_in_photo(points[row], crop), float(output.flag[row]), features[row])
            for row, crop in enumerate(crops)
        ]


def mesh_crop(photo: Photo, box: FaceBox) -> FaceCrop:
    """The network's crop of a face, for its box."""
    return crop_face(photo, box_of_mesh(box), CROP)


def box_of_mesh(box: FaceBox) -> FaceBox:
    """The box that the network's crop needs, for a face's box."""
    return FaceBox(box.center, box.size * MARGIN, box.roll)


def _in_photo(points: FloatArray, crop: FaceCrop) -> FloatArray:
    """(478, 3) of the crop's pixels in the photo's."""
    turn, shift = crop.to_photo[:, :2], crop.to_photo[:, 2]
    larger = np.sqrt(abs(np.linalg.det(turn)))
    placed = np.column_stack([points[:, :2] @ turn.T + shift, points[:, 2] * larger])
    return placed.astype(np.float32)


@lru_cache(maxsize=1)
def load_face_mesh(path: Path = WEIGHTS) -> FaceMesh:
    """The network with the weights at ``path``, checked against their card.

    Raises
    ------
    WeightsMissing: absent, altered, or of another architecture. Never runs on random weights.
    """
    with stored_weights(path) as (_, state):
        return FaceMesh(filled(FaceMeshNetwork, state))
