"""The second half of the parameter refinement module: look again where the fitted surface lies.

The photo is unwrapped along the fitted head, and a network that knows what every spot of a face
looks like says how each landmark and the person's identity differ from the fit. The next fit
starts from that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..assets.weights import filled, folded, stored_weights
from ..data import Camera, FaceBox, FaceCrop, FloatArray, HeadCoefficients, Landmarks
from ..geometry.cameras import Cameras
from ..head.mirror import make_mirror
from ..head.model import HeadModel
from ..head.storage import load_head_model
from .regressor import LAPLACE_TO_SIGMA
from .surface import SurfaceMap, Unwrap, make_surface_map
from .surface_network import UNIT, SurfaceNetwork, SurfaceShape, Update

WEIGHTS = Path(__file__).parent / "assets" / "surface.safetensors"
# Side of the pictures that it was trained with, and how much of them the regressor's box fills.
PICTURE, MARGIN = 208, 144 / 128


@dataclass(frozen=True)
class SurfaceLook:
    """What the surface says of one face, in the photo.

    Attributes
    ----------
    landmarks: dense, pixels. coefficients: where the next fit starts. identity_sigma: (I,) how far
    each of its identity may be off, in standard deviations of the population.
    """

    landmarks: Landmarks
    coefficients: HeadCoefficients
    identity_sigma: FloatArray


class SurfaceRefinement:
    """Holds the network and the surface's layout; made once by :func:`load_surface_refinement`."""

    def __init__(
        self,
        network: SurfaceNetwork,
        model: HeadModel,
        identity_sigma: FloatArray,
        layout: SurfaceMap | None = None,
    ) -> None:
        """``layout``: of ``model``, if it has been made already."""
        self.network = folded(network)
        self._unwrap = Unwrap(layout or make_surface_map(model))
        self._dense = model.points("dense")
        self._mirror = make_mirror(model)
        self._sigma = identity_sigma

    @torch.inference_mode()
    def look(
        self,
        crops: Sequence[FaceCrop],
        fits: Sequence[tuple[HeadCoefficients, Camera]],
        mirrored: bool = False,
    ) -> list[SurfaceLook]:
        """One pass over faces with their fits; crops of :func:`box_of_fit`'s boxes.

        mirrored: look at the mirror image instead. The answer is of the face itself; its errors
        are others, so that two looks tell more together than two at the same picture.
        """
        pixels = np.stack([crop.rgb for crop in crops]).transpose(0, 3, 1, 2)
        pictures = torch.from_numpy(np.ascontiguousarray(pixels)).float() / 255
        identity = _stacked([coefficients.identity for coefficients, _ in fits])
        expression = _stacked([coefficients.expression for coefficients, _ in fits])
        cameras = _in_crops(crops, [camera for _, camera in fits])
        see = self._see_mirrored if mirrored else self._see
        update = see(pictures, identity, expression, cameras)
        axes, scale = cameras.frame()
        shift = UNIT * scale[:, None, None] * (update.moved @ axes)
        sigma = UNIT * scale[:, None] * torch.exp(update.log_scale) * LAPLACE_TO_SIGMA
        keys = (expression + update.expression).clamp(0, 1).numpy()
        looks = []
        for row, (crop, (coefficients, camera)) in enumerate(zip(crops, fits, strict=True)):
            turn = crop.to_photo[:, :2]
            larger = float(np.sqrt(abs(np.linalg.det(turn))))
            points = camera.project(self._dense.at(coefficients)) + shift[row].numpy() @ turn.T
            looks.append(
                SurfaceLook(
                    Landmarks(points.astype(np.float32), sigma[row].numpy() * np.float32(larger)),
                    HeadCoefficients(update.identity[row].numpy(), keys[row]),
                    self._sigma,
                )
            )
        return looks

    def _see(
        self, pictures: Tensor, identity: Tensor, expression: Tensor, cameras: Cameras
    ) -> Update:
        texels = self._unwrap(pictures, torch.cat([identity, expression], 1), cameras)
        texels = texels.contiguous(memory_format=torch.channels_last)
        update: Update = self.network(texels, identity, expression)
        return update

    def _see_mirrored(
        self, pictures: Tensor, identity: Tensor, expression: Tensor, cameras: Cameras
    ) -> Update:
        signs, mirror = torch.from_numpy(self._mirror.identity), self._mirror
        seen = self._see(
            pictures.flip(3),
            identity * signs,
            expression[:, mirror.expression],
            cameras.mirrored(pictures.shape[3]),
        )
        return Update(
            seen.moved[:, mirror.points] * seen.moved.new_tensor([-1.0, 1.0]),
            seen.log_scale[:, mirror.points],
            seen.identity * signs,
            seen.expression[:, mirror.expression],
        )


def box_of_fit(box: FaceBox) -> FaceBox:
    """The part of the photo that the refinement looks at, for the box of the fit's landmarks."""
    return FaceBox(box.center, box.size * MARGIN, box.roll)


def _in_crops(crops: Sequence[FaceCrop], cameras: Sequence[Camera]) -> Cameras:
    """The same cameras, in the pixels of the crops."""
    focal, principal, rotation, translation = [], [], [], []
    for crop, camera in zip(crops, cameras, strict=True):
        turn = crop.to_photo[:, :2].astype(np.float64)
        larger = float(np.sqrt(abs(np.linalg.det(turn))))
        spin = np.eye(3)
        spin[:2, :2] = turn.T / larger
        centre = camera.intrinsics[:2, 2] - crop.to_photo[:, 2]
        focal.append(camera.intrinsics[0, 0] / larger)
        principal.append(np.linalg.solve(turn, centre))
        rotation.append(spin @ camera.rotation)
        translation.append(spin @ camera.translation)
    return Cameras(*(_stacked(values) for values in (focal, principal, rotation, translation)))


def _stacked(values: Sequence[FloatArray | float]) -> Tensor:
    return torch.from_numpy(np.stack(values).astype(np.float32))


@lru_cache(maxsize=1)
def load_surface_refinement(path: Path = WEIGHTS) -> SurfaceRefinement:
    """The refinement with the weights at ``path``, checked against their card, for Effigy Head.

    Raises
    ------
    WeightsMissing: absent, altered, or of another architecture. Never runs on random weights.
    """
    model = load_head_model()
    with stored_weights(path) as (details, state):
        shape = SurfaceShape.from_dict(details["network"])
        layout = make_surface_map(model)
        network = filled(SurfaceNetwork(shape, layout.places), state)
        sigma = np.array(details["identity_sigma"], np.float32)
        return SurfaceRefinement(network, model, sigma, layout)
