"""Estimate the skin's albedo and the light on it from one photo, and a confidence per texel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ..data import FloatArray, IntArray, Photo
from ..head.model import HeadModel
from .atlas import COARSE, Atlas
from .colour import log_of, recorded
from .confidence import (
    FACE,
    neck_confidence,
    scalp_of,
    skin_confidence,
    throat_of,
    unobstructed,
    within,
)
from .fine_detail import DETAIL_GAIN, reduce_shine
from .light import AlbedoAndLight, SkinColours, separate_light
from .projection import Projection, sample
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
    edges: (E, 2) indices into ``vertices``.
    """

    vertices: IntArray
    edges: IntArray


@lru_cache(maxsize=4)
def skin_mesh(model: HeadModel) -> SkinMesh:
    """The skin of a head model."""
    quads = model.quads[model.part_faces("skin")]
    vertices, local = np.unique(quads, return_inverse=True)
    local = local.reshape(quads.shape)
    sides = np.sort(np.stack([local, np.roll(local, -1, 1)], -1).reshape(-1, 2), 1)
    edges = np.unique(sides[sides[:, 0] != sides[:, 1]], axis=0)
    return SkinMesh(vertices.astype(np.int32), edges.astype(np.int32))


def estimate_skin(
    photo: Photo,
    visibility: FloatArray,
    model: HeadModel,
    atlas: Atlas,
    projection: Projection,
    skin: SkinModel,
) -> tuple[AlbedoAndLight, FloatArray]:
    """Albedo and light of the skin, and the (N,) confidence 0..1 in each texel of ``atlas``.

    Two passes: the first takes for skin what has the face's colour, the second what has the
    colour that skin would have in the light that the first pass found.

    Parameters
    ----------
    visibility: (N,) 0..1 how well the photo shows each texel, 0 off the skin.
    atlas: the coarse atlas. projection: of the head's vertices into the photo.
    """
    size = max(min(COARSE, int(atlas.rows.max()) + 1), int(atlas.columns.max()) + 1)
    colours = sample(photo.rgb, projection.pixels, atlas)
    tone = _skin_tone(colours, visibility * within(atlas.mean, FACE))
    throat = throat_of(model, atlas)
    confidence = visibility * skin_confidence(
        colours, tone[None], visibility, throat, model, atlas, size
    )
    mesh, linear = skin_mesh(model), recorded(colours)
    observed = _gather_colours(linear, confidence, visibility, atlas, projection, mesh.vertices)
    first = separate_light(observed, skin, mesh.edges)
    expected = np.zeros_like(model.shape.mean)
    expected[mesh.vertices] = first.albedo + first.light
    residual = log_of(linear) - atlas.on(expected)
    bare, clear = unobstructed(residual, confidence, atlas, size)
    confidence = confidence * bare
    confidence = np.maximum(confidence, visibility * neck_confidence(residual, atlas, size))
    observed = _gather_colours(linear, confidence, visibility, atlas, projection, mesh.vertices)
    separated = separate_light(observed, skin, mesh.edges)
    shown = clear * (1 - throat) * _lit(separated, model, atlas)
    held = _at_vertices(shown[:, None], atlas, len(expected))[mesh.vertices]
    return _with_residual_light(separated, observed, held), confidence * shown


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


def _at_vertices(values: FloatArray, atlas: Atlas, count: int) -> FloatArray:
    """(N, C) values of texels -> (count, C) their means at the vertices; 0 where there are none."""
    from .kernels import gather

    sums = np.zeros((count, values.shape[1] + 1), np.float32)
    columns = np.column_stack([values, np.ones(len(values))]).astype(np.float32)
    gather(atlas.corners, atlas.weights, columns, sums)
    return sums[:, :-1] / np.maximum(sums[:, -1:], 1e-6)


def _lit(separated: AlbedoAndLight, model: HeadModel, atlas: Atlas) -> FloatArray:
    """(N,) 0 in the dark, where a photo's noise is as strong as its colours, else 1; see DARK."""
    skin = skin_mesh(model).vertices
    light = np.zeros((len(model.shape.mean), 1), np.float32)
    light[skin, 0] = separated.light.mean(1)
    on_face = np.median(light[skin][within(model.shape.mean[skin], FACE)])
    return np.clip((atlas.on(light)[:, 0] - on_face - DARK[0]) / (DARK[1] - DARK[0]), 0, 1)


def _gather_colours(
    linear: FloatArray,
    confidence: FloatArray,
    visibility: FloatArray,
    atlas: Atlas,
    projection: Projection,
    skin: IntArray,
) -> SkinColours:
    """(N, 3) linear colours of texels as means at the (V',) skin vertices."""
    bright = linear.mean(1)
    # Hair is hardly ever lighter than the skin; hats are.
    skin_level = np.average(bright, weights=confidence + 1e-9)
    hint = visibility * (1 - confidence) * scalp_of(atlas.mean) * (bright < 1.1 * skin_level)
    both = confidence + hint
    values = np.column_stack([linear * both[:, None], confidence, hint])
    means = _at_vertices(values, atlas, len(projection.pixels))[skin]
    weight, hint_weight = means[:, 3], means[:, 4]
    mean = means[:, :3] / np.maximum(means[:, 3:].sum(1, keepdims=True), 1e-6)
    return SkinColours(mean, weight, projection.normals[skin], hint_weight)


def _skin_tone(colours: FloatArray, weight: FloatArray) -> FloatArray:
    """(3,) median of the (N, 3) colours whose (N,) weight is high: the person's skin colour."""
    clear = weight > 0.6 * weight.max()
    return np.median(colours[clear], axis=0).astype(np.float32)
