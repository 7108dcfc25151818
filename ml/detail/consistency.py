"""The strength of a relief by feature consistency: the photo drawn again should be seen the same.

The face is drawn with its relief at several strengths, and CLIP features of these pictures are
compared with the photo's (ml.perception.consistency).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import FloatArray
from .rerender import Scene

if TYPE_CHECKING:
    from torch import Tensor

    from ..perception.consistency import FeatureConsistency

STRENGTHS = (0.5, 1.0, 1.5, 2.0)


@dataclass(frozen=True)
class StrengthChoice:
    """The strength whose features are nearest to the photos', and the distances of all.

    Attributes
    ----------
    strength: one of STRENGTHS; 1 where no photo shows enough of the face.
    geometric, semantic, total: mean over the photos, one per strength of STRENGTHS; empty where no
        photo shows enough.
    clip: whose features they are; see ml.settings.
    """

    strength: float
    geometric: tuple[float, ...]
    semantic: tuple[float, ...]
    total: tuple[float, ...]
    clip: str

    def to_json(self) -> dict[str, Any]:
        """The contents of ``detail_strength`` in ``reconstruction.json``."""
        distances = {
            name: [round(value, 6) for value in getattr(self, name)]
            for name in ("geometric", "semantic", "total")
        }
        tried = list(STRENGTHS) if self.total else []
        return {"chosen": self.strength, "clip": self.clip, "strengths": tried, **distances}


def choose_strength(
    height: FloatArray, scenes: Sequence[Scene], loss: FeatureConsistency, clip: str
) -> StrengthChoice:
    """The strength of (S, S) ``height``, mm, that brings the drawn scenes nearest to their photos.

    clip: whose features ``loss`` compares, for the record. The first view of ``loss`` should be
    the whole picture, and the only one.
    """
    if not scenes or not np.any(height):
        return StrengthChoice(1.0, (), (), (), clip)
    found = np.mean([_distances(height, scene, loss) for scene in scenes], axis=0)
    geometric, semantic, total = (tuple(map(float, row)) for row in found.T)
    return StrengthChoice(STRENGTHS[int(np.argmin(total))], geometric, semantic, total, clip)


def _distances(height: FloatArray, scene: Scene, loss: FeatureConsistency) -> FloatArray:
    """(len(STRENGTHS), 3): geometric, semantic and total distance at each strength."""
    import torch

    rows = []
    with torch.no_grad():
        mask = torch.from_numpy(scene.mask[None, None])
        target = loss.target(_tensor(scene.photo), mask, torch.Generator().manual_seed(0))
        for strength in STRENGTHS:
            drawn = scene.drawn(np.float32(strength) * height)
            found = loss.compare(_tensor(drawn), target)
            rows.append([float(v) for v in (found.geometric, found.semantic, found.total)])
    return np.array(rows, np.float32)


def _tensor(picture: FloatArray) -> Tensor:
    """(H, W, 3) -> (1, 3, H, W)."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)[None]))
