"""A head's texture from a photo: its own colours without light, completed where it is hidden."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import ByteArray, Camera, FloatArray, Photo
from ..head.model import HeadModel
from .atlas import COARSE, atlas_of
from .confidence import FACE, within
from .fine_detail import developed, fine_detail
from .paint import FaceTone, paint_inner_parts
from .projection import project, trust_in
from .skin import load_skin_model
from .skin_estimate import skin_mesh, understand


@dataclass(frozen=True)
class Texture:
    """A head's colours and the light that it was photographed in.

    Attributes
    ----------
    albedo: (S, S, 3) uint8 sRGB in the model's UV layout, first row at v = 1.
    light: (V, 3) linear light on each vertex: albedo times light is what the photo shows.
    harmonics: (9, 3) its smooth part, in camera space; see ml.appearance.light.
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
    """The texture of the head that a photo shows.

    Parameters
    ----------
    vertices: (V, 3) the head as the photo shows it, expression included; head space, metres.
    camera: maps head space to the photo's pixels. size: side of the texture in texels.
    renderer: one of ml.rendering.BACKENDS; it finds which skin the photo shows.

    Raises
    ------
    EngineUnavailable: the renderer is not installed.
    """
    skin, own = load_skin_model(), skin_mesh(model).vertices
    seen = project(camera, vertices, model)
    coarse = atlas_of(model, min(size, COARSE))
    is_skin = coarse.part == model.part_names.index("skin")
    geometry = trust_in(photo, camera, vertices, model, coarse, seen, renderer) * is_skin
    parted, trust = understand(photo, geometry, model, coarse, seen, skin)
    albedo, light = np.zeros_like(vertices), np.zeros_like(vertices)
    albedo[own], light[own] = parted.albedo, parted.light
    atlas = atlas_of(model, size)
    detail = fine_detail(photo, seen, albedo + light, trust, coarse, atlas, size)
    own_colours = developed(albedo, own, detail, atlas)
    del detail
    on_face = within(model.shape.mean[own], FACE)
    face = FaceTone(
        *(np.exp(np.median(logs[on_face], 0)) for logs in (parted.albedo, parted.light))
    )
    painted = paint_inner_parts(own_colours, photo, camera, vertices, model, atlas, face)
    return Texture(painted, np.exp(light), parted.harmonics)


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
