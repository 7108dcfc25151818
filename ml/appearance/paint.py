"""Paint eyes, teeth, tongue, mouth and lashes: a photo shows too little of them to project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from ..data import ByteArray, Camera, FloatArray, IntArray, Photo
from ..geometry.colour import srgb_of
from ..head.model import HeadModel
from .atlas import KEPT_LAYOUTS, Atlas, atlas_of, parts_of_kind
from .eye_albedo import FaceTone, eye_paints
from .eye_colour import measure_eye
from .eyes import EYE_KINDS, SIDES, EyeLayers, EyePaint, eye_layers, eye_of


@dataclass(frozen=True)
class Paint:
    """How one kind of part is painted.

    Attributes
    ----------
    colour: sRGB 0..255 at its foremost point, in full light.
    depth_m: metres inwards over which it darkens to the share ``deepest``. Most of the dark of an
        open mouth is missing light, which a renderer finds by itself: what is painted is for
        viewers that cast no shadows there.
    """

    colour: tuple[int, int, int]
    depth_m: float
    deepest: float = 0.9


PAINTS = {
    "teeth": Paint((226, 217, 199), 0.055, deepest=0.75),
    "gums": Paint((206, 137, 130), 0.055),
    "tongue": Paint((200, 126, 121), 0.055, deepest=0.95),
    "mouth": Paint((206, 137, 130), 0.06),
    "tear": Paint((205, 138, 130), 0.06),
}
LASHES = (52.0, 40.0, 34.0)
# Texels by which an island's colours extend beyond its border.
BLEED = 4


def paint_inner_parts(
    texture: ByteArray,
    photo: Photo,
    camera: Camera,
    vertices: FloatArray,
    model: HeadModel,
    atlas: Atlas,
    face: FaceTone,
) -> ByteArray:
    """Paint all texels that are not skin into (S, S, 3) sRGB ``texture``, in place; return it.

    vertices: (V, 3) the head with the photo's expression; head space, metres.
    """
    eyes = eye_paints([measure_eye(photo, camera, vertices, model, side) for side in SIDES], face)
    for texels, colours in [
        *_painted_parts(model, atlas),
        *_painted_eyes(eyes, model, atlas, len(texture)),
        _painted_bust(face, model, atlas),
    ]:
        texture[atlas.rows[texels], atlas.columns[texels]] = np.clip(np.round(colours), 0, 255)
    for rows, columns in _lash_tiles(model, len(texture)):
        texture[rows, columns] = LASHES
    rim, source = _bled(model, atlas, len(texture))
    flat = texture.reshape(-1, 3)
    flat[rim] = flat[source]
    return texture


Painted = list[tuple[np.ndarray, FloatArray]]


@lru_cache(maxsize=KEPT_LAYOUTS)
def _painted_parts(model: HeadModel, atlas: Atlas) -> Painted:
    """Texels and (N, 3) colours of every part in PAINTS."""
    painted: Painted = []
    for kind, paint in PAINTS.items():
        texels = atlas.of_parts(parts_of_kind(model, kind))
        depth = atlas.mean[texels, 2].max(initial=-np.inf) - atlas.mean[texels, 2]
        share = np.clip(depth / paint.depth_m, 0, 1)
        shade = (1 - (1 - paint.deepest) * share)[:, None]
        painted.append((texels, (np.array(paint.colour, np.float32) * shade).astype(np.float32)))
    return painted


def _painted_bust(face: FaceTone, model: HeadModel, atlas: Atlas) -> tuple[np.ndarray, FloatArray]:
    """Texels and (N, 3) colours of the lower side of the bust: the face's skin."""
    texels = atlas.of_parts(parts_of_kind(model, "bust"))
    tone = srgb_of(face.skin).astype(np.float32)
    return texels, np.tile(tone, (len(atlas.mean[texels]), 1))


def _lash_tiles(model: HeadModel, size: int) -> list[tuple[slice, slice]]:
    """Rows and columns of the lashes' tiles: lashes are too thin to cover texels' centres."""
    tiles = []
    for part in parts_of_kind(model, "lashes"):
        uv = model.uv[model.uv_quads[model.part == part]].reshape(-1, 2) * size
        (left, low), (right, high) = np.floor(uv.min(0)), np.ceil(uv.max(0))
        tiles.append((slice(size - int(high), size - int(low)), slice(int(left), int(right))))
    return tiles


def _painted_eyes(eyes: Sequence[EyePaint], model: HeadModel, atlas: Atlas, size: int) -> Painted:
    """Texels and (N, 3) colours of both eyes in a texture of ``size``."""
    return [
        (_eye_texels(model, atlas, side), _layers_of(model, size, side).painted(paint))
        for side, paint in zip(SIDES, eyes, strict=True)
    ]


@lru_cache(maxsize=2 * KEPT_LAYOUTS)
def _eye_texels(model: HeadModel, atlas: Atlas, side: str) -> IntArray:
    """(N,) indices of the texels of one eye."""
    return atlas.of_parts(parts_of_kind(model, *EYE_KINDS, side=side))


@lru_cache(maxsize=8)
def _layers_of(model: HeadModel, size: int, side: str) -> EyeLayers:
    """The layers of an eye's texels in an atlas. They depend on the model only."""
    atlas = atlas_of(model, size)
    return eye_layers(eye_of(model, side), atlas.mean[_eye_texels(model, atlas, side)])


@lru_cache(maxsize=KEPT_LAYOUTS)
def _bled(model: HeadModel, atlas: Atlas, size: int) -> tuple[np.ndarray, np.ndarray]:
    """(N,) flat indices of the texels beside islands, and of the nearest texel of an island each.

    Islands' borders extend by BLEED texels, so that filtering never mixes in the background.
    """
    outside = np.ones((size, size), np.uint8)
    outside[atlas.rows, atlas.columns] = 0
    for rows, columns in _lash_tiles(model, size):
        outside[rows, columns] = 0
    distance, label = cv2.distanceTransformWithLabels(
        outside, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    inner = np.flatnonzero(outside == 0)
    # Labels number the painted texels in row order.
    nearest = np.empty(int(label.max()) + 1, np.int64)
    nearest[label.ravel()[inner]] = inner
    rim = np.flatnonzero((distance > 0) & (distance <= BLEED))
    return rim, nearest[label.ravel()[rim]]
