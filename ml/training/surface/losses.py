"""The loss of the surface refinement."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...regressor.surface_network import UNIT, Update
from ..regressor.losses import Importance
from ..regressor.teacher import TeacherOffset
from .batches import Labels
from .estimates import Estimates, in_frame


@dataclass(frozen=True)
class LossWeights:
    """Weights of the parts; the points' likelihood has weight 1.

    hidden: of landmarks that something hides. identity_of_photos: of photos in the identity's part.
    """

    hidden: float
    identity: float
    expression: float
    identity_of_photos: float


def losses(
    update: Update,
    estimates: Estimates,
    labels: Labels,
    offset: TeacherOffset,
    importance: Importance,
    weights: LossWeights,
) -> dict[str, Tensor]:
    """Weighted parts of the loss; their sum is minimised."""
    moved = update.moved + _teacher(estimates, labels, offset)
    distance = ((moved - lacking(estimates, labels)).square().sum(2) + 1e-6).sqrt()
    nll = distance * torch.exp(-update.log_scale) + 2 * update.log_scale
    seen = labels.weight * (labels.visible + weights.hidden * (1 - labels.visible))
    identity = (update.identity - labels.identity) @ importance.identity
    share = labels.drawn + weights.identity_of_photos * (1 - labels.drawn)
    keys = (estimates.expression + update.expression - labels.expression).abs()
    keys = (keys * importance.expression).sum(1) / importance.expression.sum()
    return {
        "points": (nll * seen).sum() / seen.sum(),
        "identity": weights.identity * (identity.square().sum(1) * share).sum() / share.sum(),
        "expression": weights.expression * (keys * (1 + labels.drawn)).mean(),
    }


def lacking(estimates: Estimates, labels: Labels) -> Tensor:
    """(B, L, 2) UNITs from the estimated landmarks to the labelled ones, in the head's frame."""
    return in_frame(estimates.cameras, labels.points - estimates.landmarks) / UNIT


def _teacher(estimates: Estimates, labels: Labels, offset: TeacherOffset) -> Tensor:
    """(B, L, 2) UNITs from the surface points to a teacher's points, in the head's frame."""
    points = estimates.landmarks[:, : offset.taught]
    extent = (points.amax(1) - points.amin(1)).amax(1)
    off = offset(labels.rotation, extent) * labels.taught[:, None, None]
    flat = in_frame(estimates.cameras, off) / UNIT
    rest = labels.points.shape[1] - offset.taught
    return nn.functional.pad(flat, (0, 0, 0, rest))
