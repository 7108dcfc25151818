"""The skin's albedo and the light on it, from one photo, and how far each texel is trusted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ..data import FloatArray, IntArray, Photo
from ..head.model import HeadModel
from .atlas import COARSE, Atlas
from .colour import log_of, recorded
from .confidence import FACE, bare_neck, believed, scalp_of, throat_of, unobstructed, within
from .fine_detail import CLEAR, dulled
from .light import Parted, SkinColours, part
from .projection import Projection, sample
from .skin import SkinModel

# Logs of light over the face's from which on a photo's noise lets skin be seen.
DARK = (-2.3, -1.2)


@dataclass(frozen=True)
class SkinMesh:
    """vertices: (V',) numbers of the skin's, in the order of ml.appearance.skin; edges: (E, 2)."""

    vertices: IntArray
    edges: IntArray


@lru_cache(maxsize=4)
def skin_mesh(model: HeadModel) -> SkinMesh:
    """The skin's part of a model."""
    quads = model.quads[model.part_faces("skin")]
    vertices, local = np.unique(quads, return_inverse=True)
    local = local.reshape(quads.shape)
    sides = np.sort(np.stack([local, np.roll(local, -1, 1)], -1).reshape(-1, 2), 1)
    edges = np.unique(sides[sides[:, 0] != sides[:, 1]], axis=0)
    return SkinMesh(vertices.astype(np.int32), edges.astype(np.int32))


def understand(
    photo: Photo,
    geometry: FloatArray,
    model: HeadModel,
    atlas: Atlas,
    seen: Projection,
    skin: SkinModel,
) -> tuple[Parted, FloatArray]:
    """Skin and light, and (N,) 0..1 confidence in each texel of the coarse atlas.

    Decided twice: first skin is what has the face's colour, then what has it in this light.

    geometry: (N,) 0..1 how well the photo shows each texel, 0 off the skin.
    """
    size = min(COARSE, int(atlas.rows.max()) + 1)
    size = max(size, int(atlas.columns.max()) + 1)
    colours = sample(photo.rgb, seen.pixels, atlas)
    tone = _skin_tone(colours, geometry * within(atlas.mean, FACE))
    throat = throat_of(model, atlas)
    trust = geometry * believed(colours, tone[None], geometry, throat, model, atlas, size)
    mesh, linear = skin_mesh(model), recorded(colours)
    first = part(_observe(linear, trust, geometry, atlas, seen, mesh.vertices), skin, mesh.edges)
    expected = np.zeros_like(model.shape.mean)
    expected[mesh.vertices] = first.albedo + first.light
    off = log_of(linear) - atlas.on(expected)
    bare, clear = unobstructed(off, trust, atlas, size)
    trust = trust * bare
    trust = np.maximum(trust, geometry * bare_neck(off, atlas, size))
    observed = _observe(linear, trust, geometry, atlas, seen, mesh.vertices)
    parted = part(observed, skin, mesh.edges)
    shown = clear * (1 - throat) * _lit(parted, model, atlas)
    held = _at_vertices(shown[:, None], atlas, len(expected))[mesh.vertices]
    return _shaded(parted, observed, held), trust * shown


def _shaded(parted: Parted, seen: SkinColours, held: FloatArray) -> Parted:
    """The same skin, but what its texture does not hold is light: shine, shadow, what lies before.

    held: (V, 1) 0..1, how much of what the photo shows of vertices the texture holds.
    """
    left = log_of(seen.colours) - parted.albedo - parted.light
    off = left.copy()
    dulled(off)
    seen_well = np.minimum(CLEAR * seen.weight, 1)[:, None]
    return replace(parted, light=parted.light + seen_well * (left - held * off))


def _at_vertices(values: FloatArray, atlas: Atlas, count: int) -> FloatArray:
    """(N, C) values of texels -> (count, C) their means at the vertices; 0 where there are none."""
    from .kernels import gather

    sums = np.zeros((count, values.shape[1] + 1), np.float32)
    columns = np.column_stack([values, np.ones(len(values))]).astype(np.float32)
    gather(atlas.corners, atlas.weights, columns, sums)
    return sums[:, :-1] / np.maximum(sums[:, -1:], 1e-6)


def _lit(parted: Parted, model: HeadModel, atlas: Atlas) -> FloatArray:
    """(N,) 0 in the dark, where a photo's noise is as strong as its colours, else 1."""
    own = skin_mesh(model).vertices
    light = np.zeros((len(model.shape.mean), 1), np.float32)
    light[own, 0] = parted.light.mean(1)
    on_face = np.median(light[own][within(model.shape.mean[own], FACE)])
    return np.clip((atlas.on(light)[:, 0] - on_face - DARK[0]) / (DARK[1] - DARK[0]), 0, 1)


def _observe(
    linear: FloatArray,
    trust: FloatArray,
    geometry: FloatArray,
    atlas: Atlas,
    seen: Projection,
    own: IntArray,
) -> SkinColours:
    """Texels' linear colours gathered at the skin's vertices."""
    bright = linear.mean(1)
    # Hair is hardly ever lighter than the skin, as hats are.
    skin_level = np.average(bright, weights=trust + 1e-9)
    hint = geometry * (1 - trust) * scalp_of(atlas.mean) * (bright < 1.1 * skin_level)
    both = trust + hint
    values = np.column_stack([linear * both[:, None], trust, hint])
    means = _at_vertices(values, atlas, len(seen.pixels))[own]
    sure, vague = means[:, 3], means[:, 4]
    mean = means[:, :3] / np.maximum(means[:, 3:].sum(1, keepdims=True), 1e-6)
    return SkinColours(mean, sure, seen.normals[own], vague)


def _skin_tone(colours: FloatArray, trust: FloatArray) -> FloatArray:
    """(3,) the person's robust mean skin colour."""
    clear = trust > 0.6 * trust.max()
    return np.median(colours[clear], axis=0).astype(np.float32)
