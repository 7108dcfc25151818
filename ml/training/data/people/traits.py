"""What captions say of a drawn person (hair, glasses, hat, light), as numbers."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields

import numpy as np

from ....data import FloatArray

BEARDS = ("full", "goatee", "moustache")


@dataclass(frozen=True)
class Traits:
    """Of one sample; NaN where it is unknown, as for photos.

    Attributes
    ----------
    glasses: 0 none, 1 clear, 2 dark. hat: 0 none, else 1 + index into headgear.HATS.
    hair: 0 none, else 1 + index into hair.STYLES. hair_light: its luminance, 0..1.
    beard: 0 none, else 1 + index into BEARDS. folds: 0 smooth to 1 old.
    skin: the individual typology angle, degrees: above 41 light, below 10 dark.
    light_right, light_down, light_back: where most light comes from, camera axes, at most 1 long.
    level: mean brightness of the skin in the picture, 0..1.
    """

    glasses: float = np.nan
    hat: float = np.nan
    hair: float = np.nan
    hair_light: float = np.nan
    beard: float = np.nan
    folds: float = np.nan
    skin: float = np.nan
    light_right: float = np.nan
    light_down: float = np.nan
    light_back: float = np.nan
    level: float = np.nan

    def numbers(self) -> FloatArray:
        """(T,) in the order of the attributes."""
        return np.array(astuple(self), np.float32)


TRAIT_NAMES = tuple(field.name for field in fields(Traits))
