"""The colours of a person's eyes without the light of the photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..data import FloatArray
from ..geometry.colour import linear_of, srgb_of
from .colour import recorded
from .eye_colour import EyeColours
from .eyes import SCLERA, EyePaint
from .iris import SeenIris, likely_irises

# Mean linear albedos of dark and of pale skin.
DARK_SKIN, PALE_SKIN = 0.08, 0.18
# The share of the face's light that usually reaches the eyes, the standard deviation of its
# logarithm, and the least and the most of it.
REACHES, REACHES_SIGMA, LEAST, MOST = 0.75, 0.35, 0.3, 1.3
# The bright part of an eye is white and lid, in shares: it is taken for a white's from here on.
MOSTLY_WHITE = 0.5
# Standard deviation of the logarithm of each channel of that.
MIXED_NOISE = 0.06
# Eyes whose brightest part has less than this share of the face's light are behind dark glasses.
DARK_GLASSES = 0.1
# Standard deviations of the logarithm of how bright whites are, and of what is measured of it.
WHITES, WHITE_NOISE = 0.1, 0.3
# Whites of people with dark skin are this much darker.
DARKER = 0.9


@dataclass(frozen=True)
class FaceTone:
    """(3,) each, linear: the median albedo of the face's skin, and the median light on it.

    hued: whether the photo tells hues; a grey one does not.
    """

    skin: FloatArray
    light: FloatArray
    hued: bool = True

    @property
    def pale(self) -> float:
        """How pale the skin is: 0 dark to 1."""
        share = (float(self.skin.mean()) - DARK_SKIN) / (PALE_SKIN - DARK_SKIN)
        return float(np.clip(share, 0, 1))


@dataclass(frozen=True)
class EyeLight:
    """The light on an eye: (3,) linear, and the share of white in what was measured for white."""

    light: FloatArray
    white: float


def eye_paints(eyes: Sequence[EyeColours], face: FaceTone) -> list[EyePaint]:
    """The colours to paint each eye with; what the photo does not show is what is common."""
    lights = [light_on(eye, face) for eye in eyes]
    seen = [_seen(eye, light, face) for eye, light in zip(eyes, lights, strict=True)]
    irises = likely_irises(seen, face.pale, hued=face.hued)
    white = white_albedo(eyes, lights, face)
    return [EyePaint(iris, white) for iris in irises]


def light_on(eye: EyeColours, face: FaceTone) -> EyeLight | None:
    """The light on an eye; None where dark glasses or a shut lid leave none.

    The face's light has its tint. How much of it reaches the eye is told by the bright part of the
    eye, which is the white one, but in small eyes mixed with the skin of the lids.
    """
    if eye.white is None:
        return EyeLight(REACHES * face.light, 0.0)
    found = np.log(np.maximum(recorded(eye.white) / face.light, 1e-3))
    if np.exp(found).mean() < DARK_GLASSES * linear_of(SCLERA).mean():
        return None
    share = np.linspace(0, 1, 21)[:, None]
    mixed = np.log(share * linear_of(SCLERA) + (1 - share) * np.maximum(face.skin, 0.01))
    apart, usual = found - mixed, np.log(REACHES)
    trust = 3 / MIXED_NOISE**2, 1 / REACHES_SIGMA**2
    bright = (trust[0] * apart.mean(1) + trust[1] * usual) / sum(trust)
    miss = np.square(apart - bright[:, None]).sum(1) / MIXED_NOISE**2
    best = int(np.argmin(miss + np.square(bright - usual) * trust[1]))
    reaches = float(np.clip(np.exp(bright[best]), LEAST, MOST))
    return EyeLight(reaches * face.light, float(share[best, 0]))


def white_albedo(
    eyes: Sequence[EyeColours], lights: Sequence[EyeLight | None], face: FaceTone
) -> FloatArray:
    """(3,) sRGB of the whites: common ones, brighter or darker as the face's light says."""
    common = np.log(DARKER + (1 - DARKER) * face.pale)
    seen = [
        np.log(recorded(eye.white).mean() / (REACHES * face.light * linear_of(SCLERA)).mean())
        for eye, light in zip(eyes, lights, strict=True)
        if eye.white is not None and light is not None and light.white >= MOSTLY_WHITE
    ]
    trust = 1 / WHITES**2, len(seen) / WHITE_NOISE**2
    bright = (trust[0] * common + trust[1] * (np.mean(seen) if seen else 0)) / sum(trust)
    return srgb_of(linear_of(SCLERA) * np.exp(np.clip(bright, -0.3, 0.15)))


def _seen(eye: EyeColours, light: EyeLight | None, face: FaceTone) -> SeenIris | None:
    if eye.iris is None or light is None:
        return None
    freed = recorded(eye.iris) / np.maximum(light.light, 0.02)
    return SeenIris(freed, face.skin, light.white >= MOSTLY_WHITE, eye.size)
