"""Mid-frequency shape that no identity mode holds: folds, wrinkles, lumps and asymmetries.

Lengths are 2 to 25 mm, heights tenths of a millimetre to a millimetre and a half. Folds follow the
face's own lines (nasolabial, forehead, frown, crow's feet, bags, corners of the mouth); the rest is
random, and different left and right.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ....data import FloatArray
from ..picture.scene import Stage
from ..worn.anchors import anchors_of

# MediaPipe points along each fold of the subject's right side, or across the middle.
_PAIRED = {
    "nasolabial": (129, 203, 206, 216, 212),
    "bag": (31, 228, 229, 230, 231, 232),
    "cheek": (111, 117, 118, 119, 120, 121),
    "frown": (107, 108),
    "marionette": (61, 43, 106),
    "crow upper": (33, 156),
    "crow middle": (33, 143),
    "crow lower": (33, 116),
}
_MIDDLE = {
    "forehead low": (105, 66, 107, 9, 336, 296, 334),
    "forehead middle": (104, 69, 108, 151, 337, 299, 333),
    "forehead high": (103, 67, 109, 10, 338, 297, 332),
    "chin": (106, 83, 18, 313, 335),
}
# Half width and greatest depth, metres.
_WIDE = {"bag": 0.003, "cheek": 0.004, "nasolabial": 0.0035}
_DEEP = {"bag": 0.0011, "nasolabial": 0.0014, "cheek": 0.0008}
_WAVES, _LUMPS = 20, 10


@dataclass(frozen=True)
class FoldLines:
    """Metres from every drawn vertex to every fold of the mean head.

    Attributes
    ----------
    names: of the folds; a pair's two sides follow each other. distance: (C, D).
    skin: (D,) 0..1, where folds are. normals: (D, 3) of the mean head.
    """

    names: tuple[str, ...]
    distance: FloatArray
    skin: FloatArray
    normals: FloatArray


@lru_cache(maxsize=1)
def fold_lines(stage: Stage) -> FoldLines:
    """The folds of ``stage``'s mean head."""
    from scipy.spatial import cKDTree

    from ....rendering import vertex_normals

    mean = stage.shape.mean
    anchors = anchors_of(stage)
    landmarks = mean[anchors.nearest] + anchors.offset
    names, rows = [], []
    for name, points in {**_PAIRED, **_MIDDLE}.items():
        ends = zip(landmarks[list(points)], landmarks[list(points[1:])], strict=False)
        line = np.concatenate([np.linspace(a, b, 12) for a, b in ends])
        for side in [1, -1] if name in _PAIRED else [1]:
            away, _ = cKDTree(line * [side, 1, 1]).query(mean)
            names.append(name)
            rows.append(away)
    lips = cKDTree(landmarks[[13, 14, 0, 17, 61, 291, 37, 267, 84, 314]]).query(mean)[0]
    eyes = cKDTree(landmarks[[33, 133, 159, 145, 263, 362, 386, 374]]).query(mean)[0]
    soft = np.clip((np.minimum(lips - 0.004, eyes - 0.003)) / 0.004, 0, 1)
    skin = soft * stage.is_part("Face", "Head and Neck")
    return FoldLines(
        tuple(names),
        np.stack(rows).astype(np.float32),
        skin.astype(np.float32),
        vertex_normals(mean, stage.triangles),
    )


def random_folds(stage: Stage, rng: np.random.Generator) -> tuple[FloatArray, float]:
    """(D, 3) metres to add to a neutral head, and how folded it is, 0 (smooth) to 1 (old)."""
    lines, age = fold_lines(stage), float(rng.beta(1, 1.6))
    height, depth = np.zeros(len(stage.shape.mean), np.float32), 0.0
    for number, name in enumerate(lines.names):
        paired = number and lines.names[number - 1] == name
        depth = depth * rng.normal(1, 0.2) if paired else _depth(name, age, rng)
        wide = _WIDE.get(name, 0.0024) * rng.uniform(0.7, 1.4)
        near = np.flatnonzero(lines.distance[number] < 5 * wide)
        place = lines.distance[number, near] / wide
        height[near] -= depth * (np.exp(-(place**2)) - 0.45 * np.exp(-((place - 2) ** 2)))
    offset = height[:, None] * lines.normals + _bumps(stage, lines, rng)
    return (offset * lines.skin[:, None]).astype(np.float32), age


def _depth(name: str, age: float, rng: np.random.Generator) -> float:
    return float(_DEEP.get(name, 0.0007) * rng.uniform(-0.1, 1) * age)


def _bumps(stage: Stage, lines: FoldLines, rng: np.random.Generator) -> FloatArray:
    """(D, 3): waves of 9 to 25 mm and lumps of 7 to 18 mm, mostly along the normal."""
    mean = stage.shape.mean
    length = np.exp(rng.uniform(np.log(0.009), np.log(0.025), _WAVES))
    way = rng.normal(size=(_WAVES, 3))
    way *= (2 * np.pi / length / np.linalg.norm(way, axis=1))[:, None]
    phase = (mean @ way.T.astype(np.float32)) + rng.uniform(0, 2 * np.pi, _WAVES).astype(np.float32)
    rough = rng.uniform(0.01, 0.12) * 1e-3
    strength = rng.normal(0, 1, _WAVES) * rough * (length / 0.015)
    along = np.cos(phase) @ strength.astype(np.float32)
    offset = along[:, None] * lines.normals
    face = np.flatnonzero((lines.skin > 0.5) & (mean[:, 2] > 0.05))
    for centre in mean[rng.choice(face, _LUMPS)]:
        radius = rng.uniform(0.007, 0.018)
        near = np.flatnonzero(np.abs(mean - centre).max(1) < 2.5 * radius)
        bell = np.exp(-((mean[near] - centre) ** 2).sum(1) / radius**2)
        way = lines.normals[near] * rng.normal(0, 5e-4) + rng.normal(0, 1.5e-4, 3)
        offset[near] += bell[:, None] * way
    return offset
