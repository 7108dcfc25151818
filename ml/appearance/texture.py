"""A head's texture from a photo: its own colours without light, completed where it is hidden."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from ..data import ByteArray, Camera, FloatArray, IntArray, Photo
from ..head.model import HeadModel
from .atlas import Atlas, atlas_of
from .belief import FACE, bare_neck, believed, on_edges, scalp_of, unobstructed, within
from .colour import recorded, srgb_of
from .light import Observation, Parted, part
from .paint import paint_inner_parts
from .projection import Projection, project, sample, trust_in
from .skin import SkinModel, load_skin_model

# What is believed of the photo is decided on a texture of this size, whatever the final one's.
COARSE = 512
# How much of the other side's fine detail hidden skin gets.
TWIN = 0.6
# Trust over one of this is as good as full trust, for detail.
CLEAR = 2.5
# Detail darker or lighter than the statistics by more than this (log) is held there.
MOST_DETAIL = 2.2
# sRGB of the squares of 0..1.
_SQUARES = srgb_of(np.linspace(0, 1, 4096, dtype=np.float32) ** 2)


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
    photo: Photo, camera: Camera, vertices: FloatArray, model: HeadModel, size: int
) -> Texture:
    """The texture of the head that a photo shows.

    Parameters
    ----------
    vertices: (V, 3) the head as the photo shows it, expression included; head space, metres.
    camera: maps head space to the photo's pixels. size: side of the texture in texels.
    """
    skin, own = load_skin_model(), skin_mesh(model).vertices
    seen = project(camera, vertices, model)
    coarse = atlas_of(model, min(size, COARSE))
    parted, trust = _understand(photo, camera, vertices, model, coarse, seen, skin)
    albedo, light = np.zeros_like(vertices), np.zeros_like(vertices)
    albedo[own], light[own] = parted.albedo, parted.light
    atlas = atlas_of(model, size)
    detail = _detail(photo, seen, albedo + light, trust, coarse, atlas, size)
    own_colours = _developed(atlas.on(albedo), detail, atlas)
    on_face = np.exp(np.median(parted.light[within(model.shape.mean[own], FACE)], axis=0))
    painted = paint_inner_parts(own_colours, photo, camera, vertices, model, atlas, on_face)
    return Texture(painted, np.exp(light), parted.harmonics)


def make_albedo(
    photo: Photo, camera: Camera, vertices: FloatArray, model: HeadModel, size: int
) -> ByteArray:
    """(size, size, 3) uint8 sRGB: only the albedo of :func:`make_texture`."""
    return make_texture(photo, camera, vertices, model, size).albedo


@dataclass(frozen=True)
class SkinMesh:
    """vertices: (V',) numbers of the skin's, in the order of ml.appearance.skin; edges: (E, 2)."""

    vertices: IntArray
    edges: IntArray


@lru_cache(maxsize=4)
def _skin_meshes(key: tuple[str, str, int]) -> list[SkinMesh]:
    return []


def skin_mesh(model: HeadModel) -> SkinMesh:
    """The skin's part of a model; the same at every call."""
    box = _skin_meshes((model.model_id, model.version, model.vertex_count))
    if not box:
        quads = model.quads[model.part_faces("skin")]
        vertices, local = np.unique(quads, return_inverse=True)
        local = local.reshape(quads.shape)
        sides = np.sort(np.stack([local, np.roll(local, -1, 1)], -1).reshape(-1, 2), 1)
        edges = np.unique(sides[sides[:, 0] != sides[:, 1]], axis=0)
        box.append(SkinMesh(vertices.astype(np.int32), edges.astype(np.int32)))
    return box[0]


def _understand(
    photo: Photo, camera: Camera, vertices: FloatArray, model: HeadModel, atlas: Atlas,
    seen: Projection, skin: SkinModel,
) -> tuple[Parted, FloatArray]:  # fmt: skip
    """Skin and light, and (N,) how far each texel of the coarse atlas is believed.

    Looked at twice: first skin is what has the face's colour, then what has it in this light.
    """
    size = min(COARSE, int(atlas.rows.max()) + 1)
    size = max(size, int(atlas.columns.max()) + 1)
    is_skin = atlas.part == model.part_names.index("skin")
    geometry = trust_in(photo, camera, vertices, model, atlas, seen) * is_skin
    colours = sample(photo.rgb, seen.pixels, atlas)
    tone = _skin_tone(colours, geometry * within(atlas.mean, FACE))
    trust = geometry * believed(colours, tone[None], geometry, model, atlas, size)
    mesh, linear = skin_mesh(model), recorded(colours)
    first = part(_observe(linear, trust, geometry, atlas, seen, mesh.vertices), skin, mesh.edges)
    expected = np.zeros_like(vertices)
    expected[mesh.vertices] = first.albedo + first.light
    off = np.log(np.maximum(linear, 0.002)) - atlas.on(expected)
    trust = trust * unobstructed(off.mean(1), atlas, size)
    trust = np.maximum(trust, geometry * bare_neck(off, atlas, size))
    parted = part(_observe(linear, trust, geometry, atlas, seen, mesh.vertices), skin, mesh.edges)
    return parted, trust


def _observe(
    linear: FloatArray, trust: FloatArray, geometry: FloatArray, atlas: Atlas, seen: Projection,
    own: IntArray,
) -> Observation:  # fmt: skip
    """Texels' linear colours gathered at the skin's vertices."""
    from .kernels import gather

    count, bright = len(seen.pixels), linear.mean(1)
    # Hair is hardly ever lighter than the skin, as hats are.
    skin_level = np.average(bright, weights=trust + 1e-9)
    hint = geometry * (1 - trust) * scalp_of(atlas.mean) * (bright < 1.1 * skin_level)
    both = trust + hint
    values = np.column_stack([linear * both[:, None], trust, hint, np.ones_like(trust)])
    sums = np.zeros((count, values.shape[1]), np.float32)
    gather(atlas.corners, atlas.weights, values.astype(np.float32), sums)
    sums = sums[own]
    sure, vague = (sums[:, k] / np.maximum(sums[:, 5], 1e-6) for k in (3, 4))
    mean = sums[:, :3] / np.maximum(sums[:, 3:5].sum(1, keepdims=True), 1e-6)
    return Observation(mean, sure, seen.normals[own], vague)


def _detail(
    photo: Photo, seen: Projection, expected: FloatArray, trust: FloatArray, coarse: Atlas,
    atlas: Atlas, size: int,
) -> FloatArray:  # fmt: skip
    """(S, S, 3) log of what the photo shows over what statistics expect; 0 far from what it shows.

    expected: (V, 3) log colours. trust: of the coarse atlas.
    """
    from .kernels import blend_twins

    colours = recorded(sample(photo.rgb, seen.pixels, atlas))
    off = cv2.log(np.maximum(colours, 0.002)) - atlas.on(expected)
    off = np.clip(off, -MOST_DETAIL, MOST_DETAIL)
    fine = trust if atlas is coarse else _enlarged(trust, coarse, atlas, size)
    canvas = np.zeros((size, size, 4), np.float32)
    # Skin seen at a slant is blurred, but better than a guess.
    weight = np.minimum(CLEAR * fine, 1) * on_edges(atlas)
    blend_twins(off, weight, atlas.mirror, TWIN, atlas.rows, atlas.columns, canvas)
    return _fill(canvas)


def _developed(base: FloatArray, detail: FloatArray, atlas: Atlas) -> FloatArray:
    """(S, S, 3) sRGB of exp((N, 3) base + (S, S, 3) detail); beside the texels, their median."""
    from .kernels import develop

    median = srgb_of(np.exp(np.median(base, axis=0)))
    colours = np.tile(median, (*detail.shape[:2], 1))
    develop(base, detail, atlas.rows, atlas.columns, _SQUARES, colours)
    return colours


def _enlarged(values: FloatArray, coarse: Atlas, atlas: Atlas, size: int) -> FloatArray:
    """(N,) values of a coarse atlas' texels at a finer atlas'."""
    side = min(COARSE, size)
    image = np.zeros((side, side), np.float32)
    image[coarse.rows, coarse.columns] = values
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
    pyramid = [canvas]
    while min(pyramid[-1].shape[:2]) > 2:
        half = [max(1, side // 2) for side in pyramid[-1].shape[1::-1]]
        pyramid.append(cv2.resize(pyramid[-1], half, interpolation=cv2.INTER_AREA))
    known = np.zeros_like(pyramid[-1][..., :3])
    for level in reversed(pyramid):
        known = cv2.resize(known, level.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        # Less at each level: far from what is seen, statistics are all there is.
        known = known * (0.75 * (1 - level[..., 3:]))
        known = known + level[..., :3]
    return known
