"""One albedo texture from several photos of one person.

Photos differ in exposure, tint and what they show. Their albedos are brought to one tone and
averaged by confidence. The detail over that average is split into two bands: the low one, in which
photos differ by light that was not removed, is averaged over wide transitions; the high one comes
from the photo that shows a place best, for a mean of two would be a blur or a double contour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..data import ByteArray, FloatArray
from ..head.model import HeadModel
from .bands import Part, Sheet, blended_detail
from .colour import log_of, recorded
from .confidence import FACE, within
from .fine_detail import completed, compose_albedo
from .light import AlbedoAndLight, averaged
from .paint import paint_inner_parts
from .projection import sample
from .scalp import shaded
from .skin_estimate import at_vertices, expected_on, skin_mesh
from .texture import SeenSkin, Texture, View, face_tone

# What a photo without colours counts beside one with them.
GREY = 0.2
# Weight of the photos' albedos where none shows the skin, and rounds of averaging over the mesh.
UNSEEN, ROUNDS = 0.02, 8
# Log distance from the common tone from which a photo in strange light counts less, and rounds.
STRANGE, REWEIGHTINGS = 0.1, 10
# The photo is kept this far around the head, as a share of the head's size.
MARGIN = 0.1


@dataclass(frozen=True)
class _Common:
    """What P photos agree on.

    Attributes
    ----------
    albedo: (V', 3) logarithm. shifts: (P, 3) logarithm of each photo's tone over the common one.
    trust: (P, N) confidence in the coarse texels, as it counts beside the others.
    stubble, hair: as in FoundSkin. rank: (P,) trust on the face.
    """

    albedo: FloatArray
    shifts: FloatArray
    trust: FloatArray
    rank: FloatArray
    stubble: FloatArray
    hair: FloatArray


def blend_textures(seen: Sequence[SeenSkin], model: HeadModel, size: int) -> list[Texture]:
    """One texture of a person's photos: for each photo with its own light, all with one albedo.

    size: side of the texture in texels, for which the skin was seen in each photo.
    """
    sheet = Sheet.of(model, size)
    common = _common(seen, model, sheet)
    parts = _parts(seen, common, model)
    detail = completed(*blended_detail(parts, model, sheet), sheet.atlas, size)
    lit = [_with_common_tone(one, shift) for one, shift in zip(seen, common.shifts, strict=True)]
    best = int(common.rank.argmax())
    shown = replace(seen[best], separated=lit[best])
    painted = _painted(shown, common, detail, model, sheet)
    return [Texture(painted, _light_of(one, model), one.harmonics) for one in lit]


def _painted(
    best: SeenSkin, common: _Common, detail: FloatArray, model: HeadModel, sheet: Sheet
) -> ByteArray:
    """(S, S, 3) sRGB: the common albedo with (S, S, 3) detail, and eyes as one photo shows them."""
    own = skin_mesh(model).vertices
    albedo = np.zeros_like(model.shape.mean)
    albedo[own] = shaded(common.albedo, common.stubble, common.hair)
    colours = compose_albedo(albedo, own, detail, sheet.atlas)
    tone = face_tone(model, common.albedo, best.separated.light, best.grey)
    view = best.view
    return paint_inner_parts(
        colours, view.photo, view.camera, view.vertices, model, sheet.atlas, tone
    )


def _common(seen: Sequence[SeenSkin], model: HeadModel, sheet: Sheet) -> _Common:
    """The photos' albedos in one tone, averaged by confidence."""
    mesh, trust = skin_mesh(model), _trust(seen)
    rank = trust @ within(sheet.coarse.mean, FACE) + 1e-6
    shares = (rank / rank.sum()).astype(np.float32)
    albedos = np.stack([one.albedo for one in seen])
    on_face = within(model.shape.mean[mesh.vertices], FACE)
    left = np.stack([_left_over(one, model, sheet) for one in seen])
    tones = np.median(albedos[:, on_face], axis=1) + left
    tone = middle_tone(tones, shares)
    weights = at_vertices(trust.T, sheet.coarse, len(model.shape.mean))[mesh.vertices]
    weights = averaged(weights, mesh.edges, ROUNDS) + UNSEEN * shares
    weights /= weights.sum(1, keepdims=True)
    level = albedos + (left - tones)[:, None]
    albedo = np.einsum("pvc,vp->vc", level, weights) + tone
    return _Common(
        albedo.astype(np.float32),
        (tones - tone).astype(np.float32),
        trust,
        rank,
        np.tensordot(shares, np.stack([one.found.stubble for one in seen]), 1),
        np.tensordot(shares, np.stack([one.found.hair for one in seen]), 1),
    )


def _left_over(seen: SeenSkin, model: HeadModel, sheet: Sheet) -> FloatArray:
    """(3,) median log of what neither statistics nor light explain of the colours of a face."""
    confidence = seen.held.confidence * within(sheet.coarse.mean, FACE)
    clear = confidence > max(0.5 * float(confidence.max()), 1e-3)
    if not clear.any():
        return np.zeros(3, np.float32)
    colours = sample(seen.view.photo.rgb, seen.projection.pixels, sheet.coarse)
    residual = log_of(recorded(colours)) - expected_on(seen.separated, model, sheet.coarse)
    return np.asarray(np.median(residual[clear] - seen.held.shade[clear], axis=0))


def _trust(seen: Sequence[SeenSkin]) -> FloatArray:
    """(P, N) 0..1 confidence of P photos in the coarse texels, less for grey ones beside others."""
    all_grey = all(one.grey for one in seen)
    counts = [GREY if one.grey and not all_grey else 1.0 for one in seen]
    rows = [count * one.held.confidence for count, one in zip(counts, seen, strict=True)]
    return np.stack(rows).astype(np.float32)


def middle_tone(tones: FloatArray, shares: FloatArray) -> FloatArray:
    """(3,) mean of (P, 3) log tones by (P,) shares; photos in strange light count less."""
    middle = np.average(tones, axis=0, weights=shares)
    for _ in range(REWEIGHTINGS):
        apart = np.linalg.norm(tones - middle, axis=1)
        middle = np.average(tones, axis=0, weights=shares / np.maximum(apart, STRANGE))
    return np.asarray(middle, np.float32)


def _parts(seen: Sequence[SeenSkin], common: _Common, model: HeadModel) -> list[Part]:
    """What is blended: each photo beside its own light on the common albedo."""
    own, parts = skin_mesh(model).vertices, list[Part]()
    for one, shift, trust in zip(seen, common.shifts, common.trust, strict=True):
        expected = np.zeros_like(model.shape.mean)
        # A grey photo's albedo is a luminance: it gets the difference, not the common hue.
        differs = common.albedo + shift - one.albedo
        expected[own] = one.separated.albedo + one.separated.light + differs
        parts.append(Part(one.view.photo, one.projection, expected, one.held, trust))
    return parts


def _with_common_tone(seen: SeenSkin, shift: FloatArray) -> AlbedoAndLight:
    """The photo's light, which includes the (3,) log difference of its tone."""
    separated = seen.separated
    harmonics = (separated.harmonics * np.exp(shift)).astype(np.float32)
    return replace(separated, light=separated.light + shift, harmonics=harmonics)


def _light_of(separated: AlbedoAndLight, model: HeadModel) -> FloatArray:
    """(V, 3) linear light on each vertex; 1 where there is no skin."""
    light = np.ones_like(model.shape.mean)
    light[skin_mesh(model).vertices] = np.exp(separated.light)
    return light


def cropped(seen: SeenSkin) -> SeenSkin:
    """The same with only the part of the photo that shows the head: several fit into memory."""
    view, pixels = seen.view, np.nan_to_num(seen.projection.pixels)
    low, high = pixels.min(0), pixels.max(0)
    room = MARGIN * float((high - low).max())
    end = np.array([view.photo.width, view.photo.height])
    left, top = np.clip(np.floor(low - room), 0, end - 1).astype(int)
    right, bottom = np.clip(np.ceil(high + room), (left + 1, top + 1), end).astype(int)
    corner = np.array([left, top], np.float32)
    intrinsics = view.camera.intrinsics.copy()
    intrinsics[:2] -= corner[:, None] * intrinsics[2]
    camera = replace(
        view.camera, intrinsics=intrinsics, width=int(right - left), height=int(bottom - top)
    )
    photo = replace(view.photo, rgb=view.photo.rgb[top:bottom, left:right].copy())
    projection = replace(seen.projection, pixels=seen.projection.pixels - corner)
    return replace(seen, view=View(photo, camera, view.vertices), projection=projection)
