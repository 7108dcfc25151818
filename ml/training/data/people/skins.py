"""Skin of random people: painted textures, and the detail of real faces without their light."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ....data import FloatArray
from ....geometry.colour import linear_of, srgb_of
from ....geometry.sampling import texels_at
from ....rendering import harmonics_of, vertex_normals
from ..picture.scene import Stage
from ..portraits import GUMS, TEETH, Portrait, profile_colours
from ..worn.accessories import Outfit
from .eyes import Eyes, eye_albedo

# Waves over the mean head that make blotches and spots: how many, and metres from crest to crest.
_WAVES, _LENGTHS = 20, (0.05, 0.016, 0.005)


@dataclass(frozen=True, eq=False)
class Skins:
    """What skin is made of, on the D vertices of ``stage``.

    Attributes
    ----------
    albedo: (S, D, 3) linear 0..1 of each texture. tone: (S, 3) its mean over the face.
    spots: (3, _WAVES, D) waves of three lengths. face: (D,) 0..1 where portraits are clear.
    lips, cheeks, lids, shiny: (D,) 0..1 where each is.
    """

    stage: Stage
    albedo: FloatArray
    tone: FloatArray
    spots: FloatArray
    face: FloatArray
    lips: FloatArray
    cheeks: FloatArray
    lids: FloatArray
    shiny: FloatArray


@dataclass(frozen=True)
class Skin:
    """One person's (D, 3) linear albedo and (D,) gloss."""

    albedo: FloatArray
    gloss: FloatArray


# Never seen in training: ml.evaluation measures on people who wear these.
KEPT_OUT = ("middleage_lightskinned_female_diffuse2.jpg", "young_darkskinned_male_diffuse.jpg")


def training_skins(data: Path) -> list[Path]:
    """The skins that training may see."""
    return [path for path in sorted((data / "skins").glob("*.jpg")) if path.name not in KEPT_OUT]


def load_skins(data: Path, stage: Stage, textures: list[Path] | None = None) -> Skins:
    """Sample MakeHuman skins (all of training's by default) where the UV correspondence says."""
    folder = data / "skins"
    with np.load(data / "head_models" / "ict_facekit.npz") as ict:
        uv = np.zeros((len(ict["neutral"]), 2), np.float32)
        faces, corners = ict["faces"], ict["uv_faces"]
        ranges = dict(zip(ict["part_names"], ict["part_face_range"], strict=True))
        for name in ("Head and Neck", "Face"):
            first, last = ranges[name]
            good = faces[first:last] >= 0
            uv[faces[first:last][good]] = ict["uv"][corners[first:last][good]]
    place = _makehuman_uv(folder, uv[stage.vertices])
    known = (place[:, 0] >= 0) & stage.is_part("Face", "Head and Neck")
    layers = []
    for path in textures or training_skins(data):
        with Image.open(path) as image:
            texture = cv2.GaussianBlur(np.asarray(image.convert("RGB")), (0, 0), 1.5)
        layers.append(linear_of(_lookup(texture, place, known)))
    albedo = np.stack(layers)
    rng = np.random.default_rng(0)  # the same waves in every run and every worker
    waves = rng.normal(size=(3, _WAVES, 3)) * (2 * np.pi / np.array(_LENGTHS))[:, None, None]
    phases = rng.uniform(0, 2 * np.pi, (3, _WAVES, 1))
    waves *= rng.uniform(0.6, 1.7, (3, _WAVES, 1))
    spots = np.sin(waves / np.sqrt(3) @ stage.shape.mean.T + phases).astype(np.float32)
    # The finest are no waves, which would make a weave, but every vertex by itself.
    spots[2] = rng.standard_normal(spots[2].shape)
    return Skins(stage, albedo, albedo[:, known].mean(1), spots, **_regions(stage))


def _regions(stage: Stage) -> dict[str, FloatArray]:
    mean, marks = stage.shape.mean, stage.dense.mean
    x, y, z = mean.T
    edge = np.clip((0.07 - np.abs(x)) / 0.02, 0, 1) * np.clip((0.085 - y) / 0.02, 0, 1)
    skin = stage.is_part("Face")
    face = edge * np.clip((y + 0.085) / 0.02, 0, 1) * np.clip((z - 0.03) / 0.02, 0, 1)

    def near(points: list[int], full: float, none: float) -> FloatArray:
        away = np.linalg.norm(mean[:, None] - marks[None, points], axis=2).min(1)
        return (np.clip((none - away) / (none - full), 0, 1) * skin).astype(np.float32)

    lips = near([61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269,
                 270, 409, 78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13,
                 312, 311, 310, 415], 0.0035, 0.006)  # fmt: skip
    lids = near([33, 246, 161, 160, 159, 158, 157, 173, 133, 263, 466, 388, 387, 386, 385, 384,
                 398, 362], 0.0012, 0.0035)  # fmt: skip
    shiny = near([1, 4, 5, 6, 168, 9, 151, 108, 337, 50, 280, 199], 0.006, 0.022)
    return {
        "face": (face * skin).astype(np.float32),
        "lips": lips,
        "lids": lids,
        "shiny": shiny,
        "cheeks": near([50, 280, 205, 425, 1], 0.006, 0.026),
    }


def _makehuman_uv(folder: Path, uv: FloatArray) -> FloatArray:
    with np.load(folder / "ict_uv_to_makehuman_uv.npz") as tiles:
        face, head = tiles["face"], tiles["head"]
    on_head = uv[:, 0] >= 1
    result = np.full((len(uv), 2), -1, np.float32)
    for tile, rows, offset in ((face, ~on_head, 0), (head, on_head, 1)):
        result[rows] = texels_at(tile, uv[rows] - np.array([offset, 0], np.float32))
    return result


def _lookup(texture: np.ndarray, place: FloatArray, known: np.ndarray) -> FloatArray:
    colours = texels_at(texture, place).astype(np.float32)
    colours[~known] = np.median(colours[known], axis=0)
    return colours


@lru_cache(maxsize=1024)
def face_detail(skins: Skins, portrait: Portrait) -> tuple[np.ndarray, FloatArray]:
    """A real face without its light: (D, 3) float16 about 1, and its (3,) linear tone.

    The photo's light is taken for whatever second-order harmonics explain of its colours.
    """
    stage = skins.stage
    bright = linear_of(profile_colours(stage, portrait).astype(np.float32))
    normals = vertex_normals(stage.shape.at(portrait.coefficients), stage.triangles)
    clear = (skins.face > 0.9) & (skins.lips < 0.1) & (stage.brow < 0.05) & (skins.lids < 0.1)
    basis = harmonics_of(normals)
    tone = np.median(bright[clear], axis=0)
    # Shadows of glasses and hair are not light: fit again without what the first fit misses.
    for _ in range(2):
        light = np.linalg.lstsq(basis[clear], bright[clear], rcond=None)[0]
        level = np.clip(basis @ light, 0.3 * tone, 2.5 * tone)
        ratio = (bright / level).mean(1)
        clear = clear & (np.abs(ratio - 1) < 0.35)
    share = skins.face[:, None]
    detail = np.clip(bright / level, 0.04, 2.2) * share + (1 - share)
    return detail.astype(np.float16), tone.astype(np.float32)


def random_skin(
    skins: Skins,
    real: tuple[np.ndarray, FloatArray] | None,
    outfit: Outfit,
    rng: np.random.Generator,
) -> Skin:
    """Skin of a random person; real: the detail of a real face (see face_detail), or None.

    outfit: its hair shows on brows, scalp and beard.
    """
    albedo = _bare(skins, real, rng)
    _spot(albedo, skins, rng)
    _make_up(albedo, skins, rng)
    albedo = _with_hair(albedo, skins, real is not None, outfit, rng)
    _inside(skins.stage, albedo, rng)
    gloss = _gloss(skins, outfit.painted, rng)
    return Skin(np.clip(albedo, 0.004, 1).astype(np.float32), gloss)


def _bare(
    skins: Skins, real: tuple[np.ndarray, FloatArray] | None, rng: np.random.Generator
) -> FloatArray:
    """(D, 3) linear: a mixture of textures, as dark as it may be; the detail of a real face."""
    mix = rng.dirichlet([0.5] * len(skins.albedo)).astype(np.float32)
    albedo: FloatArray = np.tensordot(mix, skins.albedo, 1)
    tone = mix @ skins.tone
    # Melanin darkens blue more than red.
    albedo = albedo ** np.float32(rng.uniform(0.8, 1.25)) * np.float32(rng.uniform(0.75, 1.15))
    if real is not None:
        detail, own = real
        if rng.random() < 0.5:
            # Photos say the hue and, exposed for the face, little about how dark the skin is.
            albedo = albedo * np.clip(0.55 * own / max(own.max(), 0.05) / tone, 0.3, 3)
        plain = albedo * 0.2 + albedo[skins.face > 0.5].mean(0) * 0.8
        share = skins.face[:, None]
        albedo = albedo * (1 - share) + plain * detail.astype(np.float32) * share
    if rng.random() < 0.4:
        melanin = rng.uniform(0, 1)
        albedo = albedo * np.exp(-melanin * np.array([1.1, 1.45, 1.75], np.float32))
    return np.asarray(albedo * np.float32(rng.normal(1, 0.04, 3)))


def _with_hair(
    albedo: FloatArray, skins: Skins, real: bool, outfit: Outfit, rng: np.random.Generator
) -> FloatArray:
    """With brows, fainter over those of a real face, and the shadow of hair under the skin."""
    amount = skins.stage.brow - rng.uniform(0.05, 0.5)
    strength = rng.uniform(0.2, 0.95) * (0.3 if real and rng.random() < 0.8 else 1)
    grain = 0.8 + 0.3 * skins.spots[2, int(rng.integers(_WAVES))]
    brow = (np.clip(amount / rng.uniform(0.15, 0.4), 0, 1) * strength * grain)[:, None]
    albedo = albedo * (1 - brow) + outfit.hair * rng.uniform(0.4, 1) * brow
    mottled = np.clip(outfit.painted * (0.85 + 0.25 * grain) - 0.1, 0, 1)
    under = mottled[:, None] * np.float32(rng.uniform(0.75, 1))
    return np.asarray(
        albedo * (1 - under) + outfit.hair * np.float32(rng.uniform(0.5, 0.9)) * under
    )


def _gloss(skins: Skins, painted: FloatArray, rng: np.random.Generator) -> FloatArray:
    stage = skins.stage
    oily = rng.beta(1.5, 3)
    gloss = 0.035 + 0.1 * oily * (0.4 + skins.shiny) + 0.1 * skins.lips * rng.random()
    gloss = gloss * (1 - 0.7 * painted)
    gloss[stage.is_part("Teeth", "Gums and tongue")] = 0.08
    gloss[stage.is_part("Eyeball left", "Eyeball right")] = 0.12
    return np.asarray(gloss, dtype=np.float32)


def _spot(albedo: FloatArray, skins: Skins, rng: np.random.Generator) -> None:
    """Blotches, redness, freckles and moles, in place."""
    weights = rng.normal(0, 1, (3, _WAVES)).astype(np.float32) / np.sqrt(_WAVES / 2)
    broad, middle, fine = (w @ waves for w, waves in zip(weights, skins.spots, strict=True))
    sizes = rng.uniform(0, 1, 3) * np.array([0.05, 0.05, 0.045])
    albedo *= 1 + (broad * sizes[0] + middle * sizes[1] + fine * sizes[2])[:, None]
    red = skins.cheeks * rng.uniform(0, 0.5) + np.clip(middle - 0.8, 0, 1) * rng.uniform(0, 0.25)
    albedo *= 1 - red[:, None] * np.array([0.02, 0.32, 0.28], np.float32)
    if rng.random() < 0.25:
        freckle = np.clip(fine / 1.4 - rng.uniform(0.8, 1.6), 0, 0.6) * np.clip(broad + 0.7, 0, 1)
        albedo *= 1 - (freckle * rng.uniform(0.3, 0.9))[:, None] * np.array([0.6, 0.8, 0.9])


def _make_up(albedo: FloatArray, skins: Skins, rng: np.random.Generator) -> None:
    """Lids' lashes always; lipstick, shadow and rouge sometimes; in place."""
    lash = skins.lids * rng.uniform(0.25, 0.95)
    albedo *= 1 - lash[:, None]
    natural = np.array([1.0, 0.72, 0.74]) * rng.uniform(0.7, 1.0)
    if rng.random() < 0.18:
        stick = linear_of(np.array([170, 40, 55]) + rng.normal(0, 35, 3))
        share = (skins.lips * rng.uniform(0.3, 0.9))[:, None]
        albedo[:] = albedo * (1 - share) + stick * share
    else:
        share = (skins.lips * rng.uniform(0, 1))[:, None]
        albedo *= 1 - share * (1 - natural)


def _inside(stage: Stage, albedo: FloatArray, rng: np.random.Generator) -> None:
    """Teeth, gums and the sockets, in place."""
    yellow = np.array([1, rng.uniform(0.9, 1), rng.uniform(0.68, 1)])
    albedo[stage.is_part("Teeth")] = linear_of(TEETH * rng.uniform(0.8, 1.08)) * yellow
    gums = linear_of(GUMS * rng.uniform(0.5, 1.0))
    albedo[stage.is_part("Gums and tongue", "Eye socket left", "Eye socket right")] = gums
    albedo[stage.is_part("Mouth socket")] = gums * 0.3


def paint_eyes(colours: FloatArray, eyes: Eyes, place: FloatArray, where: np.ndarray) -> FloatArray:
    """(N, 3) linear ``colours`` with the pixels ``where`` painted as eyes at ``place`` (N, 2)."""
    painted = colours.copy()
    painted[where] = eye_albedo(eyes, place[where])
    return painted


def skin_tone(stage: Stage, albedo: FloatArray) -> float:
    """The individual typology angle of (D, 3) linear skin itself, whatever the light; degrees."""
    skin = srgb_of(albedo[stage.is_part("Face")])
    lab = cv2.cvtColor(skin[None] / 255, cv2.COLOR_RGB2Lab)[0]
    lightness, _, yellow = np.median(lab, axis=0)
    return float(np.degrees(np.arctan2(lightness - 50, yellow)))
