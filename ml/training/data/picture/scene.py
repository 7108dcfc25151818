"""What every generated sample shares: the reference head made ready for fast drawing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from ....data import FloatArray, IntArray
from ....geometry.mirror import mirror_twins
from ....geometry.triangles import triangulate
from ....head.model import HeadModel, LinearShape
from ....head.storage import load_head_model
from ..people.eyes import FAR, eye_places

# Films of tear fluid, shadows and lash cards are transparent: drawn opaque they would be wrong.
DRAWN = (
    "Face",
    "Head and Neck",
    "Mouth socket",
    "Eye socket left",
    "Eye socket right",
    "Gums and tongue",
    "Teeth",
    "Eyeball left",
    "Eyeball right",
)


@dataclass(frozen=True, eq=False)
class Stage:
    """The drawn part of the reference head.

    Attributes
    ----------
    shape: the model at the drawn vertices (D, 3); dense: at the L landmarks.
    triangles: (F, 3) into the drawn vertices. part: (D,) index into DRAWN.
    vertices: (D,) the reference's own vertex numbers. opposite: (D,) mirror twins.
    brow: (D,) 0..1, how much of an eyebrow grows here, most along its middle.
    anchor: (L,) the drawn vertex by each landmark. eye: (D, 2) metres from the pupil's middle on
    the eyeballs, far from it elsewhere.
    """

    shape: LinearShape
    dense: LinearShape
    triangles: IntArray
    part: np.ndarray
    vertices: IntArray
    opposite: IntArray
    brow: FloatArray
    anchor: IntArray
    eye: FloatArray

    def is_part(self, *names: str) -> np.ndarray:
        """(D,) bool: vertices of the named parts."""
        return np.isin(self.part, [DRAWN.index(name) for name in names])


def load_stage(reference: Path) -> Stage:
    """Prepare the reference head model at ``reference``."""
    model = load_head_model(reference)
    wanted = [model.part_names.index(name) for name in DRAWN]
    faces = np.isin(model.part, wanted)
    quads = model.quads[faces]
    vertices, local = np.unique(quads, return_inverse=True)
    local = local.reshape(quads.shape).astype(np.int32)
    triangles = triangulate(local)
    part = np.zeros(len(vertices), np.uint8)
    # Later parts win on shared borders, so skin is written last.
    for index in reversed(range(len(DRAWN))):
        part[np.unique(local[model.part[faces] == wanted[index]])] = index
    mean = model.shape.mean[vertices]
    shape = LinearShape(
        mean,
        np.ascontiguousarray(model.shape.identity[:, vertices]),
        np.ascontiguousarray(model.shape.expression[:, vertices]),
    )
    return Stage(
        shape,
        model.points("dense"),
        triangles,
        part,
        vertices.astype(np.int32),
        mirror_twins(mean),
        _brows(model, mean),
        _anchors(model, vertices),
        eyes_at_rest(mean, part),
    )


def _anchors(model: HeadModel, vertices: IntArray) -> IntArray:
    found = model.landmark_sets["dense"]
    nearest = found.corners[np.arange(len(found)), found.weights.argmax(1)]
    return np.searchsorted(vertices, nearest).astype(np.int32)


def eyes_at_rest(mean: FloatArray, part: np.ndarray) -> FloatArray:
    """(D, 2): see Stage.eye."""
    places = np.full((len(mean), 2), FAR, np.float32)
    for side in ("left", "right"):
        ball = part == DRAWN.index(f"Eyeball {side}")
        places[ball] = eye_places(mean[ball])
    return places


_RIGHT_BROW = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
_LEFT_BROW = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)


def _brows(model: HeadModel, mean: FloatArray) -> FloatArray:
    points = model.landmark_sets["mediapipe478"].on(model.shape.mean)
    amount = np.zeros(len(mean), np.float32)
    for brow in (_RIGHT_BROW, _LEFT_BROW):
        upper, lower = points[list(brow[:5])], points[list(brow[:4:-1])]
        line = (upper + lower) / 2
        dense = np.concatenate([np.linspace(a, b, 12) for a, b in pairwise(line)])
        away = np.linalg.norm(mean[:, None] - dense[None], axis=2)
        # Thick at the nose, thin at the temple.
        along = away.argmin(1) / (len(dense) - 1)
        thick = np.interp(along, [0, 0.45, 0.8, 1], [0.0028, 0.0058, 0.0062, 0.0055])
        amount = np.maximum(amount, np.clip(1 - away.min(1) / thick, 0, 1))
    return amount
