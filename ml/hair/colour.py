"""The colours of strands, from the photo without its light where that is known."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..data import ByteArray, FloatArray
from ..geometry.colour import linear_of, srgb_of
from ..rendering import harmonics_of
from .solid import Solid
from .view import HairView

# Hair that was never seen; linear.
USUAL = np.array([0.045, 0.028, 0.018], np.float32)
# Light beyond these multiples is not taken out: the estimate is wrong there.
DIMMEST, BRIGHTEST = 0.35, 2.2
# Where along a strand (share of its points) its colour is looked up.
PLACES = (0.15, 0.35, 0.55, 0.8)
# Ranks of the seen strands' brightness that stand for those not seen: no highlights.
# Skin shows between the hairs of a brow.
RANKS = {
    "scalp": (0.15, 0.75),
    "brow": (0.03, 0.35),
    "beard": (0.05, 0.6),
    "moustache": (0.05, 0.6),
}
# How much of its own place in the photo a strand takes; skin is mixed into all of a brow's.
OWN = {"scalp": 1.0, "brow": 0.0, "beard": 0.7, "moustache": 0.4}
# How much of a strand's own hue it keeps, and the power of its own brightness.
HUES, LEVELS = 0.3, 0.7
# Normals of what faces the camera, in camera space.
FRONT = np.array([[0, 0, -1], [0.5, 0, -0.87], [-0.5, 0, -0.87], [0, -0.6, -0.8]], np.float32)
DARKEST = 0.004
# Fewer strands do not tell a colour. How bright strands are that skin shows through, as a share of
# what is seen; and of very short ones.
FEW, THROUGH, BENEATH = 20, 0.55, 0.7


@dataclass(frozen=True)
class Dye:
    """Colours a photo shows of hair. light: (9, 3) harmonics in camera space, or None."""

    view: HairView
    solid: Solid
    light: FloatArray | None

    def of(
        self, kind: str, strands: FloatArray, mask: FloatArray, rng: np.random.Generator
    ) -> ByteArray:
        """(N, 3) sRGB of (N, K, 3) strands, from the pixels where ``mask`` (S, S) 0..1 is high."""
        ranks = RANKS[kind]
        if not len(strands):
            return np.zeros((0, 3), np.uint8)
        picture = self._blurred(mask)
        total = np.zeros((len(strands), 4), np.float32)
        for place in PLACES:
            points = strands[:, int(place * (strands.shape[1] - 1))]
            pixels, depth = self.view.project(points)
            there = np.clip(self.view.at(mask, pixels) * 2 - 0.8, 0, 1)
            sure = self.view.shows(pixels, depth) * there
            colours = self.view.at(picture, pixels) / self._lit(points)
            total += np.column_stack([colours * sure[:, None], sure])
        sure = total[:, 3]
        seen = total[:, :3] / np.maximum(sure[:, None], 1e-6)
        palette = _palette(seen[sure > 0.5], ranks)
        middle = np.median(palette, 0)
        drawn = palette[rng.integers(0, len(palette), len(strands))]
        share = np.clip(sure, 0, 1)[:, None] * (sure > 0.5)[:, None] * OWN[kind]
        found = share * seen + (1 - share) * drawn
        # What shines through between strands is no hair's: hues stay near the middle one.
        level = found.mean(1, keepdims=True) / middle.mean()
        own = (1 - HUES) * middle * np.clip(level, 0.3, 2.2) ** LEVELS + HUES * found
        own = own * np.exp(rng.normal(0, 0.1, (len(own), 1)))
        return _bytes(own)

    def _blurred(self, mask: FloatArray) -> FloatArray:
        """(S, S, 3) linear colours, each mixed with those near it that the mask has, too."""
        linear = linear_of(self.view.rgb)
        weight = cv2.GaussianBlur(mask**2, (0, 0), 1.2)[..., None] + 1e-6
        return np.asarray(cv2.GaussianBlur(linear * mask[..., None] ** 2, (0, 0), 1.2) / weight)

    def _lit(self, points: FloatArray) -> FloatArray:
        """(N, 3) light on hair at these points of the head: of one colour everywhere."""
        if self.light is None:
            return np.ones((1, 3), np.float32)
        _, normal, _ = self.solid.height(points)
        found = harmonics_of(normal @ self.view.camera.rotation.T) @ self.light
        level = np.clip(found, DIMMEST, BRIGHTEST).mean(1, keepdims=True)
        front = np.clip(harmonics_of(FRONT) @ self.light, DIMMEST, BRIGHTEST).mean(0)
        return np.asarray(level**0.7 * front / front.mean() ** 0.7, dtype=np.float32)


def unmixed(colours: ByteArray, hair: ByteArray) -> ByteArray:
    """(N, 3) sRGB of strands that skin shows through: darker, and of the hue of (M, 3) ``hair``."""
    like = np.median(linear_of(hair), 0) if len(hair) >= FEW else USUAL
    level = linear_of(colours).mean(1, keepdims=True)
    return _bytes(THROUGH * level * like / max(float(like.mean()), DARKEST))


def greyed(colours: ByteArray) -> ByteArray:
    """(N, 3) sRGB of strands that are seen with the skin under them, a little without it."""
    linear = linear_of(colours)
    level = linear.mean(1, keepdims=True)
    return _bytes(BENEATH * (0.5 * linear + 0.5 * level))


def _palette(seen: FloatArray, ranks: tuple[float, float]) -> FloatArray:
    """(M, 3) seen colours that are neither dark nor bright; the usual one if few were seen."""
    if len(seen) < FEW:
        return USUAL[None]
    order = np.argsort(seen.mean(1))
    return seen[order[int(ranks[0] * len(seen)) : int(ranks[1] * len(seen))]]


def middle_of(colours: ByteArray) -> tuple[int, int, int]:
    """The median of (N, 3) sRGB colours; of none, the usual."""
    if not len(colours):
        colours = _bytes(USUAL[None])
    red, green, blue = (int(value) for value in np.median(colours, 0))
    return red, green, blue


def _bytes(linear: FloatArray) -> ByteArray:
    """Linear colours as sRGB, 0..255."""
    return np.round(srgb_of(np.clip(linear, DARKEST, 1))).astype(np.uint8)
