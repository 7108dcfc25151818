"""One training sample from its number: photo, profiled portrait, render or negative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from ...data import FloatArray, HeadCoefficients
from ...fitting.camera import FACING
from ...photo.crop import box_from_landmarks, crop_to_photo, warp_crop
from .people.eyes import random_eyes
from .people.folds import random_folds
from .people.poses import jittered, random_expression, random_pose, rolled
from .people.skins import Skins, face_detail, paint_eyes, random_look, skin_tone
from .people.traits import Traits
from .picture.backgrounds import Scenes, random_background
from .picture.colour import to_srgb
from .picture.draw import SUPERSAMPLING, Figure, Mesh, Pixels, Shade, draw_head, is_kind
from .picture.film import expose
from .picture.kernels import fast_normals
from .picture.lighting import comes_from, develop, exposure, random_light, shade
from .picture.relight import add_gain
from .picture.scene import Stage, at
from .picture.visibility import hidden_by, visible_in_photo, visible_points
from .portraits import Portrait, profile_colours
from .worn.accessories import one_extra, random_outfit
from .worn.anchors import Extra
from .worn.occluders import add_occluders

PHOTO, PROFILED, RENDER, NEGATIVE = range(4)
STORED = 144
# Shares of profiled portraits that put something on, and of heads with crude occluders.
DRESSED, OCCLUDED = 0.5, 0.15
# Share of renders that borrow the detail of a real face.
BORROWED = 0.6


@dataclass(frozen=True)
class Sample:
    """One stored sample; see generate.py for the arrays' meaning. ``folds``: (D, 3) metres that
    the neutral head has beside its identity, or None."""

    image: np.ndarray
    points: FloatArray
    point_weight: FloatArray
    visible: np.ndarray
    coefficients: HeadCoefficients
    rotation: FloatArray
    supervision: tuple[float, float, float, float]
    kind: int
    folds: FloatArray | None = None
    traits: Traits = field(default_factory=Traits)


@dataclass
class Studio:
    """Everything that samples are made of. The dictionaries are filled on first use.

    size: side of the pictures. folded: whether rendered people have folds and lumps of their own.
    """

    stage: Stage
    portraits: list[Portrait]
    skins: Skins
    lights: FloatArray
    scenes: Scenes
    colours: dict[int, np.ndarray]
    details: dict[int, tuple[np.ndarray, FloatArray]]
    seen: dict[int, np.ndarray]
    size: int = STORED
    folded: bool = False

    def profiled(self, index: int) -> np.ndarray:
        """(D, 3) uint8 colours of a portrait's head."""
        if index not in self.colours:
            self.colours[index] = profile_colours(self.stage, self.portraits[index])
        return self.colours[index]

    def detail(self, index: int) -> tuple[np.ndarray, FloatArray]:
        """See skins.face_detail."""
        if index not in self.details:
            portrait, colours = self.portraits[index], self.profiled(index)
            self.details[index] = face_detail(self.stage, self.skins, portrait, colours)
        return self.details[index]

    def visible(self, index: int) -> np.ndarray:
        """(L,) bool: landmarks that a portrait shows."""
        if index not in self.seen:
            self.seen[index] = visible_in_photo(self.stage, self.portraits[index])
        return self.seen[index]

    def expression(self, rng: np.random.Generator) -> FloatArray:
        """(E,) what a random face does."""
        portrait = self.portraits[rng.integers(len(self.portraits))]
        return random_expression(portrait.coefficients.expression, rng)


def make_sample(studio: Studio, kind: int, rng: np.random.Generator) -> Sample:
    """The sample of ``kind`` that ``rng`` decides."""
    makers: dict[int, Callable[[Studio, np.random.Generator], Sample]] = {
        PHOTO: _photo,
        PROFILED: _profiled,
        RENDER: _render,
        NEGATIVE: _negative,
    }
    sample = makers[kind](studio, rng)
    return replace(sample, image=expose(sample.image, rng))


def into_crop(points: FloatArray, to_photo: FloatArray) -> FloatArray:
    """(L, 2) photo pixels -> pixels of the crop."""
    back = np.linalg.inv(to_photo[:, :2])
    return ((points - to_photo[:, 2]) @ back.T).astype(np.float32)


def _photo(studio: Studio, rng: np.random.Generator) -> Sample:
    index = int(rng.integers(len(studio.portraits)))
    portrait = studio.portraits[index]
    box = jittered(box_from_landmarks(portrait.labels), rng)
    to_photo = crop_to_photo(box, studio.size)
    image = warp_crop(portrait.rgb, to_photo, studio.size)
    dense = portrait.camera.project(at(studio.stage.dense, portrait.coefficients))
    points = np.concatenate([portrait.labels, dense[len(portrait.labels) :]])
    points = into_crop(points, to_photo)
    visible = studio.visible(index) & _inside(points, studio.size)
    if rng.random() < OCCLUDED:
        plain, image = image, add_occluders(image, points, rng)
        visible = visible & ~hidden_by(plain, image, points)
    weight = np.ones(len(points), np.float32)
    weight[len(portrait.labels) :] = 0.2
    rotation = rolled(portrait.camera.rotation, box.roll)
    return Sample(
        image, points, weight, visible, portrait.coefficients, rotation, (0.3, 0.5, 1, 1), PHOTO
    )


def _inside(points: FloatArray, size: int) -> np.ndarray:
    return np.asarray(((points >= 0) & (points < size)).all(1))


def _profiled(studio: Studio, rng: np.random.Generator) -> Sample:
    index = int(rng.integers(len(studio.portraits)))
    own = studio.portraits[index].coefficients
    identity = own.identity + rng.normal(0, 0.3, len(own.identity))
    expression = own.expression
    if rng.random() < 0.6:
        expression = studio.expression(rng)
    coefficients = HeadCoefficients(identity.astype(np.float32), expression)
    colours = studio.profiled(index).astype(np.float32)
    vertices = at(studio.stage.shape, coefficients)
    normals = fast_normals(vertices, studio.stage.triangles)
    extras: tuple[Extra, ...] = ()
    face = colours[studio.stage.is_part("Face")]
    grey = float(np.ptp(face, axis=1).mean()) < 6
    if rng.random() < DRESSED:
        worn = one_extra(studio.stage, vertices, rng, normals)
        light = rng.normal(0, 0.25, 3) + np.array([0, 0.15, 0.1])
        extras = tuple(_developed(extra, grey, light) for extra in worn)
    figure = Figure(vertices, normals, colours, extras)
    bright = float(face.mean())
    eyes, level = random_eyes(rng, bright < 100), float(np.clip(bright / 165, 0.4, 1.05))
    light_on = random_light(studio.lights, np.ones(3), rng)
    strength = float(rng.uniform(0, 0.7))

    def record(pixels: Pixels, mesh: Mesh) -> FloatArray:
        # The photo's own light is baked in; a gentle gain varies it.
        ball = is_kind(pixels.kind, "Eyeball left", "Eyeball right")
        white = to_srgb(paint_eyes(pixels.colours / 255, eyes, pixels.eye, ball)) * level
        if grey:
            white = np.repeat(white.mean(1, keepdims=True), 3, 1)
        base = np.where(ball[:, None], white, pixels.colours)
        return add_gain(light_on, replace(pixels, colours=base), mesh, strength)

    return _drawn(studio, coefficients, figure, record, PROFILED, (0.15, 0.7, 1, 1), rng)


def _developed(extra: Extra, grey: bool, light: FloatArray) -> Extra:
    """Albedo -> what a photo shows of it (0..255), for things added to heads made from photos."""
    glow = np.clip(0.7 + extra.normals @ light, 0.25, 1.4)[:, None]
    colours = to_srgb(extra.colours * glow)
    if grey:
        colours = np.repeat(colours.mean(1, keepdims=True), 3, 1)
    return replace(extra, colours=colours)


def _render(studio: Studio, rng: np.random.Generator) -> Sample:
    stage = studio.stage
    count = len(stage.shape.identity)
    identity = np.clip(rng.normal(0, 1, count) * rng.uniform(0.5, 1.2), -2.5, 2.5)
    coefficients = HeadCoefficients(identity.astype(np.float32), studio.expression(rng))
    vertices, folds, age = at(stage.shape, coefficients), None, 0.0
    if studio.folded:
        folds, age = random_folds(stage, rng)
        vertices = vertices + folds
    figure, record, traits = dressed(studio, vertices, rng)
    sample = _drawn(studio, coefficients, figure, record, RENDER, (1, 1, 1, 1), rng, folds)
    face = sample.image[_on(sample)]
    level = float(np.median(face)) / 255 if face.size else np.nan
    return replace(sample, folds=folds, traits=replace(traits, folds=age, level=level))


def _on(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the visible points of the face."""
    seen = sample.points[:478][sample.visible[:478]].astype(int)
    return seen[:, 1], seen[:, 0]


def dressed(
    studio: Studio, vertices: FloatArray, rng: np.random.Generator
) -> tuple[Figure, Shade, Traits]:
    """The head with (D, 3) ``vertices`` given skin, hair, clothes and light that nobody has."""
    stage = studio.stage
    normals = fast_normals(vertices, stage.triangles)
    outfit = random_outfit(stage, vertices, rng, normals)
    real = None
    if rng.random() < BORROWED:
        real = studio.detail(int(rng.integers(len(studio.portraits))))
    look = random_look(stage, studio.skins, real, outfit.hair, outfit.painted, rng)
    light, eyes = (
        random_light(studio.lights, rng.uniform(0.1, 0.6, 3), rng),
        random_eyes(rng, float(look.albedo[stage.is_part("Face")].mean()) < 0.16),
    )
    gain: list[float] = []

    def record(pixels: Pixels, mesh: Mesh) -> FloatArray:
        ball = is_kind(pixels.kind, "Eyeball left", "Eyeball right")
        painted = paint_eyes(pixels.colours, eyes, pixels.eye, ball)
        bright = shade(light, replace(pixels, colours=painted), mesh)
        if not gain:
            # Head first, lenses after it: they share its exposure.
            gain.append(exposure(light, bright, pixels.kind))
        return develop(light, bright, gain[0])

    figure = Figure(vertices, normals, look.albedo, tuple(outfit.extras), look.gloss)
    right, down, back = comes_from(light)
    traits = replace(
        outfit.traits,
        skin=skin_tone(stage, look.albedo),
        light_right=right,
        light_down=down,
        light_back=back,
    )
    return figure, record, traits


def _drawn(
    studio: Studio,
    coefficients: HeadCoefficients,
    figure: Figure,
    record: Shade,
    kind: int,
    supervision: tuple[float, float, float, float],
    rng: np.random.Generator,
    folds: FloatArray | None = None,
) -> Sample:
    """Draw a figure in a random pose and crop it as a detector would."""
    pose = random_pose(rng)
    places = at(studio.stage.dense, coefficients)
    if folds is not None:
        places = places + folds[studio.stage.anchor]
    dense = pose.project(places)
    box = jittered(box_from_landmarks(dense), rng)
    to_photo = crop_to_photo(box, studio.size)
    points = into_crop(dense, to_photo)
    background = random_background(studio.size, studio.scenes, rng)
    drawing = draw_head(studio.stage, figure, pose, to_photo, record, background)
    visible = visible_points(
        studio.stage,
        pose.to_camera(places),
        figure.normals @ pose.rotation.T,
        points * SUPERSAMPLING,
        drawing,
    )
    image = drawing.image
    if rng.random() < OCCLUDED:
        image = add_occluders(image, points, rng)
        visible = visible & ~hidden_by(drawing.image, image, points)
    weight = np.ones(len(points), np.float32)
    if kind == PROFILED:
        weight[478:] = 0.3
    rotation = rolled(pose.rotation, box.roll)
    return Sample(image, points, weight, visible, coefficients, rotation, supervision, kind)


def _negative(studio: Studio, rng: np.random.Generator) -> Sample:
    """No face, or one so badly framed that the network must say so."""
    count = studio.stage.dense
    if rng.random() < 0.4:
        image = random_background(studio.size, studio.scenes, rng)
        if rng.random() < 0.5:
            anywhere = rng.uniform(0, studio.size, (478, 2)).astype(np.float32)
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
        image = warp_crop(portrait.rgb, crop_to_photo(bad, studio.size), studio.size)
    nobody = HeadCoefficients(
        np.zeros(len(count.identity), np.float32), np.zeros(len(count.expression), np.float32)
    )
    points = np.zeros((len(count.mean), 2), np.float32)
    weight = points[:, 0]
    return Sample(image, points, weight, weight > 0, nobody, FACING, (0, 0, 0, 0), NEGATIVE)
