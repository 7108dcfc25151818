"""What a person sculpted on a head: displacements over its coefficients and its layer of pins.

A sculpt is kept for the base mesh, and beside that what another level holds of it that the base
mesh is too coarse for. So it can go from one level to another and back, and is the same again.
NumPy only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..data import FloatArray, HeadMesh
from .contact import settle_lids
from .levels import level_of
from .mesh import Person, blend, person_mesh, stepped
from .model import HeadModel
from .transfer import on_base

# Metres below which a displacement is rounding: records round coefficients to six decimals.
ROUNDING = 2e-6


@dataclass(frozen=True)
class Sculpt:
    """Displacements of a head at rest; metres, head space.

    Attributes
    ----------
    base: (V, 3) of the base mesh's vertices. others: by level, (N, 3) what that level's vertices
    have beside the blend of ``base``.
    """

    base: FloatArray
    others: Mapping[str, FloatArray] = field(default_factory=dict)

    def at(self, model: HeadModel, level: str) -> FloatArray:
        """(N, 3) displacements of the vertices of a level. Raises UsageError: no such level."""
        other = level_of(model, level)
        if other is None:
            return self.base
        moved = blend(other.points, self.base)
        return moved + self.others[level] if level in self.others else moved


def sculpted_person(model: HeadModel, person: Person, sculpt: Sculpt) -> Person:
    """``person`` with a sculpt. Where it touches an eye or its lids, these close again."""
    rest = person.rest + sculpt.base
    keys = person.keys
    for side, eye in model.lids.items():
        touched = np.concatenate([eye.rings.ravel(), eye.lashes, eye.ball])
        if not sculpt.base[touched].any():
            continue
        own = model.shape.expression
        settled, closing = settle_lids(rest, own, model.expression_names, {side: eye})
        # The lids at rest stay as they were sculpted, so the keys start from there.
        moved = (closing != own).any(2)
        keys = np.where(moved[..., None], stepped(closing + (settled - rest)), keys)
    expressed = rest + np.tensordot(person.coefficients.expression, keys, 1)
    return replace(person, rest=rest, keys=keys, expressed=expressed.astype(np.float32))


def sculpted_mesh(model: HeadModel, person: Person, sculpt: Sculpt, level: str) -> HeadMesh:
    """The mesh of a sculpted ``person`` at a level, with what that level has of the sculpt.

    Raises
    ------
    UsageError: the model has no such level.
    """
    mesh = person_mesh(model, person, level)
    own = sculpt.others.get(level)
    if own is None:
        return mesh
    return replace(
        mesh, vertices=mesh.vertices + own, vertices_expressed=mesh.vertices_expressed + own
    )


def captured(
    model: HeadModel, level: str, displaced: FloatArray, before: Sculpt | None = None
) -> Sculpt | None:
    """The sculpt that displaces a level's vertices by (N, 3) ``displaced``; None: nothing does.

    before: as it was, of which other levels keep what is theirs.
    """
    displaced = _above_rounding(displaced)
    other = level_of(model, level)
    if other is None:
        base, others = displaced, dict(before.others) if before else {}
    else:
        known = before.at(model, level) if before else np.zeros_like(displaced)
        change = _above_rounding(displaced - known)
        base = before.base if before else np.zeros((model.vertex_count, 3), np.float32)
        if change.any():
            base = _above_rounding(base + on_base(model, level, change))
        others = dict(before.others) if before else {}
        others[level] = _above_rounding(displaced - blend(other.points, base))
    others = {name: values for name, values in others.items() if values.any()}
    return Sculpt(base, others) if base.any() or others else None


def _above_rounding(values: FloatArray) -> FloatArray:
    """(N, 3) the values with those of vertices that hardly move at 0."""
    moves = np.abs(values).max(1) > ROUNDING
    return np.asarray(np.where(moves[:, None], values, 0), np.float32)
