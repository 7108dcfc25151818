"""A head's albedo texture from a photo: visible skin without its light, hidden skin completed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import ByteArray, Camera, FloatArray, Photo
from ..head.model import HeadModel
from .atlas import COARSE, atlas_of
from .confidence import FACE, within
from .fine_detail import compose_albedo, fine_detail
from .levels import with_usual_levels
from .monochrome import coloured, grey_statistics, in_grey, is_monochrome
from .paint import FaceTone, paint_inner_parts
from .projection import project, sample, visibility_of
from .skin import SkinModel, load_skin_model
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
    photo, own = with_usual_levels(photo), skin_mesh(model).vertices
    projection, coarse = project(camera, vertices, model), atlas_of(model, min(size, COARSE))
    visibility = visibility_of(photo, camera, vertices, model, coarse, projection, renderer)
    visibility *= coarse.part == model.part_names.index("skin")
    grey = is_monochrome(sample(photo.rgb, projection.pixels, coarse), visibility, coarse)
    photo, skin = _in_grey(photo) if grey else (photo, load_skin_model())
    separated, confidence = estimate_skin(photo, visibility, model, coarse, projection, skin)
    albedo = coloured(separated, load_skin_model()) if grey else separated.albedo
    log_albedo, log_light, log_colour = np.zeros((3, *vertices.shape), np.float32)
    log_albedo[own], log_light[own] = albedo, separated.light
    log_colour[own] = separated.albedo + separated.light
    atlas = atlas_of(model, size)
    detail = fine_detail(photo, projection, log_colour, confidence, coarse, atlas, size)
    colours = compose_albedo(log_albedo, own, detail, atlas)
    del detail
    tone, light = _face_medians(model, albedo, separated.light)
    face = FaceTone(tone, light, hued=not grey)
    painted = paint_inner_parts(colours, photo, camera, vertices, model, atlas, face)
    return Texture(painted, np.exp(log_light), separated.harmonics)


def _face_medians(model: HeadModel, *logs: FloatArray) -> list[FloatArray]:
    """(3,) linear, over the face's skin: the medians of (N, 3) logarithms on all of the skin."""
    on_face = within(model.shape.mean[skin_mesh(model).vertices], FACE)
    return [np.exp(np.median(log[on_face], 0)) for log in logs]


def _in_grey(photo: Photo) -> tuple[Photo, SkinModel]:
    """A monochrome photo in grey, and the statistics of what it shows of skin."""
    # In light of one colour the luminance may be faint where a channel was not.
    return with_usual_levels(in_grey(photo)), grey_statistics(load_skin_model())


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
