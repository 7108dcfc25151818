"""The scalp under hair: shaved skin with the soft shade of stubble, and no line where it begins."""

from __future__ import annotations

import numpy as np

from ..data import FloatArray, IntArray
from .confidence import ramp
from .cover import Cover
from .light import averaged

# Metres on the mean head: hair begins softly at these heights on the forehead, behind these depths
# at the sides, and above these heights at the nape.
FOREHEAD, SIDE, NAPE = (0.078, 0.112), (0.035, -0.005), (-0.05, -0.01)
# Share of the hair's colour in the shade of stubble, and what a texel that nobody sees counts in
# the share of the scalp that bears hair.
STUBBLE, UNSEEN = 0.4, 0.05
# Density of growth from which a seen place tells of those that are not seen.
DENSE = 0.9
# Rounds of averaging over the mesh: a receding hairline is soft, too.
ROUNDS = 6
# The lightest hair relative to the skin, natural logarithm: white hair has no stubble to see.
LIGHTEST, DARKEST_HAIR = -0.1, -2.6
# (3,) log colour over the skin's of hair that is not seen.
HAIR = np.full(3, -1.2, np.float32)


def grown_scalp(places: FloatArray) -> FloatArray:
    """(V,) 0..1: how densely hair grows at (V, 3) places of the mean head, soft at its edges."""
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]
    top = ramp(y - 0.15 * x, FOREHEAD)
    # Behind the ears hair reaches down to the nape, before them only to the temples.
    back = ramp(-z, (-SIDE[0], -SIDE[1])) * ramp(y, NAPE)
    temple = ramp(-z, (-0.055, -0.025)) * ramp(y, (0.045, 0.085))
    return np.maximum(np.maximum(top, back), temple)


def stubble(grown: FloatArray, seen: tuple[FloatArray, FloatArray], edges: IntArray) -> FloatArray:
    """(V,) share of hair in the colour of each vertex.

    grown: (V,), see grown_scalp. seen: (V,) each: how well the photo shows a vertex, and how surely
    it shows hair there, times that.
    """
    weight, hair = seen[0] * grown, seen[1] * grown
    if weight.sum() < 1e-3:
        return np.zeros(len(grown), np.float32)
    # Whether the rest of a head has hair is seen where all of it would, not at its edges.
    sure = grown > DENSE
    overall = float(hair[sure].sum() / max(float(weight[sure].sum()), 1e-3))
    sums = np.stack([hair + UNSEEN * overall, weight + UNSEEN], 1).astype(np.float32)
    sums = averaged(sums, edges, ROUNDS)
    return np.asarray(STUBBLE * grown * sums[:, 0] / sums[:, 1], np.float32)


def shaded(albedo: FloatArray, share: FloatArray, tone: FloatArray) -> FloatArray:
    """(V, 3) log albedo with a (V,) share of hair whose log colour is (3,) ``tone`` over skin's."""
    relative = np.exp(np.clip(tone, DARKEST_HAIR, LIGHTEST))
    return albedo + np.log(1 - share[:, None] * (1 - relative)).astype(np.float32)


def hair_tone(residual: FloatArray, cover: Cover, visibility: FloatArray) -> FloatArray:
    """(3,) median logarithm of the hair's colour over that of skin in the same light.

    residual: (N, 3) logarithm of the photo over the expected skin.
    """
    hair = (cover.hair > 0.7) & (visibility > 0.1)
    if hair.sum() < 50:
        return HAIR
    return np.asarray(np.median(residual[hair], axis=0), np.float32)
