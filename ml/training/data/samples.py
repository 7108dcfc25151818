"""One training sample from its number: photo, profiled portrait, render or negative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...data import FaceBox, FloatArray, HeadCoefficients
from ...fitting.camera import FACING
from ...fitting.gauss_newton import rotation_from_vector
from ...head.arkit import EXPRESSION_NAMES
from ...photo.crop import box_from_landmarks, crop_to_photo, warp_crop
from ...rendering import vertex_normals
from .accessories import one_extra, random_outfit
from .draw import Figure, Pose, Shade, draw_head
from .portraits import Portrait, profile_colours
from .rig import Extra
from .scene import Stage, at
from .skins import Skins, random_albedo, random_shading
from .surroundings import add_occluders, random_background

PHOTO, PROFILED, RENDER, NEGATIVE = range(4)
STORED = 144
# The stored picture shows this much more than the network's crop, for turning it at load time.
MARGIN = 144 / 128
# Shares of profiled portraits that put something on, and of drawn heads with crude occluders.
DRESSED, OCCLUDED = 0.35, 0.18


@dataclass(frozen=True)
class Sample:
    """One stored sample; see generate.py for the arrays' meaning."""

    image: np.ndarray
    points: FloatArray
    point_weight: FloatArray
    coefficients: HeadCoefficients
    rotation: FloatArray
    supervision: tuple[float, float, float, float]
    kind: int


@dataclass
class Studio:
    """Everything that samples are made of. ``colours`` is filled on first use."""

    stage: Stage
    portraits: list[Portrait]
    skins: Skins
    lights: FloatArray
    scenes: list[np.ndarray]
    colours: dict[int, np.ndarray]

    def profiled(self, index: int) -> np.ndarray:
        if index not in self.colours:
            self.colours[index] = profile_colours(self.stage, self.portraits[index])
        return self.colours[index]


def make_sample(studio: Studio, kind: int, rng: np.random.Generator) -> Sample:
    """The sample of ``kind`` that ``rng`` decides."""
    makers: dict[int, Callable[[Studio, np.random.Generator], Sample]] = {
        PHOTO: _photo, PROFILED: _profiled, RENDER: _render, NEGATIVE: _negative,
    }  # fmt: skip
    return makers[kind](studio, rng)


def jittered(box: FaceBox, rng: np.random.Generator) -> FaceBox:
    """A box as a detector might draw it, enlarged to the stored margin."""
    shift = rng.normal(0, 0.06, 2) * box.size
    scale = np.exp(rng.uniform(np.log(0.82), np.log(1.3)))
    roll = rng.normal(0, 12) if rng.random() < 0.85 else rng.uniform(-75, 75)
    return FaceBox(
        (box.center[0] + float(shift[0]), box.center[1] + float(shift[1])),
        box.size * float(scale) * MARGIN,
        box.roll + float(np.radians(roll)),
    )


def into_crop(points: FloatArray, to_photo: FloatArray) -> FloatArray:
    """(L, 2) photo pixels -> pixels of the crop."""
    back = np.linalg.inv(to_photo[:, :2])
    return ((points - to_photo[:, 2]) @ back.T).astype(np.float32)


def rolled(rotation: FloatArray, roll: float) -> FloatArray:
    """The head's rotation as the crop with in-plane ``roll`` shows it."""
    return (rotation_from_vector(np.array([0, 0, -roll])) @ rotation).astype(np.float32)


def _photo(studio: Studio, rng: np.random.Generator) -> Sample:
    portrait = studio.portraits[rng.integers(len(studio.portraits))]
    box = jittered(box_from_landmarks(portrait.labels), rng)
    to_photo = crop_to_photo(box, STORED)
    image = warp_crop(portrait.rgb, to_photo, STORED)
    dense = portrait.camera.project(at(studio.stage.dense, portrait.coefficients))
    points = np.concatenate([portrait.labels, dense[len(portrait.labels) :]])
    points = into_crop(points, to_photo)
    if rng.random() < 0.15:
        image = add_occluders(image, points, rng)
    weight = np.ones(len(points), np.float32)
    weight[len(portrait.labels) :] = 0.2
    rotation = rolled(portrait.camera.rotation, box.roll)
    return Sample(image, points, weight, portrait.coefficients, rotation, (0.3, 0.5, 1, 1), PHOTO)


def _profiled(studio: Studio, rng: np.random.Generator) -> Sample:
    index = int(rng.integers(len(studio.portraits)))
    portrait = studio.portraits[index]
    identity = portrait.coefficients.identity + rng.normal(
        0, 0.3, len(portrait.coefficients.identity)
    )
    expression = portrait.coefficients.expression
    if rng.random() < 0.6:
        expression = random_expression(studio, rng)
    coefficients = HeadCoefficients(identity.astype(np.float32), expression)
    colours = studio.profiled(index).astype(np.float32)
    vertices = at(studio.stage.shape, coefficients)
    normals = vertex_normals(vertices, studio.stage.triangles)
    extras: tuple[Extra, ...] = ()
    if rng.random() < DRESSED:
        worn = one_extra(studio.stage, vertices, rng, normals)
        grey = float(np.ptp(colours[studio.stage.is_part("Face")], axis=1).mean()) < 6
        light = rng.normal(0, 0.25, 3) + np.array([0, 0.15, 0.1])
        extras = tuple(_developed(extra, grey, light) for extra in worn)
    figure = Figure(vertices, normals, colours, extras)
    tilt = rng.normal(0, 0.5, 3).astype(np.float32)

    def shade(normals: FloatArray, colours: FloatArray) -> FloatArray:
        # The photo's own light is baked in; a gentle directional gain varies it.
        return colours * np.clip(1 + normals @ tilt[:, None] * 0.6, 0.35, 1.7)

    return _drawn(studio, coefficients, figure, shade, PROFILED, (0.15, 0.7, 1, 1), rng)


def _developed(extra: Extra, grey: bool, light: FloatArray) -> Extra:
    """Albedo -> what a photo shows of it (0..255), for things added to heads made from photos."""
    glow = np.clip(0.7 + extra.normals @ light, 0.25, 1.4)[:, None]
    colours = 255 * np.clip(extra.colours * glow, 0, 1) ** (1 / 2.2)
    if grey:
        colours = np.repeat(colours.mean(1, keepdims=True), 3, 1)
    return replace(extra, colours=colours.astype(np.float32))


def _render(studio: Studio, rng: np.random.Generator) -> Sample:
    stage = studio.stage
    count = len(stage.shape.identity)
    identity = np.clip(rng.normal(0, 1, count) * rng.uniform(0.5, 1.2), -2.5, 2.5)
    coefficients = HeadCoefficients(identity.astype(np.float32), random_expression(studio, rng))
    vertices = at(stage.shape, coefficients)
    normals = vertex_normals(vertices, stage.triangles)
    outfit = random_outfit(stage, vertices, rng, normals)
    albedo = random_albedo(stage, studio.skins, outfit.hair, outfit.painted, rng)
    exposure = 1 / max(float(np.percentile(albedo[stage.is_part("Face")], 80)), 0.1)
    exposure = exposure ** rng.uniform(0.3, 1)

    def shade(normals: FloatArray, colours: FloatArray) -> FloatArray:
        light = random_shading(normals, studio.lights, rng)
        bright = np.clip(colours * light * np.float32(exposure * 0.5), 0, None)
        return np.asarray(255 * np.clip(bright / (1 + 0.25 * bright), 0, 1) ** np.float32(1 / 2.2))

    figure = Figure(vertices, normals, albedo, tuple(outfit.extras))
    return _drawn(studio, coefficients, figure, shade, RENDER, (1, 1, 1, 1), rng)


def _drawn(
    studio: Studio,
    coefficients: HeadCoefficients,
    figure: Figure,
    shade: Shade,
    kind: int,
    supervision: tuple[float, float, float, float],
    rng: np.random.Generator,
) -> Sample:
    """Draw a figure in a random pose and crop it as a detector would."""
    pose = random_pose(rng)
    dense = pose.project(at(studio.stage.dense, coefficients))
    box = jittered(box_from_landmarks(dense), rng)
    to_photo = crop_to_photo(box, STORED)
    points = into_crop(dense, to_photo)
    background = random_background(STORED, studio.scenes, rng)
    image = draw_head(studio.stage, figure, pose, to_photo, shade, background)
    if rng.random() < OCCLUDED:
        image = add_occluders(image, points, rng)
    weight = np.ones(len(points), np.float32)
    if kind == PROFILED:
        weight[478:] = 0.3
    rotation = rolled(pose.rotation, box.roll)
    return Sample(image, points, weight, coefficients, rotation, supervision, kind)


def _negative(studio: Studio, rng: np.random.Generator) -> Sample:
    """No face, or one so badly framed that the network must say so."""
    count = studio.stage.dense
    if rng.random() < 0.4:
        image = random_background(STORED, studio.scenes, rng)
        if rng.random() < 0.5:
            anywhere = rng.uniform(0, STORED, (478, 2)).astype(np.float32)
            image = add_occluders(image, anywhere, rng)
    else:
        portrait = studio.portraits[rng.integers(len(studio.portraits))]
        box = box_from_landmarks(portrait.labels)
        if rng.random() < 0.6:
            angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 1.2) * box.size
            centre = (box.center[0] + far * np.cos(angle), box.center[1] + far * np.sin(angle))
            bad = replace(box, center=centre, size=box.size * rng.uniform(0.5, 1.2))
        else:
            scale = rng.choice([rng.uniform(0.15, 0.4), rng.uniform(2.6, 5)])
            shift = rng.normal(0, 0.1, 2) * box.size
            centre = (box.center[0] + shift[0], box.center[1] + shift[1])
            bad = replace(box, center=centre, size=box.size * scale)
        bad = replace(bad, roll=rng.uniform(-np.pi, np.pi))
        image = warp_crop(portrait.rgb, crop_to_photo(bad, STORED), STORED)
    nobody = HeadCoefficients(
        np.zeros(len(count.identity), np.float32), np.zeros(len(count.expression), np.float32)
    )
    points = np.zeros((len(count.mean), 2), np.float32)
    return Sample(image, points, points[:, 0], nobody, FACING, (0, 0, 0, 0), NEGATIVE)


def random_pose(rng: np.random.Generator) -> Pose:
    """Mostly turned left and right, less up and down; near and far cameras."""
    yaw = rng.normal(0, 32) if rng.random() < 0.7 else rng.uniform(-85, 85)
    pitch = rng.normal(0, 14)
    yaw, pitch = np.clip(yaw, -88, 88), np.clip(pitch, -42, 42)
    turn = rotation_from_vector(np.radians([pitch, 0, 0])) @ rotation_from_vector(
        np.radians([0, yaw, 0])
    )
    roll = rotation_from_vector(np.radians([0, 0, rng.normal(0, 10)]))
    distance = np.exp(rng.uniform(np.log(0.45), np.log(3)))
    return Pose((roll @ FACING @ turn).astype(np.float32), float(distance))


def random_expression(studio: Studio, rng: np.random.Generator) -> FloatArray:
    """Somebody's real expression, mixed with a few random keys."""
    portrait = studio.portraits[rng.integers(len(studio.portraits))]
    base = portrait.coefficients.expression * rng.choice([0.0, 0.5, 1.0], p=[0.35, 0.15, 0.5])
    extra = np.zeros(len(base), np.float32)
    chosen = rng.choice(len(base) - 1, size=int(rng.integers(0, 7)), replace=False)
    extra[chosen] = rng.beta(1, 1.6, len(chosen))
    names = EXPRESSION_NAMES
    for name, chance in (("jawOpen", 0.3), ("mouthSmile", 0.25), ("eyeBlink", 0.15)):
        if rng.random() < chance:
            amount = rng.uniform(0, 1)
            for index in [i for i, item in enumerate(names) if item.startswith(name)]:
                extra[index] = np.clip(amount + rng.normal(0, 0.05), 0, 1)
    return np.clip(base + extra, 0, 1).astype(np.float32)
