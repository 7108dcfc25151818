"""A head's albedo texture from a photo: visible skin without its light, hidden skin completed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import ByteArray, Camera, FloatArray, Photo
from ..head.model import HeadModel
from ..parsing.classes import Parse
from .atlas import COARSE, Atlas, atlas_of
from .confidence import FACE, within
from .fine_detail import compose_albedo, fine_detail
from .levels import with_usual_levels
from .light import AlbedoAndLight
from .monochrome import coloured, grey_statistics, in_grey, is_monochrome
from .paint import FaceTone, paint_inner_parts
from .projection import Projection, project, sample, visibility_of
from .skin import SkinModel, load_skin_model
from .skin_estimate import estimate_skin, skin_mesh

# What covers the skin, how many pixels of the parse it is taken to reach further, for its edges mix
# with skin, and the probabilities at which it hides nothing and all.
COVERS, REACH, HIDDEN = ("glasses", "other"), 1, (0.15, 0.45)
# Dark sockets look a little like glasses: glasses are believed that surely, at least this
# probability, cover at least this much of the face's area.
SURE, SMALLEST = 0.8, 0.012
FACE_CLASSES = ("skin", "nose", "brows", "eyes", "lips")


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
    photo, own = with_usual_levels(photo), skin_mesh(model).vertices
    coarse, atlas = atlas_of(model, min(size, COARSE)), atlas_of(model, size)
    projection = project(camera, vertices, model)
    visibility = visibility_of(photo, camera, vertices, model, coarse, projection, renderer)
    visibility *= coarse.part == model.part_names.index("skin")
    visibility *= _uncovered(parse, projection, coarse)
    grey = is_monochrome(sample(photo.rgb, projection.pixels, coarse), visibility, coarse)
    photo, skin = _in_grey(photo) if grey else (photo, load_skin_model())
    separated, confidence = estimate_skin(photo, visibility, model, coarse, projection, skin)
    albedo = coloured(separated, load_skin_model()) if grey else separated.albedo
    logs = _on_whole_head(own, len(vertices), albedo, separated)
    detail = fine_detail(photo, projection, logs[2], confidence, coarse, atlas, size)
    colours = compose_albedo(logs[0], own, detail, atlas)
    del detail
    face = _face_tone(model, albedo, separated.light, grey)
    painted = paint_inner_parts(colours, photo, camera, vertices, model, atlas, face)
    return Texture(painted, np.exp(logs[1]), separated.harmonics)


def _on_whole_head(
    own: np.ndarray, count: int, albedo: FloatArray, separated: AlbedoAndLight
) -> FloatArray:
    """(3, count, 3): logarithms of albedo, light and colour, 0 where there is no skin."""
    found = np.zeros((3, count, 3), np.float32)
    found[:, own] = albedo, separated.light, separated.albedo + separated.light
    return found


def _face_tone(model: HeadModel, albedo: FloatArray, light: FloatArray, grey: bool) -> FaceTone:
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


def _uncovered(parse: Parse | None, projection: Projection, atlas: Atlas) -> FloatArray:
    """(N,) 0..1: that nothing lies before the skin at the texels, as far as a parse says."""
    if parse is None or not _covers(parse):
        return np.ones(len(atlas.rows), np.float32)
    covered = parse.at(atlas.on(projection.pixels), *COVERS, reach=REACH)
    nothing, everything = HIDDEN
    return np.asarray(1 - np.clip((covered - nothing) / (everything - nothing), 0, 1))


def _covers(parse: Parse) -> bool:
    """Whether enough of what covers skin is surely there."""
    face = parse.of(*FACE_CLASSES).sum()
    return bool((parse.of(*COVERS) >= SURE).sum() >= SMALLEST * max(face, 1.0))
