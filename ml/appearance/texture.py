"""A head's texture from a photo: its own colours without light, completed where it is hidden."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from ..data import ByteArray, Camera, FloatArray, IntArray, Photo
from ..geometry.colour import srgb_of
from ..head.model import HeadModel
from .atlas import Atlas, atlas_of
from .colour import log_of, recorded
from .confidence import (
    FACE,
    bare_neck,
    believed,
    on_edges,
    scalp_of,
    throat_of,
    unobstructed,
    within,
)
from .light import Parted, SkinColours, part
from .paint import FaceTone, paint_inner_parts
from .projection import Projection, project, sample, trust_in
from .skin import SkinModel, load_skin_model

# What is believed of the photo is decided on a texture of this size, whatever the final one's.
COARSE = 512
# How much of the other side's fine detail hidden skin gets.
TWIN = 0.6
# Trust over one of this is as good as full trust, for detail.
CLEAR = 2.5
# Detail lighter than this (log) is mostly shine, and of what is over it only so much is kept.
SHINE, SHINE_KEPT = 0.2, 0.4
# Logs of light over the face's from which on a photo's noise lets skin be seen.
DARK = (-2.3, -1.2)
# What is left of the detail around at every step, twice as wide as the last, into what is hidden.
FADE = 0.75
# Detail darker or lighter than the statistics by more than this (log) is held there.
MOST_DETAIL = 2.2
# sRGB of the squares of 0..1.
_SQUARES = srgb_of(np.linspace(0, 1, 4096, dtype=np.float32) ** 2)
# Light that a photo's 256 numbers stand for.
_RECORDED = recorded(np.arange(256, dtype=np.float32))


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
    parted, trust = _understand(photo, geometry, model, coarse, seen, skin)
    albedo, light = np.zeros_like(vertices), np.zeros_like(vertices)
    albedo[own], light[own] = parted.albedo, parted.light
    atlas = atlas_of(model, size)
    detail = _detail(photo, seen, albedo + light, trust, coarse, atlas, size)
    own_colours = _developed(albedo, own, detail, atlas)
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


def _understand(
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
    _dulled(off)
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


def _detail(
    photo: Photo,
    seen: Projection,
    expected: FloatArray,
    trust: FloatArray,
    coarse: Atlas,
    atlas: Atlas,
    size: int,
) -> FloatArray:
    """(S, S, 3) log of what the photo shows over what statistics expect; 0 far from what it shows.

    expected: (V, 3) log colours. trust: of the coarse atlas.
    """
    from .kernels import blend_twins, residual

    off = np.empty((len(atlas.rows), 3), np.float32)
    values = np.column_stack([np.nan_to_num(seen.pixels), expected]).astype(np.float32)
    residual(atlas.corners, atlas.weights, values, photo.rgb, _RECORDED, off)
    np.clip(off, -MOST_DETAIL, MOST_DETAIL, out=off)
    _dulled(off)
    fine = trust if atlas is coarse else _enlarged(trust, coarse, atlas, size)
    canvas = np.zeros((size, size, 4), np.float32)
    # Skin seen at a slant is blurred, but better than a guess.
    weight = np.minimum(CLEAR * fine, 1) * on_edges(atlas)
    blend_twins(off, weight, atlas.mirror, TWIN, atlas.rows, atlas.columns, canvas)
    return _fill(canvas)


def _dulled(off: FloatArray) -> None:
    """Take shine out of (N, 3) logs of detail, in place: what is brighter than skin can be."""
    bright = off.mean(1)
    over = np.flatnonzero(bright > SHINE)
    kept = SHINE + SHINE_KEPT * (bright[over] - SHINE)
    off[over] *= (kept / bright[over])[:, None]


def _developed(albedo: FloatArray, own: IntArray, detail: FloatArray, atlas: Atlas) -> FloatArray:
    """(S, S, 3) sRGB of the vertices' (V, 3) log albedo plus (S, S, 3) detail.

    own: the skin's vertices; beside the texels there is the median of their colours.
    """
    from .kernels import develop

    colours = np.empty((*detail.shape[:2], 3), np.float32)
    colours[:] = srgb_of(np.exp(np.median(albedo[own], axis=0)))
    develop(
        atlas.corners,
        atlas.weights,
        albedo.astype(np.float32),
        detail,
        atlas.rows,
        atlas.columns,
        _SQUARES,
        colours,
    )
    return colours


def _enlarged(values: FloatArray, coarse: Atlas, atlas: Atlas, size: int) -> FloatArray:
    """(N,) values of a coarse atlas' texels at a finer atlas'."""
    image = coarse.image(values, min(COARSE, size))
    large = cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)
    return large[atlas.rows, atlas.columns]


def _skin_tone(colours: FloatArray, trust: FloatArray) -> FloatArray:
    """(3,) the person's robust mean skin colour."""
    clear = trust > 0.6 * trust.max()
    return np.median(colours[clear], axis=0).astype(np.float32)


def _fill(canvas: FloatArray) -> FloatArray:
    """Where nothing is known, the average of what is known around, farther away nothing.

    canvas: (S, S, 4) values times their weight, and the weight, which is at most 1.

    A push-pull pyramid: values are averaged by weight on coarser and coarser levels, then each
    level fills the gaps of the finer one.
    """
    from .kernels import fill_gaps

    pyramid = [canvas]
    while min(pyramid[-1].shape[:2]) > 2:
        half = [max(1, side // 2) for side in pyramid[-1].shape[1::-1]]
        pyramid.append(cv2.resize(pyramid[-1], half, interpolation=cv2.INTER_AREA))
    known = np.zeros_like(pyramid[-1][..., :3])
    while pyramid:
        level = pyramid.pop()
        known = cv2.resize(known, level.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        # Less at each level: far from what is seen, statistics are all there is.
        fill_gaps(level, known, np.float32(FADE), known)
    return known
