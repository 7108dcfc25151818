"""The reference head and its regions, on which true shapes are given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from ...data import FloatArray
from ...head.model import HeadModel
from ...head.storage import load_head_model

REGIONS = ("realy_nose", "realy_mouth", "realy_forehead", "realy_cheek")
# Metres from the shipped head's skin within which a vertex of the reference is in its regions.
NEAR = 0.004


@dataclass(frozen=True)
class Reference:
    """What every view of a person is measured on.

    Attributes
    ----------
    head: the reference head model. regions: (V,) bool by name, on its face.
    key_weights: (E,) how far each expression moves the face, as shares of 1.
    """

    head: HeadModel
    regions: dict[str, np.ndarray]
    key_weights: FloatArray


def make_reference(head: HeadModel) -> Reference:
    """Regions of the shipped head on the reference's face, vertex by nearest vertex."""
    shipped = load_head_model()
    skin = np.unique(shipped.quads[shipped.part_faces("skin")])
    distance, nearest = cKDTree(shipped.shape.mean[skin]).query(head.shape.mean)
    face = np.zeros(len(distance), bool)
    face[np.unique(head.quads[head.part_faces("Face")])] = True
    regions = {
        name: face & (distance < NEAR) & (shipped.masks[name][skin][nearest] > 0.5)
        for name in REGIONS
    }
    move = np.sqrt((head.points("dense").expression ** 2).sum(2).mean(1))
    return Reference(head, regions, np.asarray(move / move.sum(), np.float32))
