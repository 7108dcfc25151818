"""A head's albedo texture from a photo: visible skin without its light, hidden skin completed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import ByteArray, Camera, FloatArray, Photo
from ..head.model import HeadModel
from ..parsing.classes import Parse
from .atlas import COARSE, Atlas, atlas_of
from .confidence import FACE, within
from .cover import cover_of
from .eye_albedo import FaceTone
from .fine_detail import Held, completed, compose_albedo, seen_detail
from .gamut import within_gamut
from .levels import with_usual_levels
from .light import AlbedoAndLight
from .monochrome import coloured, grey_statistics, in_grey, is_monochrome
from .paint import paint_inner_parts
from .projection import Projection, project, sample, visibility_of
from .scalp import shaded
from .skin import SkinModel, load_skin_model
from .skin_estimate import FoundSkin, Texels, estimate_skin, skin_mesh


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


@dataclass(frozen=True)
class View:
    """A head as a photo shows it.

    Attributes
    ----------
    camera: maps head space to the photo's pixels. vertices: (V, 3) the head with the photo's
    expression; head space, metres. parse: of the face, if there is one.
    """

    photo: Photo
    camera: Camera
    vertices: FloatArray
    parse: Parse | None = None


@dataclass(frozen=True)
class SeenSkin:
    """The skin that one photo shows, before its fine detail.

    Attributes
    ----------
    view: with the photo that the rest is taken from: in usual levels, and in grey if it has no
    colours. separated: albedo and light of the V' skin vertices. albedo: (V', 3) its logarithm in
    colour. held: at the texels of the coarse atlas. grey: whether the photo has no colours.
    """

    view: View
    projection: Projection
    found: FoundSkin
    separated: AlbedoAndLight
    albedo: FloatArray
    held: Held
    grey: bool


def make_texture(
    photo: Photo,
    camera: Camera,
    vertices: FloatArray,
    model: HeadModel,
    size: int,
    renderer: str = "builtin",
    parse: Parse | None = None,
) -> Texture:
    """The texture of the head in a photo.

    Parameters
    ----------
    vertices: (V, 3) the head with the photo's expression; head space, metres.
    camera: maps head space to the photo's pixels. size: side of the texture in texels.
    renderer: one of ml.rendering.BACKENDS; it finds the visible skin.
    parse: of the face, if there is one: what glasses and hands hide is completed, not painted.

    Raises
    ------
    EngineUnavailable: the renderer is not installed.
    """
    seen = see_skin(View(photo, camera, vertices, parse), model, size, renderer)
    own, view = skin_mesh(model).vertices, seen.view
    coarse, atlas = atlas_of(model, min(size, COARSE)), atlas_of(model, size)
    tinted = shaded(seen.albedo, seen.found.stubble, seen.found.hair)
    logs = _on_whole_head(own, len(vertices), tinted, seen.separated)
    found = seen_detail(view.photo, seen.projection, logs[2], seen.held, coarse, atlas, size)
    detail = completed(*found, atlas, size)
    colours = compose_albedo(logs[0], own, detail, atlas)
    tone = face_tone(model, seen.albedo, seen.separated.light, seen.grey)
    painted = paint_inner_parts(colours, view.photo, camera, vertices, model, atlas, tone)
    return Texture(painted, np.exp(logs[1]), seen.separated.harmonics)


def see_skin(view: View, model: HeadModel, size: int, renderer: str = "builtin") -> SeenSkin:
    """The skin that one photo shows, for a texture with ``size`` texels per side.

    Raises
    ------
    EngineUnavailable: the renderer is not installed.
    """
    photo, camera, vertices = with_usual_levels(view.photo), view.camera, view.vertices
    coarse = atlas_of(model, min(size, COARSE))
    projection = project(camera, vertices, model)
    visibility = visibility_of(photo, camera, vertices, model, coarse, projection, renderer)
    visibility *= coarse.part == model.part_names.index("skin")
    texels = _shown(visibility, coarse, projection, view.parse, min(size, COARSE))
    colours = sample(photo.rgb, projection.pixels, texels.atlas)
    grey = is_monochrome(colours, texels.bare, texels.atlas, texels.size)
    photo, skin = _in_grey(photo) if grey else (photo, load_skin_model())
    found = estimate_skin(photo, texels, model, skin)
    separated, albedo = _with_skins_hue(found.separated, model, grey)
    view = View(photo, camera, vertices)
    return SeenSkin(view, projection, found, separated, albedo, _held(found, texels), grey)


def _shown(
    visibility: FloatArray, coarse: Atlas, projection: Projection, parse: Parse | None, size: int
) -> Texels:
    """The texels of the coarse atlas with (N,) ``visibility``: all if there are none."""
    seen = np.flatnonzero(visibility)
    atlas = coarse.only(seen, size // 32) if len(seen) else coarse
    cover = cover_of(parse, atlas.on(projection.pixels), atlas.mean)
    return Texels(atlas, projection, visibility[seen] if len(seen) else visibility, size, cover)


def _held(found: FoundSkin, texels: Texels) -> Held:
    return Held(*map(texels.atlas.on_whole, (found.confidence, found.shade, texels.beard)))


def _with_skins_hue(
    separated: AlbedoAndLight, model: HeadModel, grey: bool
) -> tuple[AlbedoAndLight, FloatArray]:
    """Albedo and light, and the (V', 3) log albedo in colour: a grey photo's own has no hue."""
    if grey:
        return separated, coloured(separated, load_skin_model())
    on_face = within(model.shape.mean[skin_mesh(model).vertices], FACE)
    separated = within_gamut(separated, on_face)
    return separated, separated.albedo


def _on_whole_head(
    own: np.ndarray, count: int, albedo: FloatArray, separated: AlbedoAndLight
) -> FloatArray:
    """(3, count, 3): logarithms of albedo, light and colour, 0 where there is no skin."""
    found = np.zeros((3, count, 3), np.float32)
    found[:, own] = albedo, separated.light, separated.albedo + separated.light
    return found


def face_tone(model: HeadModel, albedo: FloatArray, light: FloatArray, grey: bool) -> FaceTone:
    """The medians of (N, 3) logarithms of albedo and light, over the face's skin."""
    on_face = within(model.shape.mean[skin_mesh(model).vertices], FACE)
    tone, lit = (np.exp(np.median(log[on_face], 0)) for log in (albedo, light))
    return FaceTone(tone, lit, hued=not grey)


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
    parse: Parse | None = None,
) -> ByteArray:
    """(size, size, 3) uint8 sRGB: only the albedo of :func:`make_texture`."""
    return make_texture(photo, camera, vertices, model, size, renderer, parse).albedo
