"""How much of simulated estimates' errors a network leaves, on kept-out renders."""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor

from ...regressor.surface_network import Update
from .batches import Labels
from .estimates import Estimates
from .losses import Head, lacking
from .solid import centred, lacking_solid

# A key at ACTIVE or more should be found at SEEN or more; one at 0 should stay below SILENT.
ACTIVE, SEEN, SILENT = 0.5, 0.4, 0.2


class Figures:
    """Sums over batches.

    ``points_left``, ``identity_left``, ``depth_left``, ``normal_left``: the share of the estimate's
    error that is left, of visible landmarks and of identity (weighted by how far it moves the
    landmarks). ``identity_estimate``: the identity's error relative to the mean person's.
    ``keys_seen``, ``keys_silent``: shares of the keys that are found where they are and stay away
    where they are not, each key counting alike.
    """

    def __init__(self, head: Head) -> None:
        self._head = head
        self._errors = defaultdict[str, float](float)
        self._keys = defaultdict[str, Tensor](lambda: torch.zeros(()))

    def add(self, update: Update, estimates: Estimates, labels: Labels) -> None:
        """Another batch."""
        seen = labels.visible * labels.drawn[:, None]
        wanted = lacking(estimates, labels)
        self._add_error("points", (update.moved - wanted).norm(dim=2), wanted.norm(dim=2), seen)
        if update.depth is not None and update.normal is not None:
            nearer, more = lacking_solid(self._head.basis, estimates, labels)
            off = centred(update.depth - nearer, seen), centred(nearer, seen)
            self._add_error("depth", off[0].abs(), off[1].abs(), seen)
            left = update.normal - more
            self._add_error("normal", left.norm(dim=2), more.norm(dim=2), seen)
        for name, found in (
            ("identity", update.identity),
            ("estimated identity", estimates.identity),
            ("mean person", torch.zeros_like(labels.identity)),
        ):
            wrong = (found - labels.identity) @ self._head.importance.identity
            self._errors[name] += float((wrong.square().sum(1) * labels.drawn).sum())
        drawn = labels.drawn > 0
        found, true = (estimates.expression + update.expression)[drawn], labels.expression[drawn]
        active, rest = true >= ACTIVE, true == 0
        for name, counted in (
            ("active", active),
            ("seen", active & (found >= SEEN)),
            ("rest", rest),
            ("silent", rest & (found < SILENT)),
        ):
            self._keys[name] = self._keys[name] + counted.sum(0)

    def _add_error(self, name: str, left: Tensor, before: Tensor, seen: Tensor) -> None:
        """(B, L) errors, the mean over each face's seen landmarks."""
        total = seen.sum(1).clamp(min=1)
        self._errors[name] += float(((left * seen).sum(1) / total).sum())
        self._errors[f"estimated {name}"] += float(((before * seen).sum(1) / total).sum())

    def values(self) -> dict[str, float]:
        """By name."""
        errors = self._errors
        figures = {
            f"{name}_left": errors[name] / errors[f"estimated {name}"]
            for name in ("points", "identity", "depth", "normal")
            if name in errors
        }
        figures["identity_estimate"] = errors["estimated identity"] / errors["mean person"]
        for name, of in (("seen", "active"), ("silent", "rest")):
            known = self._keys[of] > 0
            if known.any():
                share = self._keys[name][known] / self._keys[of][known]
                figures[f"keys_{name}"] = float(share.mean())
        return figures
