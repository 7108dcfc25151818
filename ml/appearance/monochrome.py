"""Photos without colours of their own: grey, toned (sepia) and almost grey ones.

They tell how light a skin is, and nothing of its hue. Their lightness is separated from the light
with the statistics of skin in grey, and the hue is what skins of that lightness have.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ..data import FloatArray, Photo
from ..geometry.colour import LUMINANCE, linear_of, srgb_of
from .atlas import Atlas
from .confidence import FACE, lab, within
from .light import AlbedoAndLight
from .skin import LightModes, SkinModel

# Least spread (root mean square, CIE Lab) of a face's chroma about a curve of its lightness: lips,
# cheeks and eyelids of one lightness differ in hue. Portraits in colour have 2.9 and more, grey,
# toned and almost grey ones 1.1 and less.
LEAST_SPREAD = 2.0
# The face's median luminance is brought to this first: spreads shrink in the dark.
TYPICAL = 0.25
# Standard deviation in texels of the blur that takes out the grain of film.
GRAIN = 3.0
# Rows of a photo that are converted at a time.
STRIP = 256
CUBIC = 3


def is_monochrome(colours: FloatArray, visibility: FloatArray, atlas: Atlas, size: int) -> bool:
    """Whether a face's chroma is a function of its lightness, as in grey and toned photos.

    colours: (N, 3) sRGB 0..255 at the texels of ``atlas``. visibility: (N,) 0..1 how well the photo
    shows each, 0 off the skin.
    """
    weight = visibility * within(atlas.mean, FACE)
    linear = linear_of(colours)
    sums = np.column_stack([linear * weight[:, None], weight])
    around = atlas.of_image(cv2.GaussianBlur(atlas.image(sums, size), (0, 0), GRAIN))
    clear = weight > 0.6 * max(float(weight.max(initial=0)), 1e-6)
    if clear.sum() < 100:
        return False
    smooth = around[clear, :3] / np.maximum(around[clear, 3:], 1e-6)
    gain = TYPICAL / max(float(np.median(smooth @ LUMINANCE)), 1e-4)
    lightness, *chroma = lab(srgb_of(smooth * gain)).T
    curve = np.vander(lightness / 50 - 1, CUBIC + 1)
    target = np.stack(chroma, 1)
    left = target - curve @ np.linalg.lstsq(curve, target, rcond=None)[0]
    return bool(np.sqrt(np.square(left).sum(1).mean()) < LEAST_SPREAD)


def in_grey(photo: Photo) -> Photo:
    """The photo's luminance in all three channels."""
    grey = np.empty(photo.rgb.shape[:2], np.uint8)
    for top in range(0, len(grey), STRIP):
        strip = photo.rgb[top : top + STRIP].astype(np.float32)
        grey[top : top + STRIP] = np.round(srgb_of(linear_of(strip) @ LUMINANCE))
    return replace(photo, rgb=np.repeat(grey[..., None], 3, 2))


def grey_statistics(skin: SkinModel) -> SkinModel:
    """The statistics of what grey photos show of skin: log luminance in all three channels."""
    share = np.exp(skin.mean) * LUMINANCE
    luminance = share.sum(1)
    share /= luminance[:, None]

    def grey(modes: FloatArray) -> FloatArray:
        return np.repeat((modes * share).sum(-1, keepdims=True), 3, -1)

    mean = np.repeat(np.log(luminance)[:, None], 3, 1).astype(np.float32)
    # Three channels that say the same are one measurement.
    light = LightModes(grey(skin.light.modes), 3 * skin.light.noise)
    return SkinModel(mean, grey(skin.modes), 3 * skin.noise, light)


def coloured(separated: AlbedoAndLight, skin: SkinModel) -> FloatArray:
    """(V, 3) log albedo of the luminance that was found, in the hues that such skins have."""
    usual = skin.mean + np.tensordot(separated.coefficients, skin.modes, 1)
    own = np.log(np.exp(usual) @ LUMINANCE)
    return np.asarray(usual + (separated.albedo.mean(1) - own)[:, None], np.float32)
