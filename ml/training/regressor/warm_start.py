"""Begin a training where an earlier one ended, although the network has since learned new points.

The dense set only ever grows at its end. A new point begins as a blend of its nearest old ones,
with a wide sigma.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from ...card import verified
from ...data import FloatArray
from ...errors import UsageError
from ...regressor.network import ROTATION_NUMBERS, HeadNetwork

NEIGHBOURS = 4
# Added to the logarithm of a new point's scale.
UNSURE = 2.0


def start_from(network: HeadNetwork, weights: Path, dense: FloatArray) -> str:
    """Copy ``weights`` (with their card) into ``network``; returns their sha256.

    dense: (L, 3) the model's mean landmarks, which tell who is whose neighbour.

    Raises
    ------
    UsageError: the weights know more points than the network, or another number of modes.
    """
    card = verified(weights)
    old_shape, shape = card.details["network"], network.shape
    known = int(old_shape["points"])
    if known > shape.points or old_shape["identity"] != shape.identity:
        raise UsageError(
            f"{weights} has {known} points and {old_shape['identity']} identity modes; this "
            f"training has {shape.points} and {shape.identity}",
            "Train from the beginning, or from other weights",
        )
    old = {name: value.float() for name, value in load_file(weights).items()}
    blend = _blend(dense, known)
    rest = [shape.identity, shape.expression, ROTATION_NUMBERS]
    has_visible = old["read.bias"].numel() == sum([known * 4, *rest, 1])
    before = [known * 2, known, *([known] if has_visible else []), *rest, 1]
    for name in ("read.weight", "read.bias"):
        parts = list(old[name].split(before))
        if not has_visible:
            parts.insert(2, torch.zeros_like(parts[1]))
        grown = [
            _grown(part, blend, 2 if index == 0 else 1) for index, part in enumerate(parts[:3])
        ]
        if name == "read.bias":
            grown[1][known:] += UNSURE
        old[name] = torch.cat([*grown, *parts[3:]])
    for name in ("refinement.update.weight", "refinement.update.bias"):
        moved, tail = old[name][: known * 2], old[name][known * 2 :]
        old[name] = torch.cat([_grown(moved, blend, 2), tail])
    for name in ("refinement.point_update.weight", "refinement.point_update.bias"):
        row = old[name]
        old[name] = torch.cat([row, torch.zeros_like(row[: 4 - len(row)])])
    mix = old["refinement.mix.weight"]
    local, summary = mix[:, : known * shape.refine], mix[:, known * shape.refine :]
    empty = mix.new_zeros(len(mix), (shape.points - known) * shape.refine)
    old["refinement.mix.weight"] = torch.cat([local, empty, summary], 1)
    counters = {k: v for k, v in network.state_dict().items() if k not in old}
    network.load_state_dict({**counters, **old})
    return card.sha256


def _blend(dense: FloatArray, known: int) -> Tensor:
    """(L - known, known) weights of the nearest known points, by inverse distance."""
    away = np.linalg.norm(dense[known:, None] - dense[None, :known], axis=2)
    nearest = np.argsort(away, axis=1)[:, :NEIGHBOURS]
    weight = 1 / (np.take_along_axis(away, nearest, 1) + 1e-3)
    blend = np.zeros_like(away)
    np.put_along_axis(blend, nearest, weight / weight.sum(1, keepdims=True), 1)
    return torch.from_numpy(blend.astype(np.float32))


def _grown(rows: Tensor, blend: Tensor, numbers: int) -> Tensor:
    """Rows of ``numbers`` a point, with those of the new points after them."""
    by_point = rows.view(blend.shape[1], -1)
    return torch.cat([by_point, blend @ by_point]).view(-1, *rows.shape[1:])
