"""One training sample from its number: photo, profiled portrait, render or negative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...data import FaceBox, FloatArray, HeadCoefficients
from ...fitting.camera import FACING
from ...geometry.colour import srgb_of
from ...photo.crop import box_from_landmarks, crop_to_photo, warp_crop
from .fits import at_rest
from .people.dressed import dressed
from .people.eyes import Eyes, random_eyes
from .people.folds import random_folds
from .people.poses import jittered, random_camera, rolled
from .people.skins import paint_eyes
from .people.tongue import tongue_put_out
from .picture.draw import SUPERSAMPLING, Figure, OpaqueMesh, Pixels, Shade, Shot, draw_head, is_kind
from .picture.film import expose
from .picture.kernels import fast_normals
from .picture.lighting import Light, random_light
from .picture.relight import add_gain
from .picture.scene import Stage
from .picture.visibility import hidden_by, visible_in_photo, visible_points
from .portraits import profile_colours
from .stored import NEGATIVE, PHOTO, PROFILED, RENDER, Sample
from .studio import Studio
from .worn.accessories import one_extra
from .worn.extra import Extra
from .worn.occluders import add_occluders

# Shares of profiled portraits that put something on, and of heads with crude occluders.
DRESSED, OCCLUDED = 0.5, 0.15
# How much identity, expression, rotation and the answer "a face" of each kind count. Shape labels
# count fully only where geometry, light and picture agree.
SUPERVISION = {
    PHOTO: (0.3, 0.5, 1, 1),
    PROFILED: (0.15, 0.7, 1, 1),
    RENDER: (1, 1, 1, 1),
    NEGATIVE: (0, 0, 0, 0),
}


@dataclass(frozen=True)
class Subject:
    """A person to be drawn.

    Attributes
    ----------
    figure: the dressed head; shade: what a camera records of it. folds: (D, 3) metres that its
    neutral head has beside its identity, or None.
    """

    coefficients: HeadCoefficients
    figure: Figure
    shade: Shade
    folds: FloatArray | None = None

    def bumps(self, stage: Stage) -> FloatArray | None:
        """(L, 6) what the folds do at the landmarks; see Sample."""
        if self.folds is None:
            return None
        smooth = fast_normals(stage.shape.at(self.coefficients), stage.triangles)
        bent = (self.figure.normals - smooth)[stage.anchor]
        return np.concatenate([self.folds[stage.anchor], bent], 1)


def make_sample(studio: Studio, kind: int, rng: np.random.Generator) -> Sample:
    """A random sample of ``kind``."""
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
    portrait, size = studio.portrait(rng), studio.options.size
    box = jittered(box_from_landmarks(portrait.labels), rng)
    to_photo = crop_to_photo(box, size)
    image = warp_crop(portrait.rgb, to_photo, size)
    dense = portrait.camera.project(studio.stage.dense.at(portrait.coefficients))
    points = np.concatenate([portrait.labels, dense[len(portrait.labels) :]])
    points = into_crop(points, to_photo)
    inside = ((points >= 0) & (points < size)).all(1)
    visible = visible_in_photo(studio.stage, portrait) & inside
    if rng.random() < OCCLUDED:
        plain, image = image, add_occluders(image, points, rng)
        visible = visible & ~hidden_by(plain, image, points)
    weight = np.ones(len(points), np.float32)
    weight[len(portrait.labels) :] = 0.2
    rotation = rolled(portrait.camera.rotation, box.roll)
    return Sample(
        image, points, weight, visible, portrait.coefficients, rotation, SUPERVISION[PHOTO], PHOTO
    )


def _profiled(studio: Studio, rng: np.random.Generator) -> Sample:
    portrait = studio.portrait(rng)
    own = portrait.coefficients
    identity = own.identity + rng.normal(0, 0.3, len(own.identity))
    expression = own.expression
    if rng.random() < 0.6:
        expression = studio.expression(rng)
    coefficients = HeadCoefficients(identity.astype(np.float32), expression)
    colours = profile_colours(studio.stage, portrait).astype(np.float32)
    vertices = studio.stage.shape.at(coefficients)
    normals = fast_normals(vertices, studio.stage.triangles)
    extras: tuple[Extra, ...] = ()
    face = colours[studio.stage.is_part("Face")]
    grey = float(np.ptp(face, axis=1).mean()) < 6
    if rng.random() < DRESSED:
        worn = one_extra(studio.stage, vertices, rng, normals)
        light = rng.normal(0, 0.25, 3) + np.array([0, 0.15, 0.1])
        extras = tuple(developed(extra, grey, light) for extra in worn)
    bright = float(face.mean())
    eyes, level = random_eyes(rng, bright < 100), float(np.clip(bright / 165, 0.4, 1.05))
    light_on = random_light(studio.lights, np.ones(3), rng)
    shade = _relit(light_on, eyes, level, grey, float(rng.uniform(0, 0.7)))
    figure = Figure(vertices, normals, colours, extras)
    return _drawn(studio, Subject(coefficients, figure, shade), PROFILED, rng)


def _relit(light: Light, eyes: Eyes, level: float, grey: bool, strength: float) -> Shade:
    """The photo's own light is baked into its colours; a gentle gain varies it."""

    def record(pixels: Pixels, mesh: OpaqueMesh) -> FloatArray:
        ball = is_kind(pixels.kind, "Eyeball left", "Eyeball right")
        white = srgb_of(paint_eyes(pixels.colours / 255, eyes, pixels.eye, ball)) * level
        if grey:
            white = np.repeat(white.mean(1, keepdims=True), 3, 1)
        base = np.where(ball[:, None], white, pixels.colours)
        return add_gain(light, replace(pixels, colours=base), mesh, strength)

    return record


def developed(extra: Extra, grey: bool, light: FloatArray) -> Extra:
    """Albedo -> what a photo shows of it (0..255), for things added to heads made from photos."""
    glow = np.clip(0.7 + extra.normals @ light, 0.25, 1.4)[:, None]
    colours = srgb_of(extra.colours * glow)
    if grey:
        colours = np.repeat(colours.mean(1, keepdims=True), 3, 1)
    return replace(extra, colours=colours)


def _render(studio: Studio, rng: np.random.Generator) -> Sample:
    stage = studio.stage
    count = len(stage.shape.identity)
    identity = np.clip(rng.normal(0, 1, count) * rng.uniform(0.5, 1.2), -2.5, 2.5)
    coefficients = HeadCoefficients(identity.astype(np.float32), studio.expression(rng))
    vertices, folds, age = stage.shape.at(coefficients), None, 0.0
    if studio.options.folded:
        folds, age = random_folds(stage, rng)
        vertices = vertices + folds
    head = dressed(studio, vertices, rng)
    tongue = tongue_put_out(coefficients, rng)
    figure = replace(head.figure, extras=(*head.figure.extras, *tongue))
    sample = _drawn(studio, Subject(coefficients, figure, head.shade, folds), RENDER, rng)
    column, row = sample.points[:478][sample.visible[:478]].astype(int).T
    face = sample.image[row, column]
    level = float(np.median(face)) / 255 if face.size else np.nan
    return replace(sample, traits=replace(head.traits, folds=age, level=level))


def _drawn(studio: Studio, subject: Subject, kind: int, rng: np.random.Generator) -> Sample:
    """Draw the subject in a random pose and crop the picture as a detector would."""
    camera = random_camera(rng)
    places = studio.stage.dense.at(subject.coefficients)
    if subject.folds is not None:
        places = places + subject.folds[studio.stage.anchor]
    dense = camera.project(places)
    box = jittered(box_from_landmarks(dense), rng)
    to_photo = crop_to_photo(box, studio.options.size)
    points = into_crop(dense, to_photo)
    shot = Shot(camera, to_photo, studio.background(rng))
    drawing = draw_head(studio.stage, subject.figure, shot, subject.shade)
    visible = visible_points(
        studio.stage,
        camera.to_camera_space(places),
        subject.figure.normals @ camera.rotation.T,
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
    rotation = rolled(camera.rotation, box.roll)
    return Sample(
        image,
        points,
        weight,
        visible,
        subject.coefficients,
        rotation,
        SUPERVISION[kind],
        kind,
        subject.folds,
        subject.bumps(studio.stage),
    )


def _negative(studio: Studio, rng: np.random.Generator) -> Sample:
    """No face, or one so badly framed that the network must say so."""
    size, shape = studio.options.size, studio.stage.dense
    if rng.random() < 0.4:
        image = studio.background(rng)
        if rng.random() < 0.5:
            anywhere = rng.uniform(0, size, (478, 2)).astype(np.float32)
            image = add_occluders(image, anywhere, rng)
    else:
        portrait = studio.portrait(rng)
        box = _misplaced(box_from_landmarks(portrait.labels), rng)
        image = warp_crop(portrait.rgb, crop_to_photo(box, size), size)
    points = np.zeros((len(shape.mean), 2), np.float32)
    weight = points[:, 0]
    return Sample(
        image, points, weight, weight > 0, at_rest(shape), FACING, SUPERVISION[NEGATIVE], NEGATIVE
    )


def _misplaced(box: FaceBox, rng: np.random.Generator) -> FaceBox:
    """A box beside the face, or far too small or too large for it; turned anyhow."""
    if rng.random() < 0.6:
        angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 1.2) * box.size
        shift = np.array([far * np.cos(angle), far * np.sin(angle)])
        scale = rng.uniform(0.5, 1.2)
    else:
        scale = rng.choice([rng.uniform(0.15, 0.4), rng.uniform(2.6, 5)])
        shift = rng.normal(0, 0.1, 2) * box.size
    centre = (box.center[0] + shift[0], box.center[1] + shift[1])
    return replace(box, center=centre, size=box.size * scale, roll=rng.uniform(-np.pi, np.pi))
