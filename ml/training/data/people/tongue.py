"""A tongue that is put out: the reference head's own is one piece with its gums."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ....data import HeadCoefficients, IntArray
from ....geometry.triangles import triangulate
from ....head.arkit import EXPRESSION_NAMES
from ....head.model import LinearShape
from ....head.storage import load_head_model
from ..picture.kernels import fast_normals
from ..worn.extra import Extra

_OUT = EXPRESSION_NAMES.index("tongueOut")
# Below this it stays behind the teeth, where the reference's own lies.
_LEAST = 0.05


@dataclass(frozen=True, eq=False)
class _Tongue:
    """Effigy Head's tongue; its modes are those of the reference, and so are its coefficients."""

    shape: LinearShape
    triangles: IntArray


@lru_cache(maxsize=1)
def _tongue() -> _Tongue:
    model = load_head_model()
    vertices, local = np.unique(model.quads[model.part_faces("tongue")], return_inverse=True)
    shape = LinearShape(
        model.shape.mean[vertices],
        np.ascontiguousarray(model.shape.identity[:, vertices]),
        np.ascontiguousarray(model.shape.expression[:, vertices]),
    )
    return _Tongue(shape, triangulate(local.reshape(-1, 4).astype(np.int32)))


def tongue_put_out(coefficients: HeadCoefficients, rng: np.random.Generator) -> tuple[Extra, ...]:
    """The tongue of a head whose tongueOut says that it is out; else nothing."""
    if coefficients.expression[_OUT] < _LEAST:
        return ()
    tongue = _tongue()
    vertices = tongue.shape.at(coefficients)
    colour = np.array([0.45, 0.16, 0.15]) * rng.uniform(0.7, 1.25) + rng.normal(0, 0.015, 3)
    return (
        Extra(
            vertices,
            tongue.triangles,
            np.tile(colour.astype(np.float32), (len(vertices), 1)),
            fast_normals(vertices, tongue.triangles),
            np.ones(len(vertices), np.float32),
            gloss=float(rng.uniform(0.1, 0.5)),
            kind="inner mouth",
        ),
    )
