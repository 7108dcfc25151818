"""Eyes, teeth, tongue, mouth and lashes are painted: a photo shows too little of them."""

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
from .eye_colour import COMMON_IRIS, SeenEye, see_eye
from .eyes import EYE_KINDS, SCLERA, SIDES, eye_of, paint_eye


@dataclass(frozen=True)
class Paint:
    """One kind of part.

    Attributes
    ----------
    colour: sRGB at its foremost point, in full light.
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
# sRGB of a common iris in dark skin, and mean linear albedos of dark and of pale skin.
DARK_BROWN = np.array([60.0, 39.0, 28.0], np.float32)
DEEP_SKIN, PALE_SKIN = 0.08, 0.18
LASHES = (52.0, 40.0, 34.0)
# The share of the face's light that reaches the eyes, where their whites do not tell, and how much
# light an iris gives back at most.
IN_SHADE, LIGHTEST_IRIS = 0.7, 0.4
# Share of the light that a wet cornea throws back, and how bright (mean linear) irises are of which
# what is left tells no hue, in dark and in pale skin: no dark iris is grey or blue.
MIRRORED, DARK_IRIS = 0.004, ((0.06, 0.12), (0.012, 0.03))
# Texels that an island's colours go on beyond its rim.
BLEED = 4


@dataclass(frozen=True)
class FaceTone:
    """(3,) linear: the face's median skin, and the median of the light on it."""

    skin: FloatArray
    light: FloatArray


def paint_inner_parts(
    texture: FloatArray,
    photo: Photo,
    camera: Camera,
    vertices: FloatArray,
    model: HeadModel,
    atlas: Atlas,
    face: FaceTone,
) -> ByteArray:
    """Paint all texels that are not skin over (S, S, 3) ``texture``, and return it as uint8."""
    eyes = {side: see_eye(photo, camera, vertices, model, side) for side in SIDES}
    iris = own_iris(list(eyes.values()), face)
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


def own_iris(eyes: Sequence[SeenEye], face: FaceTone) -> FloatArray:
    """(3,) sRGB of the irises themselves, a common brown where the photo does not tell.

    They are freed of the face's light, as skin is; how much of it reaches the eyes is read from
    their whites.
    """
    seen = [eye.iris for eye in eyes if eye.iris is not None]
    if not seen:
        return common_iris(face)
    light = face.light
    reaches = light * IN_SHADE
    whites = [recorded(eye.white) for eye in eyes if eye.white is not None]
    if whites:
        found = np.max(whites, axis=0) / linear_of(SCLERA)
        # Half of its tint: a small eye's white is mixed with the skin around.
        reaches = np.clip((found + found.mean()) / 2, 0.3 * light, 1.2 * light)
    # Both irises of a person are alike; one may lie in shade.
    freed = recorded(np.mean(seen, axis=0)) / np.maximum(reaches, 0.02)
    return srgb_of(_likely_iris(np.minimum(freed, LIGHTEST_IRIS), face))


def common_iris(face: FaceTone) -> FloatArray:
    """(3,) sRGB of a common iris: the darker the skin, the darker."""
    return np.asarray(_by_skin(face, DARK_BROWN, COMMON_IRIS), dtype=np.float32)


def _likely_iris(freed: FloatArray, face: FaceTone) -> FloatArray:
    """(3,) linear: what is seen without the sky that the cornea mirrors; dark irises are brown."""
    own = np.maximum(freed - MIRRORED, 0.004)
    bright = float(own.mean())
    brown = linear_of(common_iris(face))
    brown = brown * bright / brown.mean()
    no_hue, hue = _by_skin(face, *np.array(DARK_IRIS))
    told = np.clip((bright - no_hue) / (hue - no_hue), 0, 1)
    return np.asarray(told * own + (1 - told) * brown, dtype=np.float32)


def _by_skin(face: FaceTone, deep: FloatArray, pale: FloatArray) -> FloatArray:
    """What lies between two things as the skin does between dark and pale."""
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
    """Rows and columns of the tiles of lashes, which are too thin to cover texels of their own."""
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
    """Let islands' rims run outwards, so that filtering never mixes in the background."""
    outside = (~inner).astype(np.uint8)
    distance, label = cv2.distanceTransformWithLabels(
        outside, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = np.nonzero(inner)
    # Labels count the painted texels in the order of the rows.
    nearest = np.empty(int(label.max()) + 1, np.int64)
    nearest[label[rows, columns]] = np.arange(len(rows))
    rim = free & (distance > 0) & (distance <= BLEED)
    source = nearest[label[rim]]
    painted[rim] = painted[rows[source], columns[source]]
