"""The fine detail of several photos as one: broad differences averaged, fine ones of the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..data import FloatArray, Photo
from ..head.model import HeadModel
from .atlas import COARSE, Atlas, atlas_of
from .confidence import FACE, ramp, within
from .fine_detail import Held, seen_detail
from .projection import Projection

# Standard deviations of blurs, as shares of the texture's side: between the low band and the high
# one (6 mm on a face), of the weights of the low band, and of those of the high band.
BAND, WIDE, NARROW = 0.025, 0.035, 0.008
# The low band has nothing finer than a texel of this size.
SPLIT = 256
# The exponent makes the high band that of the best photo nearly everywhere. Each photo is taken for
# this much worse than the next better one: photos that show a place equally well would be mixed.
EXPONENT, WORSE = 16, 0.85
# Metres round lids with brows, and lips, up to which they come from one photo, and from which on
# each place is judged by itself: fits differ a little, and a brow of two photos would have a kink.
FEATURE = (0.003, 0.007)
# Texels per metre of a face in a texture of one texel per side.
PER_METRE = 4.0
# Weights never fall to nothing: where the best photo shows an eye, the next best takes over.
LEAST = 1e-6


@dataclass(frozen=True)
class Sheet:
    """A texture of ``size`` texels per side: its texels, and those on which skin is found."""

    coarse: Atlas
    atlas: Atlas
    size: int

    @classmethod
    def of(cls, model: HeadModel, size: int) -> Sheet:
        """The sheet of a head model's texture."""
        return cls(atlas_of(model, min(size, COARSE)), atlas_of(model, size), size)

    def blurred(self, values: FloatArray, share: float) -> FloatArray:
        """(N,) values of coarse texels, blurred by a share of the texture's side."""
        side = min(self.size, COARSE)
        image = cv2.GaussianBlur(self.coarse.image(values, side), (0, 0), share * side)
        return self.coarse.of_image(image)

    def enlarged(self, values: FloatArray) -> FloatArray:
        """(N,) values of coarse texels -> (N',) at those of the texture."""
        if self.atlas is self.coarse:
            return values
        image = self.coarse.image(values, min(self.size, COARSE))
        large = cv2.resize(image, (self.size, self.size), interpolation=cv2.INTER_LINEAR)
        return self.atlas.of_image(large)


@dataclass(frozen=True)
class Part:
    """What one photo has to tell of the detail.

    Attributes
    ----------
    photo: whose pixels ``projection`` is in. expected: (V, 3) log colours without the detail.
    held: at the coarse texels. trust: (N,) its confidence, as it counts beside other photos.
    """

    photo: Photo
    projection: Projection
    expected: FloatArray
    held: Held
    trust: FloatArray


def blended_detail(
    parts: Sequence[Part], model: HeadModel, sheet: Sheet
) -> tuple[FloatArray, FloatArray]:
    """(N', 3) detail of all photos, and its (N',) weight 0..1, at the texture's texels."""
    count = len(sheet.atlas.rows)
    low, high = np.zeros((count, 4), np.float32), np.zeros((count, 4), np.float32)
    weight = np.zeros(count, np.float32)
    for part, share in zip(parts, best_shares(parts, model, sheet), strict=True):
        found, own = seen_detail(
            part.photo,
            part.projection,
            part.expected,
            part.held,
            sheet.coarse,
            sheet.atlas,
            sheet.size,
        )
        broad = low_band(found, own, sheet)
        # The same detail as far as it is known nearby, so that the weights may reach beyond it.
        _add(low, broad, sheet.enlarged(sheet.blurred(part.trust, WIDE)) + LEAST * own)
        _add(high, found - broad, sheet.enlarged(share) * own)
        np.maximum(weight, own, out=weight)
    bands = [band[:, :3] / np.maximum(band[:, 3:], 1e-12) for band in (low, high)]
    return np.asarray(bands[0] + bands[1], np.float32), weight


def _add(sums: FloatArray, values: FloatArray, weight: FloatArray) -> None:
    """Add (N, 3) values times their (N,) weight, and the weight, to (N, 4) sums."""
    sums[:, :3] += values * weight[:, None]
    sums[:, 3] += weight


def low_band(found: FloatArray, weight: FloatArray, sheet: Sheet) -> FloatArray:
    """(N', 3) the mean of (N', 3) detail by its (N',) weight around each texel."""
    side, atlas = min(sheet.size, SPLIT), sheet.atlas
    sums = atlas.image(np.column_stack([found * weight[:, None], weight]), sheet.size)
    small = cv2.resize(sums, (side, side), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), BAND * side)
    means = small[..., :3] / (small[..., 3:] + 1e-4)
    large = cv2.resize(means, (sheet.size, sheet.size), interpolation=cv2.INTER_LINEAR)
    return atlas.of_image(large)


def best_shares(parts: Sequence[Part], model: HeadModel, sheet: Sheet) -> FloatArray:
    """(P, N) shares of P photos in the high band of the coarse texels; they sum to 1."""
    good = np.stack([part.trust * sharpness(part.projection, model, sheet) for part in parts])
    rank = good @ within(sheet.coarse.mean, FACE)
    place = np.argsort(np.argsort(-rank, kind="stable"), kind="stable")
    # What shows a place only in single texels does not interrupt another photo.
    around = np.stack([sheet.blurred(one, NARROW) for one in good])
    good = _even_on_features(np.minimum(good, around) * (WORSE**place)[:, None], sheet.coarse)
    shares = (good / np.maximum(good.max(0), 1e-20)) ** EXPONENT + LEAST
    return np.asarray(shares / shares.sum(0), np.float32)


def _even_on_features(good: FloatArray, atlas: Atlas) -> FloatArray:
    """(P, N) how well P photos show texels, with the same value all over a feature; see FEATURE."""
    near_eyes = 1 - ramp(np.minimum(atlas.contours.lids, atlas.contours.brows), FEATURE)
    near_lips = 1 - ramp(atlas.contours.lips, FEATURE)
    left = (atlas.mean[:, 0] > 0).astype(np.float32)
    for near in (near_eyes * left, near_eyes * (1 - left), near_lips):
        mean = good @ near / max(float(near.sum()), 1e-6)
        good = good * (1 - near) + mean[:, None] * near
    return good


def sharpness(projection: Projection, model: HeadModel, sheet: Sheet) -> FloatArray:
    """(N,) 0..1 the photo's pixels per texel along a side, at most 1, in the coarse texels."""
    corners = sheet.coarse.corners
    seen, own = np.nan_to_num(projection.pixels)[corners], model.shape.mean[corners]
    (x, y), (z, w) = ((seen[:, k] - seen[:, 0]).T for k in (1, 2))
    pixels = np.abs(x * w - y * z)
    metres = np.linalg.norm(np.cross(own[:, 1] - own[:, 0], own[:, 2] - own[:, 0]), axis=1)
    density = np.sqrt(pixels / np.maximum(metres, 1e-12))
    return np.asarray(np.minimum(density / (PER_METRE * sheet.size), 1), np.float32)
