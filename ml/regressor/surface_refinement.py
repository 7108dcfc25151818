"""The surface refinement: correct landmarks and identity from the photo along the fitted head.

The second half of the parameter refinement module. The photo is unwrapped along the fitted head,
and a network predicts how each landmark and the person's identity differ from the fit. The next
fit starts from that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..assets.device import run
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
# Side in pixels of the pictures it was trained on, and their size relative to the regressor's box.
PICTURE, MARGIN = 208, 144 / 128


@dataclass(frozen=True)
class SurfaceEstimate:
    """The corrected estimate of one face.

    Attributes
    ----------
    landmarks: dense, pixels of the photo. coefficients: start of the next fit.
    identity_sigma: (I,) standard deviation of each identity coefficient's error, in standard
        deviations of the population.
    depth: (L,) metres along the camera's axis, greater farther away; their mean means nothing.
    depth_sigma: (L,) standard deviation of each.
    normal: (L, 2) x and y in camera space of the unit normals of the triangles that the landmarks
        lie in, out of the head. normal_sigma: (L,) standard deviation of each of the two.
        All four are None if the weights do not say them.
    """

    landmarks: Landmarks
    coefficients: HeadCoefficients
    identity_sigma: FloatArray
    depth: FloatArray | None = None
    depth_sigma: FloatArray | None = None
    normal: FloatArray | None = None
    normal_sigma: FloatArray | None = None


class SurfaceRefinement:
    """The network and the surface's layout; made once by :func:`load_surface_refinement`."""

    def __init__(
        self,
        network: SurfaceNetwork,
        model: HeadModel,
        identity_sigma: FloatArray,
        layout: SurfaceMap | None = None,
    ) -> None:
        """``layout``: that of ``model``, if it has been made already."""
        self.network = folded(network)
        self._unwrap = Unwrap(layout or make_surface_map(model))
        self._dense = model.points("dense")
        self._edges = model.edges("dense")
        self._mirror = make_mirror(model)
        self._sigma = identity_sigma

    @torch.inference_mode()
    def predict(
        self,
        crops: Sequence[FaceCrop],
        fits: Sequence[tuple[HeadCoefficients, Camera]],
        mirrored: bool = False,
    ) -> list[SurfaceEstimate]:
        """One corrected estimate per face.

        Parameters
        ----------
        crops: of the boxes of :func:`box_of_fit`, PICTURE pixels wide. fits: of the same faces.
        mirrored: use the crops' mirror images; the estimates are still of the faces themselves.
            Their errors differ, so that both kinds of passes together are more accurate than two
            of the same kind.
        """
        pixels = np.stack([crop.rgb for crop in crops]).transpose(0, 3, 1, 2)
        pictures = torch.from_numpy(np.ascontiguousarray(pixels)).float() / 255
        identity = _stacked([coefficients.identity for coefficients, _ in fits])
        expression = _stacked([coefficients.expression for coefficients, _ in fits])
        cameras = _in_crops(crops, [camera for _, camera in fits])
        forward = self._forward_mirrored if mirrored else self._forward
        update = forward(pictures, identity, expression, cameras)
        axes, scale = cameras.frame()
        shift = UNIT * scale[:, None, None] * (update.moved @ axes)
        sigma = UNIT * scale[:, None] * torch.exp(update.log_scale) * LAPLACE_TO_SIGMA
        keys = (expression + update.expression).clamp(0, 1).numpy()
        estimates = []
        for row, (crop, fit) in enumerate(zip(crops, fits, strict=True)):
            landmarks = self._landmarks(crop, fit, shift[row].numpy(), sigma[row].numpy())
            known = HeadCoefficients(update.identity[row].numpy(), keys[row])
            solid = self._solid(update, row, fit, crop.to_photo[:, :2] @ axes[row].numpy().T)
            estimates.append(SurfaceEstimate(landmarks, known, self._sigma, **solid))
        return estimates

    def _landmarks(
        self,
        crop: FaceCrop,
        fit: tuple[HeadCoefficients, Camera],
        shift: FloatArray,
        sigma: FloatArray,
    ) -> Landmarks:
        """Those of the fit after ``shift`` (L, 2), with ``sigma`` (L,): pixels of the crop."""
        coefficients, camera = fit
        turn = crop.to_photo[:, :2]
        larger = float(np.sqrt(abs(np.linalg.det(turn))))
        points = camera.project(self._dense.at(coefficients)) + shift @ turn.T
        return Landmarks(points.astype(np.float32), sigma * np.float32(larger))

    def _solid(
        self, update: Update, row: int, fit: tuple[HeadCoefficients, Camera], axes: FloatArray
    ) -> dict[str, FloatArray]:
        """The fields of depth and normal of one face.

        axes: (2, 2) as columns, the head's right and up in the photo, of any length.
        """
        if update.solid is None:
            return {}
        nearer, depth_scale, more, normal_scale = (values[row].numpy() for values in update.solid)
        coefficients, camera = fit
        deep = camera.to_camera_space(self._dense.at(coefficients))[:, 2]
        first, second = np.split(self._edges.at(coefficients), 2)
        out = np.cross(first, second)
        normal = (out / np.linalg.norm(out, axis=1, keepdims=True)) @ camera.rotation.T
        axes = axes / np.linalg.norm(axes, axis=0)
        return {
            "depth": deep - UNIT * nearer,
            "depth_sigma": UNIT * np.exp(depth_scale) * np.float32(2**0.5),
            "normal": (normal[:, :2] + more @ axes.T).astype(np.float32),
            "normal_sigma": np.exp(normal_scale) * np.float32(LAPLACE_TO_SIGMA),
        }

    def _forward(
        self, pictures: Tensor, identity: Tensor, expression: Tensor, cameras: Cameras
    ) -> Update:
        texels = run(self._unwrap, pictures, torch.cat([identity, expression], 1), cameras)
        texels = texels.contiguous(memory_format=torch.channels_last)
        update: Update = run(self.network, texels, identity, expression)
        return update

    def _forward_mirrored(
        self, pictures: Tensor, identity: Tensor, expression: Tensor, cameras: Cameras
    ) -> Update:
        signs, mirror = torch.from_numpy(self._mirror.identity), self._mirror
        update = self._forward(
            pictures.flip(3),
            identity * signs,
            expression[:, mirror.expression],
            cameras.mirrored(pictures.shape[3]),
        )
        across, solid = update.moved.new_tensor([-1.0, 1.0]), dict[str, Tensor]()
        if update.solid is not None:
            depth, depth_scale, normal, normal_scale = (v[:, mirror.points] for v in update.solid)
            solid = {
                "depth": depth,
                "depth_log_scale": depth_scale,
                "normal": normal * across,
                "normal_log_scale": normal_scale,
            }
        return Update(
            update.moved[:, mirror.points] * across,
            update.log_scale[:, mirror.points],
            update.identity * signs,
            update.expression[:, mirror.expression],
            **solid,
        )


def box_of_fit(box: FaceBox) -> FaceBox:
    """The box that the refinement's crop needs, for the box of the fitted landmarks."""
    return FaceBox(box.center, box.size * MARGIN, box.roll)


def _in_crops(crops: Sequence[FaceCrop], cameras: Sequence[Camera]) -> Cameras:
    """The photos' cameras as cameras in the crops' pixels."""
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
        network = filled(lambda: SurfaceNetwork(shape, layout.places), state)
        sigma = np.array(details["identity_sigma"], np.float32)
        return SurfaceRefinement(network, model, sigma, layout)
