"""Paint eyes, teeth, tongue, mouth and lashes: a photo shows too little of them to project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..data import ByteArray, Camera, FloatArray, Photo
from ..geometry.colour import linear_of, srgb_of
from ..head.model import HeadModel
from .atlas import Atlas, parts_of_kind
from .colour import recorded
from .eye_colour import COMMON_IRIS, EyeColours, measure_eye
from .eyes import EYE_KINDS, SCLERA, SIDES, eye_of, paint_eye


@dataclass(frozen=True)
class Paint:
    """How one kind of part is painted.

    Attributes
    ----------
    colour: sRGB 0..255 at its foremost point, in full light.
    depth_m: metres inwards over which it darkens to a third.
    """

    colour: tuple[int, int, int]
    depth_m: float


PAINTS = {
    "teeth": Paint((226, 217, 199), 0.055),
    "gums": Paint((176, 96, 94), 0.055),
    "tongue": Paint((184, 104, 102), 0.055),
    "mouth": Paint((140, 66, 62), 0.06),
}
# sRGB of a common iris of people with dark skin, and mean linear albedos of dark and pale skin.
DARK_BROWN = np.array([60.0, 39.0, 28.0], np.float32)
DEEP_SKIN, PALE_SKIN = 0.08, 0.18
LASHES = (52.0, 40.0, 34.0)
# The share of the face's light that reaches the eyes if their whites cannot be measured, and the
# largest linear albedo of an iris.
IN_SHADE, LIGHTEST_IRIS = 0.7, 0.4
# Linear light that a wet cornea reflects of the surroundings; and the mean linear albedo of an iris
# below which its measured hue is not used, and above which it is, for dark and for pale skin: dark
# irises that look grey or blue reflect the sky.
MIRRORED, DARK_IRIS = 0.004, ((0.06, 0.12), (0.012, 0.03))
# Texels by which an island's colours extend beyond its border.
BLEED = 4


@dataclass(frozen=True)
class FaceTone:
    """(3,) each, linear: the median albedo of the face's skin, and the median light on it.

    hued: whether the photo tells hues; a grey one does not.
    """

    skin: FloatArray
    light: FloatArray
    hued: bool = True


def paint_inner_parts(
    texture: FloatArray,
    photo: Photo,
    camera: Camera,
    vertices: FloatArray,
    model: HeadModel,
    atlas: Atlas,
    face: FaceTone,
) -> ByteArray:
    """Paint all texels that are not skin into (S, S, 3) sRGB ``texture``; return it as uint8.

    vertices: (V, 3) the head with the photo's expression; head space, metres.
    """
    eyes = {side: measure_eye(photo, camera, vertices, model, side) for side in SIDES}
    iris = iris_albedo(list(eyes.values()), face)
    inner = np.zeros(texture.shape[:2], bool)
    for texels, colours in [
        *_painted_parts(model, atlas),
        *_painted_eyes(iris, model, atlas),
    ]:
        texture[atlas.rows[texels], atlas.columns[texels]] = colours
        inner[atlas.rows[texels], atlas.columns[texels]] = True
    for rows, columns in _lash_tiles(model, len(texture)):
        texture[rows, columns] = LASHES
        inner[rows, columns] = True
    inner[atlas.rows, atlas.columns] = True
    free = ~inner
    _bleed(texture, inner, free)
    np.clip(np.round(texture, out=texture), 0, 255, out=texture)
    return texture.astype(np.uint8)


def iris_albedo(eyes: Sequence[EyeColours], face: FaceTone) -> FloatArray:
    """(3,) sRGB 0..255 of the irises without light; a common brown if none was measured.

    The light on the eyes is measured on their whites, relative to the light on the face.
    """
    seen = [eye.iris for eye in eyes if eye.iris is not None]
    if not seen:
        return common_iris(face)
    light = face.light
    reaches = light * IN_SHADE
    whites = [recorded(eye.white) for eye in eyes if eye.white is not None]
    if whites:
        found = np.max(whites, axis=0) / linear_of(SCLERA)
        # Half of its tint: the white of a small eye is mixed with the skin around it.
        reaches = np.clip((found + found.mean()) / 2, 0.3 * light, 1.2 * light)
    # Both irises of a person are alike, and one may lie in shade.
    freed = recorded(np.mean(seen, axis=0)) / np.maximum(reaches, 0.02)
    return srgb_of(_likely_iris(np.minimum(freed, LIGHTEST_IRIS), face))


def common_iris(face: FaceTone) -> FloatArray:
    """(3,) sRGB of a common iris: darker for darker skin."""
    return np.asarray(_by_skin(face, DARK_BROWN, COMMON_IRIS), dtype=np.float32)


def _likely_iris(freed: FloatArray, face: FaceTone) -> FloatArray:
    """(3,) linear: ``freed`` without the cornea's reflection, and brown if dark; see DARK_IRIS."""
    own = np.maximum(freed - MIRRORED, 0.004)
    bright = float(own.mean())
    brown = linear_of(common_iris(face))
    brown = brown * bright / brown.mean()
    no_hue, hue = _by_skin(face, *np.array(DARK_IRIS))
    share = np.clip((bright - no_hue) / (hue - no_hue), 0, 1) if face.hued else 0.0
    return np.asarray(share * own + (1 - share) * brown, dtype=np.float32)


def _by_skin(face: FaceTone, deep: FloatArray, pale: FloatArray) -> FloatArray:
    """Interpolate between values for dark and for pale skin by the face's own albedo."""
    share = np.clip((float(face.skin.mean()) - DEEP_SKIN) / (PALE_SKIN - DEEP_SKIN), 0, 1)
    return deep + share * (pale - deep)


Painted = list[tuple[np.ndarray, FloatArray]]


def _painted_parts(model: HeadModel, atlas: Atlas) -> Painted:
    """Texels and (N, 3) colours of every part in PAINTS."""
    painted: Painted = []
    for kind, paint in PAINTS.items():
        texels = atlas.of_parts(parts_of_kind(model, kind))
        depth = atlas.mean[texels, 2].max(initial=-np.inf) - atlas.mean[texels, 2]
        share = np.clip(depth / paint.depth_m, 0, 1)
        shade = (1 - 0.67 * share)[:, None]
        painted.append((texels, (np.array(paint.colour, np.float32) * shade).astype(np.float32)))
    return painted


def _lash_tiles(model: HeadModel, size: int) -> list[tuple[slice, slice]]:
    """Rows and columns of the lashes' tiles: lashes are too thin to cover texels' centres."""
    tiles = []
    for part in parts_of_kind(model, "lashes"):
        uv = model.uv[model.uv_quads[model.part == part]].reshape(-1, 2) * size
        (left, low), (right, high) = np.floor(uv.min(0)), np.ceil(uv.max(0))
        tiles.append((slice(size - int(high), size - int(low)), slice(int(left), int(right))))
    return tiles


def _painted_eyes(iris: FloatArray, model: HeadModel, atlas: Atlas) -> Painted:
    """Texels and (N, 3) colours of both eyes."""
    painted: Painted = []
    for side in SIDES:
        texels = atlas.of_parts(parts_of_kind(model, *EYE_KINDS, side=side))
        painted.append((texels, paint_eye(eye_of(model, side), atlas.mean[texels], iris)))
    return painted


def _bleed(painted: FloatArray, inner: np.ndarray, free: np.ndarray) -> None:
    """Extend islands' borders by BLEED texels, so that filtering never mixes in the background.

    painted: (S, S, 3), changed in place. inner, free: (S, S) bool, the islands and where colours
    may be written.
    """
    outside = (~inner).astype(np.uint8)
    distance, label = cv2.distanceTransformWithLabels(
        outside, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = np.nonzero(inner)
    # Labels number the painted texels in row order.
    nearest = np.empty(int(label.max()) + 1, np.int64)
    nearest[label[rows, columns]] = np.arange(len(rows))
    rim = free & (distance > 0) & (distance <= BLEED)
    source = nearest[label[rim]]
    painted[rim] = painted[rows[source], columns[source]]
