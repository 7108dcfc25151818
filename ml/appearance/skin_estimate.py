"""Estimate the skin's albedo and the light on it from one photo, and a confidence per texel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ..data import FloatArray, IntArray, Photo
from ..geometry.mirror import mirror_twins
from ..head.model import HeadModel
from .atlas import Atlas, of_layout
from .colour import log_of, recorded
from .confidence import (
    FACE,
    neck_confidence,
    skin_confidence,
    throat_of,
    unobstructed,
    within,
)
from .cover import Cover
from .fine_detail import DETAIL_GAIN, reduce_shine
from .light import AlbedoAndLight, SkinColours, separate_light
from .projection import Projection, sample
from .rims import rims
from .scalp import HAIR, grown_scalp, hair_tone, stubble
from .shade import broad_shade, evenly_dark, patch_tone
from .skin import SkinModel

# Natural logarithms of the light on skin relative to the face's median. Below the first a photo
# shows noise instead of skin, above the second it shows skin.
DARK = (-2.3, -1.2)


@dataclass(frozen=True)
class SkinMesh:
    """The skin as a graph.

    Attributes
    ----------
    vertices: (V',) indices of the skin's vertices, in the order of ml.appearance.skin.
    edges: (E, 2) indices into ``vertices``. twins: (V',) the same of each vertex' mirror image.
    """

    vertices: IntArray
    edges: IntArray
    twins: IntArray


@lru_cache(maxsize=4)
def skin_mesh(model: HeadModel) -> SkinMesh:
    """The skin of a head model."""
    quads = model.quads[model.part_faces("skin")]
    vertices, local = np.unique(quads, return_inverse=True)
    local = local.reshape(quads.shape)
    sides = np.sort(np.stack([local, np.roll(local, -1, 1)], -1).reshape(-1, 2), 1)
    edges = np.unique(sides[sides[:, 0] != sides[:, 1]], axis=0)
    twins = mirror_twins(model.shape.mean[vertices])
    return SkinMesh(*(each.astype(np.int32) for each in (vertices, edges, twins)))


@dataclass(frozen=True)
class Texels:
    """What is known of the N texels that a photo shows before their skin is estimated.

    Attributes
    ----------
    atlas: of those texels, as a part of the coarse one, whose side is ``size``.
    visibility: (N,) 0..1 how well the photo shows each, 0 off the skin.
    projection: of the head's vertices into the photo. cover: what a parse says; None without one.
    """

    atlas: Atlas
    projection: Projection
    visibility: FloatArray
    size: int
    cover: Cover | None = None

    @property
    def bare(self) -> FloatArray:
        """(N,) 0..1 how well the photo shows the head itself at each, and nothing before it."""
        return self.visibility if self.cover is None else self.visibility * self.cover.bare

    @property
    def beard(self) -> FloatArray:
        """(N,) 0..1 where a beard is seen."""
        return np.zeros_like(self.visibility) if self.cover is None else self.cover.beard


@dataclass(frozen=True)
class FoundSkin:
    """The skin in one photo.

    Attributes
    ----------
    separated: albedo and light of the V' skin vertices; light includes what the texture leaves out.
    confidence: (N,) 0..1 in each of the texels.
    shade: (N, 3) logarithm of broad shadows and spots of light, which the texture leaves out, too.
    stubble: (V',) share of hair under the scalp's skin. hair: (3,) its log colour over the skin's.
    """

    separated: AlbedoAndLight
    confidence: FloatArray
    shade: FloatArray
    stubble: FloatArray
    hair: FloatArray


def estimate_skin(photo: Photo, texels: Texels, model: HeadModel, skin: SkinModel) -> FoundSkin:
    """Albedo and light of the skin, and the confidence in each texel.

    Two passes: the first takes for skin what has the face's colour, the second what has the
    colour that skin would have in the light that the first pass found.
    """
    atlas, bare, cover, size = texels.atlas, texels.bare, texels.cover, texels.size
    colours = sample(photo.rgb, texels.projection.pixels, atlas)
    tone = _skin_tone(colours, bare * within(atlas.mean, FACE))
    throat = throat_of(model, atlas)
    confidence = bare * skin_confidence(colours, tone[None], bare, throat, model, atlas, size)
    mesh, linear = skin_mesh(model), recorded(colours)
    logs = log_of(linear)
    first = separate_light(_gather_colours(linear, confidence, texels, mesh), skin, mesh.edges)
    residual = logs - expected_on(first, model, atlas)
    free, clear = unobstructed(residual, confidence, atlas, size)
    if cover is not None and cover.rimmed:
        off = 1 - rims(residual, atlas, size)
        free, clear = free * off, clear * off
    confidence = np.maximum(confidence * free, bare * neck_confidence(residual, atlas, size))
    observed = _gather_colours(linear, confidence, texels, mesh)
    separated = evenly_dark(separate_light(observed, skin, mesh.edges), mesh.twins, mesh.edges)
    shown = clear * (1 - throat) * _lit(separated, model, atlas)
    at = [at_vertices(shown[:, None], atlas, len(model.shape.mean))[mesh.vertices]]
    shade, stubble, hair = np.zeros_like(logs), np.zeros(len(mesh.vertices), np.float32), HAIR
    if cover is not None:
        residual = logs - expected_on(separated, model, atlas)
        held = (cover.plain, confidence * shown, atlas, size)
        shade = broad_shade(residual, *held)[:, None]
        shade = shade + patch_tone(residual - shade, *held)
        stubble = _stubble(cover, texels, model)
        hair = hair_tone(residual, cover, texels.visibility)
    separated = _with_residual_light(separated, observed, *at)
    return FoundSkin(separated, confidence * shown, shade, stubble, hair)


def expected_on(separated: AlbedoAndLight, model: HeadModel, atlas: Atlas) -> FloatArray:
    """(N, 3) log colour of the statistical skin in its light; 0 off the skin."""
    expected = np.zeros_like(model.shape.mean)
    expected[skin_mesh(model).vertices] = separated.albedo + separated.light
    return atlas.on(expected)


def _stubble(cover: Cover, texels: Texels, model: HeadModel) -> FloatArray:
    """(V',) share of hair under the scalp's skin; see ml.appearance.scalp."""
    mesh, atlas = skin_mesh(model), texels.atlas
    seen = np.stack([texels.visibility, texels.visibility * cover.hair], 1)
    weight, hair = at_vertices(seen, atlas, len(model.shape.mean))[mesh.vertices].T
    grown = grown_scalp(model.shape.mean[mesh.vertices])
    return stubble(grown, (weight, hair), mesh.edges)


def _with_residual_light(
    separated: AlbedoAndLight, observed: SkinColours, held: FloatArray
) -> AlbedoAndLight:
    """The same albedo, and light that includes all that the texture does not hold.

    That is shine, shadows and what covers the skin.

    held: (V', 1) 0..1, the share of what the photo shows at a vertex that the texture holds.
    """
    residual = log_of(observed.colours) - separated.albedo - separated.light
    detail = residual.copy()
    reduce_shine(detail)
    seen_well = np.minimum(DETAIL_GAIN * observed.weight, 1)[:, None]
    return replace(separated, light=separated.light + seen_well * (residual - held * detail))


def at_vertices(values: FloatArray, atlas: Atlas, count: int) -> FloatArray:
    """(N, C) values of texels -> (count, C) their means at the vertices; 0 where there are none.

    Of a part of an atlas, all other texels count as 0.
    """
    texels = _around_vertices(atlas.whole or atlas, count)
    return _sums(values, atlas, count) / np.maximum(texels, 1e-6)


def _sums(values: FloatArray, atlas: Atlas, count: int) -> FloatArray:
    """(count, C) sums of (N, C) values of texels at the vertices, by their weights."""
    from .kernels import gather

    sums = np.zeros((count, values.shape[1]), np.float32)
    gather(atlas.corners, atlas.weights, np.ascontiguousarray(values, np.float32), sums)
    return sums


@of_layout
def _around_vertices(atlas: Atlas, count: int) -> FloatArray:
    """(count, 1) how many texels each vertex has."""
    return _sums(np.ones((len(atlas.rows), 1), np.float32), atlas, count)


def _lit(separated: AlbedoAndLight, model: HeadModel, atlas: Atlas) -> FloatArray:
    """(N,) 0 in the dark, where a photo's noise is as strong as its colours, else 1; see DARK."""
    skin = skin_mesh(model).vertices
    light = np.zeros((len(model.shape.mean), 1), np.float32)
    light[skin, 0] = separated.light.mean(1)
    on_face = np.median(light[skin][within(model.shape.mean[skin], FACE)])
    return np.clip((atlas.on(light)[:, 0] - on_face - DARK[0]) / (DARK[1] - DARK[0]), 0, 1)


def _gather_colours(
    linear: FloatArray, confidence: FloatArray, texels: Texels, mesh: SkinMesh
) -> SkinColours:
    """(N, 3) linear colours of texels as means at the (V',) skin vertices."""
    projection, skin = texels.projection, mesh.vertices
    values = np.column_stack([linear * confidence[:, None], confidence])
    means = at_vertices(values, texels.atlas, len(projection.pixels))[skin]
    mean = means[:, :3] / np.maximum(means[:, 3:], 1e-6)
    return SkinColours(mean, means[:, 3], projection.normals[skin])


def _skin_tone(colours: FloatArray, weight: FloatArray) -> FloatArray:
    """(3,) median of the (N, 3) colours whose (N,) weight is high: the person's skin colour."""
    clear = weight > 0.6 * weight.max()
    return np.median(colours[clear], axis=0).astype(np.float32)
