"""Skin is neither orange nor grey: a face's colour is kept near what people's skins have."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ..data import FloatArray
from ..geometry.colour import linear_of, srgb_of
from .light import AlbedoAndLight

# Ranges of lightness, hue angle (degrees) and chroma of skin in CIE Lab under D65 within which a
# face's median stays as it is, after measurements of populations of all skin groups; and the share
# of what lies beyond them that is taken back.
LIGHTNESS, HUE, CHROMA, TAKEN = (18.0, 80.0), (43.0, 66.0), (12.0, 26.0), 0.85


def within_gamut(separated: AlbedoAndLight, face: np.ndarray) -> AlbedoAndLight:
    """The same colours, whose albedo has a skin's hue and chroma: the rest is the light's.

    face: (V,) bool, vertices of the face's skin.
    """
    middle = np.median(separated.albedo[face], axis=0)
    moved = (toward_gamut(np.exp(middle)) - middle).astype(np.float32)
    if not moved.any():
        return separated
    harmonics = separated.harmonics * np.exp(-moved)
    return replace(
        separated,
        albedo=separated.albedo + moved,
        light=separated.light - moved,
        harmonics=harmonics.astype(np.float32),
    )


def toward_gamut(colour: FloatArray) -> FloatArray:
    """(3,) natural logarithm of a linear colour that was moved towards people's skins."""
    rgb = (srgb_of(np.asarray(colour, np.float32)) / 255).astype(np.float32)[None, None]
    lightness, a, b = cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab)[0, 0].astype(float)
    hue, chroma = np.degrees(np.arctan2(b, a)), np.hypot(a, b)
    pairs = ((lightness, LIGHTNESS), (hue, HUE), (chroma, CHROMA))
    kept = [value + TAKEN * (np.clip(value, *ends) - value) for value, ends in pairs]
    if np.allclose(kept, (lightness, hue, chroma)):
        return np.log(np.asarray(colour, np.float32))
    lightness, hue, chroma = kept
    hue = np.radians(hue)
    lab = np.array([[[lightness, chroma * np.cos(hue), chroma * np.sin(hue)]]], np.float32)
    found = linear_of(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB)[0, 0] * 255)
    return np.log(np.maximum(found, 1e-3))
