"""Light on drawn heads: an environment, lamps that cast shadows, and shine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ....data import FloatArray
from ....geometry.colour import srgb_of
from ....rendering import harmonics_of, rasterize
from ..worn.extra import dot, unit
from .draw import OpaqueMesh, Pixels, is_kind

_MAP, _WIDE = 144, 0.5  # cells of a shadow map and the metres it spans
# Light goes round the terminator inside skin, red further than blue.
_WRAP = np.array([0.38, 0.2, 0.12], np.float32)
_COSINE = np.array([1, 2 / 3, 2 / 3, 2 / 3, 0.25, 0.25, 0.25, 0.25, 0.25])


@dataclass(frozen=True)
class Lamp:
    """A distant lamp: ``way`` (3,) towards it in camera space, ``colour`` (3,) linear.

    soft: size of the half-shadow, cells of the shadow map. casts: whether it makes shadows.
    """

    way: FloatArray
    colour: FloatArray
    soft: float
    casts: bool


@dataclass(frozen=True)
class Light:
    """An environment (9, 3) in camera space's harmonics, and lamps.

    window: (3,) direction of the reflection seen in eyes. level: what the skin's mean comes to.
    """

    environment: FloatArray
    turn: FloatArray
    lamps: tuple[Lamp, ...]
    window: FloatArray
    level: float
    contrast: float


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
        basis = harmonics_of(np.stack([x, y, z], -1).reshape(-1, 3))
        coefficients = basis.T @ (light * area).reshape(-1, 3)
        coefficients *= _COSINE[:, None]
        lights.append(coefficients / coefficients[0].mean() * 3.5449)
    return np.stack(lights).astype(np.float32)


def random_light(lights: FloatArray, around: np.ndarray, rng: np.random.Generator) -> Light:
    """A turned environment, tinted by the (3,) linear mean colour ``around``, and 0 to 2 lamps."""
    turn = rng.uniform(0, 2 * np.pi)
    cos, sin = np.cos(turn), np.sin(turn)
    # Camera y points down, the environment's up; spin the environment about the vertical.
    to_world = np.array([[cos, 0, -sin], [0, -1, 0], [-sin, 0, -cos]], np.float32)
    environment = lights[rng.integers(len(lights))].copy()
    # Flatter light is commoner in portraits than these maps are.
    environment[1:] *= rng.uniform(0.35, 1.1)
    grey = environment[0].mean()
    environment *= (environment[0] / grey) ** (-rng.uniform(0, 1))
    if rng.random() < 0.5:
        tint = (around + 0.05) / (around.mean() + 0.05)
        environment *= tint ** rng.uniform(0, 0.5)
    count = int(rng.choice([0, 1, 2], p=[0.25, 0.55, 0.2]))
    lamps = tuple(_random_lamp(rng, index == 0) for index in range(count))
    window = unit(np.array([rng.normal(0, 0.4), -abs(rng.normal(0.4, 0.3)), -1]))
    return Light(
        environment.astype(np.float32),
        to_world,
        lamps,
        window,
        float(np.exp(rng.normal(np.log(0.27), 0.45))),
        rng.uniform(0.0, 0.5),
    )


def comes_from(light: Light) -> FloatArray:
    """(3,) camera axes: where most of the light comes from; short if it comes from all over."""
    first = (
        light.environment[[3, 1, 2]].mean(1)
        @ light.turn.T
        / max(float(light.environment[0].mean()), 1e-6)
    )
    total = sum((lamp.way * lamp.colour.mean() for lamp in light.lamps), first)
    return np.asarray(total / (1 + np.linalg.norm(total)), np.float32)


def hardness(light: Light) -> float:
    """0..1: the share of the light on a surface that faces it which comes from the lamp that casts
    shadows."""
    around = 0.282095 * float(light.environment[0].mean())
    casting = sum(float(lamp.colour.mean()) for lamp in light.lamps if lamp.casts)
    return casting / max(casting + around, 1e-6)


def _random_lamp(rng: np.random.Generator, casts: bool) -> Lamp:
    # Mostly above and before the head, sometimes beside or behind it.
    way = rng.normal(0, 1, 3) + np.array([0, -0.7, -0.9])
    if rng.random() < 0.15:
        way[2] = abs(way[2])
    colour = np.exp(rng.normal(0, 0.5)) * (1 + rng.normal(0, 1) * np.array([0.14, 0, -0.16]))
    if rng.random() < 0.06:
        colour = colour * rng.uniform(0.3, 1.5, 3)
    return Lamp(
        unit(way), np.clip(colour, 0, None).astype(np.float32), float(rng.uniform(0.3, 3.5)), casts
    )


def shade(light: Light, pixels: Pixels, mesh: OpaqueMesh) -> FloatArray:
    """(N, 3) linear light that leaves the pixels for the camera."""
    normals = pixels.normals
    view = unit(-pixels.places)
    facing = dot(normals, view)
    # Both sides of ribbons are seen.
    normals = np.where((facing < 0)[:, None], -normals, normals)
    facing = np.abs(facing)
    around = np.clip(harmonics_of(normals @ light.turn) @ light.environment, 0.02, None)
    lit = around * (pixels.open * (0.6 + 0.4 * pixels.open))[:, None]
    eye = is_kind(pixels.kind, "Eyeball left", "Eyeball right")
    wrap = np.where((pixels.kind < 2)[:, None], _WRAP, 0.05).astype(np.float32)
    shine = np.zeros(len(normals), np.float32)[:, None] * light.environment[0]
    for lamp in light.lamps:
        toward = normals @ lamp.way
        reaches = shadow(lamp, pixels, mesh) if lamp.casts else pixels.open
        falls = np.clip((toward[:, None] + wrap) / (1 + wrap), 0, None) * reaches[:, None]
        lit += falls * lamp.colour
        shine += highlight(normals, view, lamp.way, eye)[:, None] * reaches[:, None] * lamp.colour
    edge = np.square(1 - facing)
    glow = 0.04 + 0.9 * edge * edge * (1 - facing)
    bounced = 2 * normals * facing[:, None] - view
    mirrored = np.clip(harmonics_of(bounced @ light.turn) @ light.environment, 0, None)
    shine += (glow * pixels.open)[:, None] * mirrored
    window = highlight(normals, view, light.window, eye) * eye
    shine += window[:, None] * light.environment[0] * 0.6
    inside = is_kind(pixels.kind, "Mouth socket", "Gums and tongue", "Teeth")
    lit *= np.where(inside, 0.35 + 0.3 * pixels.open, 1)[:, None]
    return np.asarray(pixels.colours * lit + pixels.gloss[:, None] * shine, dtype=np.float32)


def highlight(
    normals: FloatArray, view: FloatArray, way: FloatArray, eye: np.ndarray
) -> FloatArray:
    """(N,) Blinn's highlight: broad on skin, a point on wet eyes."""
    power = np.clip(dot(normals, unit(view + way)), 0, 1).astype(np.float32)
    # Squared again and again: NumPy's own powers take most of the time there is.
    powers = [power := power * power for _ in range(8)]
    return np.where(eye, powers[7] * 14, powers[3] * 0.7 + powers[5] * 0.8).astype(np.float32)


def shadow(lamp: Lamp, pixels: Pixels, mesh: OpaqueMesh) -> FloatArray:
    """(N,) 0..1 share of the lamp that reaches each pixel."""
    beside = unit(np.cross(lamp.way, [0.3, 1, 0.2]))
    basis = np.stack([beside, np.cross(lamp.way, beside), -lamp.way], 1).astype(np.float32)
    middle = pixels.places.mean(0)
    scale = np.array([_MAP / _WIDE, _MAP / _WIDE, 1], np.float32)
    shift = np.array([_MAP / 2, _MAP / 2, 2.0], np.float32)
    seen = rasterize(
        (mesh.points - middle) @ basis * scale + shift, mesh.triangles, _MAP, _MAP
    ).depth
    # What touches its own shadow is moved off by a few millimetres, or it would speckle.
    lifted = pixels.places + pixels.normals * np.float32(0.004)
    place = (lifted - middle) @ basis * scale + shift
    reaches = np.zeros(len(place), np.float32)
    depth = place[:, 2] - 0.004
    for dx, dy in ((-1, -0.4), (0.4, -1), (1, 0.4), (-0.4, 1)):
        column = np.clip((place[:, 0] + dx * lamp.soft).astype(np.int32), 0, _MAP - 1)
        row = np.clip((place[:, 1] + dy * lamp.soft).astype(np.int32), 0, _MAP - 1)
        reaches += depth < seen[row, column]
    return reaches / 4


def develop(light: Light, linear: FloatArray, gain: float) -> FloatArray:
    """(N, 3) linear light -> sRGB 0..255 with a film's shoulder."""
    bright = linear * np.float32(gain)
    shoulder = 0.1 + light.contrast
    return srgb_of(bright * (1 + shoulder * 0.5) / (1 + shoulder * bright))


def exposure(light: Light, linear: FloatArray, kind: np.ndarray) -> float:
    """The gain that brings the skin (or all, without skin) near the light's level."""
    skin = linear[kind < 2] if (kind < 2).sum() > 50 else linear
    mean = max(float(skin.mean()), 1e-4)
    # Dark skin stays darker than pale skin, if less than it would on a fixed exposure.
    return float(light.level * (mean / light.level) ** 0.4 / mean)
