"""What lies before the skin, as far as a parse of the photo says, and where hair grows on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import FloatArray
from ..parsing.classes import Parse
from .confidence import ramp, within

# What is worn before a face, how many pixels of the parse it is taken to reach further, for its
# edges mix with skin, and the probabilities at which it hides nothing and all.
WORN, REACH, HIDDEN = ("glasses", "other"), 1, (0.15, 0.45)
# Dark sockets look a little like glasses: what is worn is believed that surely, at least this
# probability, cover at least this much of the face's area.
SURE, SMALLEST = 0.8, 0.012
# Of thin rims a parse sees parts, of which only the bridge is like nothing else in a face: its box
# on the mean head (metres), the probability, and the share of the seen texels there.
BRIDGE, PROBABLE, RIMMED = ((-0.011, 0.011), (0.012, 0.04), (0.08, 0.2)), 0.5, 0.03
FACE_CLASSES = ("skin", "nose", "brows", "eyes", "lips")
# What else hides skin, how many pixels further, and the probabilities of nothing and all.
AROUND, BORDER, AROUND_HIDDEN = ("hair", "hat", "clothes", "background"), 2, (0.15, 0.45)
# Probabilities of a beard, or of features, at which a texel counts as none and as all of it.
HAIRY, FEATURES = (0.15, 0.5), (0.2, 0.5)


@dataclass(frozen=True)
class Cover:
    """What a parse says of N texels, 0..1 each.

    Attributes
    ----------
    bare: nothing lies before the skin. beard: hair of a beard grows there. plain: the skin has no
    feature (brow, eye, lip) and no beard. hair: hair of the scalp is seen there.
    rimmed: whether the person wears glasses, of which the parse may see no more than parts.
    """

    bare: FloatArray
    beard: FloatArray
    plain: FloatArray
    hair: FloatArray
    rimmed: bool = False


def cover_of(parse: Parse | None, pixels: FloatArray, places: FloatArray) -> Cover | None:
    """What ``parse`` says of texels at (N, 2) pixels of the photo; None without one.

    places: (N, 3) of the mean head.
    """
    if parse is None:
        return None
    hidden = ramp(parse.at(pixels, *AROUND, reach=BORDER), AROUND_HIDDEN)
    if _wears(parse):
        hidden = np.maximum(hidden, ramp(parse.at(pixels, *WORN, reach=REACH), HIDDEN))
    beard = ramp(parse.at(pixels, "beard", reach=REACH), HAIRY)
    features = ramp(parse.at(pixels, "brows", "eyes", "lips", "inner mouth", reach=1), FEATURES)
    hair = parse.at(pixels, "hair")
    return Cover(
        1 - hidden, beard, (1 - beard) * (1 - features), hair, _rimmed(parse, pixels, places)
    )


def _rimmed(parse: Parse, pixels: FloatArray, places: FloatArray) -> bool:
    """Whether a parse shows the bridge of glasses."""
    bridge = within(places, BRIDGE)
    seen = parse.at(pixels[bridge], "glasses") >= PROBABLE
    return bool(seen.sum() > RIMMED * len(seen))


def _wears(parse: Parse) -> bool:
    """Whether enough of what is worn before a face is surely there."""
    face = parse.of(*FACE_CLASSES).sum()
    return bool((parse.of(*WORN) >= SURE).sum() >= SMALLEST * max(face, 1.0))
