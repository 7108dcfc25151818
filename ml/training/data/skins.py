"""Skin and light for fully synthetic samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ...data import FloatArray
from .portraits import GUMS, TEETH, eyeball_colours
from .scene import Stage


@dataclass(frozen=True)
class Skins:
    """Albedo of the drawn vertices for each skin texture: (S, D, 3) linear 0..1."""

    albedo: FloatArray


def load_skins(data: Path, stage: Stage) -> Skins:
    """Sample the MakeHuman skins where the UV correspondence says."""
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
    skin = stage.is_part("Face", "Head and Neck")
    known = (place[:, 0] >= 0) & skin
    layers = []
    for path in sorted(folder.glob("*.jpg")):
        with Image.open(path) as image:
            texture = cv2.GaussianBlur(np.asarray(image.convert("RGB")), (0, 0), 1.5)
        layers.append(_linear(_lookup(texture, place, known, stage)))
    return Skins(np.stack(layers))


def _makehuman_uv(folder: Path, uv: FloatArray) -> FloatArray:
    with np.load(folder / "ict_uv_to_makehuman_uv.npz") as tiles:
        face, head = tiles["face"], tiles["head"]
    on_head = uv[:, 0] >= 1
    result = np.full((len(uv), 2), -1, np.float32)
    for tile, rows, offset in ((face, ~on_head, 0), (head, on_head, 1)):
        size = len(tile)
        column = np.clip(((uv[rows, 0] - offset) * size).astype(int), 0, size - 1)
        row = np.clip(((1 - uv[rows, 1]) * size).astype(int), 0, size - 1)
        result[rows] = tile[row, column]
    return result


def _lookup(texture: np.ndarray, place: FloatArray, known: np.ndarray, stage: Stage) -> FloatArray:
    size = len(texture)
    column = np.clip((place[:, 0] * size).astype(int), 0, size - 1)
    row = np.clip(((1 - place[:, 1]) * size).astype(int), 0, size - 1)
    colours = texture[row, column].astype(np.float32)
    colours[~known] = np.median(colours[known], axis=0)
    return colours


def _linear(srgb: FloatArray) -> FloatArray:
    return ((srgb / 255) ** 2.2).astype(np.float32)


def random_albedo(
    stage: Stage, skins: Skins, hair: FloatArray, painted: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """(D, 3) linear albedo of a person who does not exist.

    hair: (3,) its colour. painted: (D,) 0..1, how much of it shows on the skin itself.
    """
    mix = rng.dirichlet([0.5] * len(skins.albedo)).astype(np.float32)
    albedo: np.ndarray = np.tensordot(mix, skins.albedo, 1)
    # Melanin darkens blue more than red; a gain and a tint stand for white balance.
    albedo = albedo ** rng.uniform(0.8, 1.25) * rng.uniform(0.75, 1.2)
    albedo *= rng.normal(1, 0.04, 3)
    brow = np.asarray(stage.brow * rng.uniform(0.3, 0.95))[:, None]
    albedo = albedo * (1 - brow) + hair * rng.uniform(0.5, 1) * brow
    lips_and_shadow = 1 - 0.5 * rng.random() * _stubble(stage, rng)
    albedo *= lips_and_shadow[:, None]
    under = painted[:, None] * rng.uniform(0.8, 1)
    albedo = albedo * (1 - under) + hair * rng.uniform(0.5, 0.9) * under
    albedo[stage.is_part("Teeth")] = _linear(TEETH * rng.uniform(0.75, 1.1))
    gums = stage.is_part("Gums and tongue", "Mouth socket", "Eye socket left", "Eye socket right")
    albedo[gums] = _linear(GUMS * rng.uniform(0.4, 1.0))
    iris = (
        rng.uniform(0.3, 1)
        * np.array([[95, 60, 30], [90, 110, 130], [80, 100, 60]])[
            rng.choice(3, p=[0.6, 0.25, 0.15])
        ]
    )
    for side in ("left", "right"):
        ball = stage.is_part(f"Eyeball {side}")
        albedo[ball] = _linear(eyeball_colours(stage.shape.mean[ball], iris))
    return np.clip(albedo, 0, 1).astype(np.float32)


def _stubble(stage: Stage, rng: np.random.Generator) -> FloatArray:
    if rng.random() < 0.6:
        return np.zeros(len(stage.scalp), np.float32)
    y = stage.shape.mean[:, 1]
    front = np.clip(stage.shape.mean[:, 2] / 0.04, 0, 1)
    return (np.clip((-0.015 - y) / 0.015, 0, 1) * front * (y > -0.1)).astype(np.float32)


def load_lights(data: Path) -> FloatArray:
    """(H, 9, 3) irradiance of each environment map in real spherical harmonics.

    Ramamoorthi and Hanrahan, "An Efficient Representation for Irradiance Environment Maps" (2001).
    """
    lights = []
    for path in sorted((data / "hdri").glob("*.hdr")):
        light = cv2.imread(str(path), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)[..., ::-1]
        light = cv2.resize(light, (128, 64), interpolation=cv2.INTER_AREA)
        height, width = light.shape[:2]
        polar = (np.arange(height) + 0.5) / height * np.pi
        around = (np.arange(width) + 0.5) / width * 2 * np.pi
        y = np.cos(polar)[:, None] * np.ones(width)
        x = np.sin(polar)[:, None] * np.sin(around)
        z = np.sin(polar)[:, None] * np.cos(around)
        area = np.sin(polar)[:, None, None] * (np.pi / height) * (2 * np.pi / width)
        basis = harmonics(np.stack([x, y, z], -1).reshape(-1, 3))
        coefficients = basis.T @ (light * area).reshape(-1, 3)
        coefficients *= _COSINE[:, None]
        lights.append(coefficients / coefficients[0].mean() * 3.5449)
    return np.stack(lights).astype(np.float32)


_COSINE = np.array([1, 2 / 3, 2 / 3, 2 / 3, 0.25, 0.25, 0.25, 0.25, 0.25])


def harmonics(normals: FloatArray) -> FloatArray:
    """(N, 9) real spherical harmonics up to degree 2."""
    x, y, z = normals.T
    return np.stack(
        [
            0.282095 * np.ones_like(x), 0.488603 * y, 0.488603 * z, 0.488603 * x,
            1.092548 * x * y, 1.092548 * y * z, 0.315392 * (3 * z**2 - 1),
            1.092548 * x * z, 0.546274 * (x**2 - y**2),
        ], -1,
    ).astype(np.float32)  # fmt: skip


def random_shading(normals: FloatArray, lights: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(N, 3) irradiance on camera-space normals from a randomly turned environment and a lamp."""
    turn = rng.uniform(0, 2 * np.pi)
    cos, sin = np.cos(turn), np.sin(turn)
    # Camera y points down, the environment's up; spin the environment about the vertical.
    to_world = np.array([[cos, 0, -sin], [0, -1, 0], [-sin, 0, -cos]], np.float32)
    world = normals @ to_world
    light = lights[rng.integers(len(lights))] * np.float32(rng.uniform(0.5, 1.4))
    shade = harmonics(world) @ light
    lamp = rng.normal(size=3)
    lamp[2] = -abs(lamp[2])
    lamp /= np.linalg.norm(lamp)
    tint = (rng.normal(1, 0.08, 3) * rng.uniform(0, 1)).astype(np.float32)
    key = np.clip(normals @ lamp.astype(np.float32), 0, None)[:, None] * tint
    return np.clip(shade + key, 0.02, None).astype(np.float32)
