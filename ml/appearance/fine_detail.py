"""The photo's fine detail relative to the statistical skin, and both together as sRGB."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..data import ByteArray, FloatArray, IntArray, Photo
from ..geometry.colour import srgb_of
from .atlas import COARSE, Atlas, of_layout
from .colour import DARKEST_LOG, log_of, recorded
from .confidence import off_edges, ramp
from .projection import Projection

# Hidden skin gets this share of the fine detail on the other side of the face; brows all of it.
MIRROR_SHARE, BROW_SHARE, BROW = 0.75, 1.0, (-0.002, -0.008)
# Detail is kept fully where the confidence is at least 1 / DETAIL_GAIN.
DETAIL_GAIN = 2.5
# Detail brighter than SHINE (natural logarithm) is mostly shine; this share of the excess is kept.
SHINE, SHINE_KEPT = 0.2, 0.4
# Beards are as dark as short ones: hair is not painted on skin. Natural logarithm below which
# they are lightened, and the share of the rest that is kept.
SHORT_BEARD, BEARD_KEPT = -0.3, 0.6
# Brows, beards and nostrils reflect the sky, and in the dark a photo's noise has strong hues: mean
# logs of an albedo up to which it is grey at most where it would be green or blue, and from which
# it is left as it is.
HAIR_LOGS = (-2.6, -1.9)
# Detail fades into hidden skin: it is multiplied by this on each coarser level of the pyramid.
FADE = 0.75
# Detail is clipped to this (natural logarithm) above or below the statistical skin.
DETAIL_LIMIT = 2.2
# sRGB of linear light by its natural logarithm, from DARKEST_LOG to 0.
_BY_LOG = np.round(srgb_of(np.exp(np.linspace(DARKEST_LOG, 0, 32768, dtype=np.float32))))
_BY_LOG = _BY_LOG.astype(np.uint8)
# Logarithm of linear light by a photo's values 0..255, at so many steps between two.
FINER = 64
_LOGS = log_of(recorded(np.arange(255 * FINER + 1, dtype=np.float32) / FINER)).astype(np.float32)


@dataclass(frozen=True)
class Held:
    """What a texture holds of a photo, at the N texels of the coarse atlas.

    Attributes
    ----------
    confidence: (N,) 0..1. shade: (N, 3) logarithm of light that is left out.
    beard: (N,) 0..1, where a beard is seen.
    """

    confidence: FloatArray
    shade: FloatArray
    beard: FloatArray

    def enlarged(
        self, coarse: Atlas, atlas: Atlas, size: int
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The same at the N' texels of a finer atlas, 0 without confidence."""
        if atlas is coarse:
            return self.confidence, self.shade, self.beard
        from .kernels import enlarge, in_parts

        image = coarse.image(self.confidence, COARSE)
        confidence = atlas.of_image(cv2.resize(image, (size, size)))
        others = coarse.image(np.column_stack([self.shade, self.beard]), COARSE)
        found = np.empty((len(confidence), 4), np.float32)

        def fill(part: slice) -> None:
            place = (atlas.rows[part], atlas.columns[part], COARSE / size)
            enlarge(others, *place, confidence[part], found[part])

        in_parts(fill, len(found))
        return confidence, found[:, :3], found[:, 3]


def seen_detail(
    photo: Photo,
    projection: Projection,
    expected: FloatArray,
    held: Held,
    coarse: Atlas,
    atlas: Atlas,
    size: int,
) -> tuple[FloatArray, FloatArray]:
    """The (N, 3) logarithm of the photo's colours over the expected ones, and its (N,) weight 0..1.

    Parameters
    ----------
    expected: (V, 3) log colours of the statistical skin in its light.
    held: at the texels of ``coarse``.
    size: side S of the texture, which ``atlas`` and its N texels belong to.
    """
    from .kernels import in_parts, residual, take_light

    found = np.empty((len(atlas.rows), 3), np.float32)
    values = np.column_stack([np.nan_to_num(projection.pixels), expected]).astype(np.float32)
    confidence, shade, beard = held.enlarged(coarse, atlas, size)
    # Skin seen at a slant is blurred, but better than statistics alone.
    weight = np.minimum(DETAIL_GAIN * confidence, 1) * off_edges(atlas)

    def measure(part: slice) -> None:
        place = (atlas.corners[part], atlas.weights[part], weight[part])
        residual(*place, values, photo.rgb, _LOGS, found[part])
        take_light(found[part], shade[part], np.float32(DETAIL_LIMIT))
        reduce_shine(found[part])
        shorten_beard(found[part], beard[part])

    in_parts(measure, len(found))
    return found, weight


def completed(found: FloatArray, weight: FloatArray, atlas: Atlas, size: int) -> FloatArray:
    """(S, S, 3) the (N, 3) detail of (N,) weight 0..1, completed by its mirror image."""
    from .kernels import blend_mirrored

    canvas = np.zeros((size, size, 4), np.float32)
    share = _mirror_share(atlas)
    blend_mirrored(found, weight, atlas.mirror, share, atlas.rows, atlas.columns, canvas)
    return _fill(canvas)


@of_layout
def _mirror_share(atlas: Atlas) -> FloatArray:
    """(N,) share of the fine detail that hidden skin gets from the other side of the face."""
    brows = ramp(-atlas.contours.brows, (BROW[1], BROW[0]))
    return MIRROR_SHARE + (BROW_SHARE - MIRROR_SHARE) * brows


def reduce_shine(detail: FloatArray) -> None:
    """Reduce in place what is brighter than skin can be in (N, 3) logs of detail; see SHINE."""
    from .kernels import reduce_bright

    reduce_bright(detail, np.float32(SHINE), np.float32(SHINE_KEPT))


def shorten_beard(detail: FloatArray, beard: FloatArray) -> None:
    """Lighten in place what is darker than a short beard in (N, 3) logs; beard: (N,) 0..1."""
    from .kernels import reduce_dark

    reduce_dark(detail, beard, np.float32(SHORT_BEARD), np.float32(BEARD_KEPT))


def compose_albedo(
    albedo: FloatArray, skin: IntArray, detail: FloatArray, atlas: Atlas
) -> ByteArray:
    """(S, S, 3) uint8 sRGB of the vertices' (V, 3) log albedo plus (S, S, 3) detail.

    skin: indices of the skin's vertices; the background gets their median colour.
    """
    from .kernels import encode_albedo, in_parts

    middle = np.round(srgb_of(np.exp(np.median(albedo[skin], axis=0)))).astype(np.uint8)
    height, width = detail.shape[:2]
    # Row by row: NumPy takes ten times as long pixel by pixel.
    colours = np.tile(middle, (height, width)).reshape(height, width, 3)
    logs = albedo.astype(np.float32)

    def encode(part: slice) -> None:
        place = (atlas.rows[part], atlas.columns[part])
        known = (atlas.corners[part], atlas.weights[part], logs, detail, place)
        encode_albedo(*known, HAIR_LOGS, _BY_LOG, colours)

    in_parts(encode, len(atlas.rows))
    return colours


def _fill(canvas: FloatArray) -> FloatArray:
    """Fill gaps with the average of the known values around them, fading to 0 with distance.

    canvas: (S, S, 4) values times their weight, and the weight, which is at most 1.

    A push-pull pyramid: values are averaged by weight on coarser and coarser levels, then each
    level fills the gaps of the finer one.
    """
    from .kernels import fill_gaps

    pyramid = [canvas]
    while min(pyramid[-1].shape[:2]) > 2:
        half = [max(1, side // 2) for side in pyramid[-1].shape[1::-1]]
        pyramid.append(cv2.resize(pyramid[-1], half, interpolation=cv2.INTER_AREA))
    known = np.zeros_like(pyramid[-1][..., :3])
    while pyramid:
        level = pyramid.pop()
        known = cv2.resize(known, level.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        fill_gaps(level, known, np.float32(FADE), known)
    return known
