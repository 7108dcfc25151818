"""A head's albedo texture from a photo: visible skin without its light, hidden skin completed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import ByteArray, Camera, FloatArray, Photo
from ..head.model import HeadModel
from .atlas import COARSE, atlas_of
from .confidence import FACE, within
from .fine_detail import compose_albedo, fine_detail
from .paint import FaceTone, paint_inner_parts
from .projection import project, visibility_of
from .skin import load_skin_model
from .skin_estimate import estimate_skin, skin_mesh


@dataclass(frozen=True)
class Texture:
    """A head's colours and the light in which it was photographed.

    Attributes
    ----------
    albedo: (S, S, 3) uint8 sRGB in the model's UV layout, first row at v = 1.
    light: (V, 3) linear light on each vertex; albedo times light gives the photo's colours.
    harmonics: (9, 3) the smooth part of the light, in camera space; see ml.appearance.light.
    """

    albedo: ByteArray
    light: FloatArray
    harmonics: FloatArray


def make_texture(
    photo: Photo,
    camera: Camera,
    vertices: FloatArray,
    model: HeadModel,
    size: int,
    renderer: str = "builtin",
) -> Texture:
    """The texture of the head in a photo.

    Parameters
    ----------
    vertices: (V, 3) the head with the photo's expression; head space, metres.
    camera: maps head space to the photo's pixels. size: side of the texture in texels.
    renderer: one of ml.rendering.BACKENDS; it finds the visible skin.

    Raises
    ------
    EngineUnavailable: the renderer is not installed.
    """
    own = skin_mesh(model).vertices
    projection, coarse = project(camera, vertices, model), atlas_of(model, min(size, COARSE))
    is_skin = coarse.part == model.part_names.index("skin")
    visibility = visibility_of(photo, camera, vertices, model, coarse, projection, renderer)
    separated, confidence = estimate_skin(
        photo, visibility * is_skin, model, coarse, projection, load_skin_model()
    )
    albedo, light = np.zeros_like(vertices), np.zeros_like(vertices)
    albedo[own], light[own] = separated.albedo, separated.light
    atlas = atlas_of(model, size)
    detail = fine_detail(photo, projection, albedo + light, confidence, coarse, atlas, size)
    colours = compose_albedo(albedo, own, detail, atlas)
    del detail
    on_face = within(model.shape.mean[own], FACE)
    face = FaceTone(
        *(np.exp(np.median(logs[on_face], 0)) for logs in (separated.albedo, separated.light))
    )
    painted = paint_inner_parts(colours, photo, camera, vertices, model, atlas, face)
    return Texture(painted, np.exp(light), separated.harmonics)


def make_albedo(
    photo: Photo,
    camera: Camera,
    vertices: FloatArray,
    model: HeadModel,
    size: int,
    renderer: str = "builtin",
) -> ByteArray:
    """(size, size, 3) uint8 sRGB: only the albedo of :func:`make_texture`."""
    return make_texture(photo, camera, vertices, model, size, renderer).albedo
