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
from .solid import SolidBasis, centred, lacking_solid


@dataclass(frozen=True)
class Head:
    """What is measured on the head: how far the landmarks move, and the solid head at them."""

    importance: Importance
    basis: SolidBasis


@dataclass(frozen=True)
class LossWeights:
    """Weights of the parts; the points' likelihood has weight 1.

    hidden: of landmarks that something hides. identity_of_photos: of photos in the identity's part.
    depth, normal: of renders' depths and normals. least_key: of the keys that move the fewest
    landmarks, relative to the one that moves most. active: how much more a key counts at 1 than
    at 0: most keys are at 0 in most faces.
    """

    hidden: float
    identity: float
    expression: float
    identity_of_photos: float
    depth: float
    normal: float
    least_key: float
    active: float


def losses(
    update: Update,
    estimates: Estimates,
    labels: Labels,
    offset: TeacherOffset,
    head: Head,
    weights: LossWeights,
) -> dict[str, Tensor]:
    """Weighted parts of the loss; their sum is minimised."""
    moved = update.moved + _teacher(estimates, labels, offset)
    distance = ((moved - lacking(estimates, labels)).square().sum(2) + 1e-6).sqrt()
    nll = distance * torch.exp(-update.log_scale) + 2 * update.log_scale
    seen = labels.weight * (labels.visible + weights.hidden * (1 - labels.visible))
    identity = (update.identity - labels.identity) @ head.importance.identity
    share = labels.drawn + weights.identity_of_photos * (1 - labels.drawn)
    keys = (estimates.expression + update.expression - labels.expression).abs()
    keys = keys * (1 + weights.active * labels.expression)
    important = head.importance.expression.clamp(min=weights.least_key)
    keys = (keys * important).sum(1) / important.sum()
    parts = {
        "points": (nll * seen).sum() / seen.sum(),
        "identity": weights.identity * (identity.square().sum(1) * share).sum() / share.sum(),
        "expression": weights.expression * (keys * (1 + labels.drawn)).mean(),
    }
    if update.solid is None:
        return parts
    seen = seen * labels.drawn[:, None]
    wanted = lacking_solid(head.basis, estimates, labels)
    depth, normal = solid_nll(update.solid, wanted, seen)
    total = seen.sum().clamp(min=1)
    return parts | {
        "depth": weights.depth * (depth * seen).sum() / total,
        "normal": weights.normal * (normal * seen).sum() / total,
    }


def solid_nll(
    said: tuple[Tensor, Tensor, Tensor, Tensor], wanted: tuple[Tensor, Tensor], seen: Tensor
) -> tuple[Tensor, Tensor]:
    """(B, L) negative logarithms of the likelihoods of depths and normals.

    said: see Update.solid. wanted: see lacking_solid. seen: (B, L) how much landmarks count.
    """
    depth, depth_scale, normal, normal_scale = said
    sharp = torch.exp(-depth_scale)
    off = centred(depth - wanted[0], (seen * sharp).detach()).abs()
    turn = ((normal - wanted[1]).square().sum(2) + 1e-6).sqrt()
    return off * sharp + depth_scale, turn * torch.exp(-normal_scale) + 2 * normal_scale


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
