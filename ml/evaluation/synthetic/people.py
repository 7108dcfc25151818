"""Photos of people who do not exist, for the synthetic ruler.

Shapes come straight from ICT-FaceKit and MakeHuman, not from Effigy's own modes, and skins are
those that training never saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from ...data import ByteArray, FaceBox, FloatArray
from ...fitting.camera import FACING
from ...geometry.rotations import rotation_from_vector
from ...head.model import HeadModel
from ...photo.crop import crop_to_photo
from ...training.data.people.dressed import dressed
from ...training.data.people.folds import random_folds
from ...training.data.people.skins import KEPT_OUT, load_skins
from ...training.data.picture.backgrounds import random_background
from ...training.data.picture.draw import NOTHING, Drawing, Figure, OrbitCamera, Shot, draw_head
from ...training.data.picture.film import expose
from ...training.data.studio import Studio, open_studio
from ...training.head.statistics.correspondence import make_transfer
from ...training.head.statistics.population import (
    age_shares,
    average_weights,
    people,
    people_weights,
)
from ...training.head.statistics.sources import read_ict, read_makehuman

SEED, FOLD_SEED = 4242, 977
SIDE = 448
# The picture is this many times as wide as the head's landmarks reach.
ROOM = 1.3
# Yaw in degrees of each person's views: nearly frontal, turned, far turned.
YAWS = ((0, 12), (12, 30), (30, 60))


class Person(NamedTuple):
    """Somebody who does not exist.

    source: "ict" or "makehuman". shape: (V, 3) metres, on the reference's vertices.
    age: "child", "young", "middle-aged" or "old"; empty where the source does not say.
    """

    source: str
    shape: FloatArray
    age: str = ""


@dataclass(frozen=True)
class Stand:
    """How one picture was made: the dressed head, the camera and the picture before the film.

    to_photo: (2, 3) the crop, see :func:`ml.photo.crop.crop_to_photo`.
    """

    figure: Figure
    camera: OrbitCamera
    to_photo: FloatArray
    drawing: Drawing


@dataclass(frozen=True)
class View:
    """One picture with everything that is true about it.

    Attributes
    ----------
    rgb: (S, S, 3) uint8. person: number; source: "ict" or "makehuman". neutral: (V, 3) metres, on
    the reference's vertices. expression: (E,). rotation: (3, 3) head -> camera. yaw: degrees.
    points: (L, 2) pixels of the dense landmarks. age: see Person. tone: of the skin, the
    individual typology angle in degrees: above 41 light, below 10 dark. borrowed: whether its
    detail comes from a real face. shown: (S, S) bool, where the person is. stand: how the picture
    was made, if that was asked for.
    """

    rgb: ByteArray
    person: int
    source: str
    neutral: FloatArray
    expression: FloatArray
    rotation: FloatArray
    yaw: float
    points: FloatArray
    age: str = ""
    tone: float = 0.0
    borrowed: bool = False
    shown: np.ndarray | None = None
    stand: Stand | None = None


def kept_out_studio(data: Path, reference: Path, fits: Path) -> Studio:
    """The data engine's studio with other skins."""
    studio = open_studio(data, reference, fits)
    textures = [data / "skins" / name for name in KEPT_OUT]
    return replace(studio, skins=load_skins(data, studio.stage, textures))


def random_people(data: Path, count: int, rng: np.random.Generator) -> list[Person]:
    """``count`` people, their sources in turn."""
    ict, makehuman = read_ict(data), read_makehuman(data)
    transfer = make_transfer(data, ict, makehuman)
    average = transfer.carry(people(makehuman, average_weights(makehuman)[None])[0])
    rows: list[Person] = []
    for number in range(count):
        if number % 2 == 0:
            modes = np.clip(rng.normal(size=len(ict.identity)), -2.5, 2.5).astype(np.float32)
            rows.append(Person("ict", ict.mean + np.tensordot(modes, ict.identity, 1)))
        else:
            weights = people_weights(makehuman, 1, rng)
            made = transfer.carry(people(makehuman, weights)[0])
            age = age_group(age_shares(makehuman, weights[0]))
            # MakeHuman's own average face is not ICT's: only how a person differs counts.
            rows.append(Person("makehuman", ict.mean + made - average, age))
    return rows


def age_group(shares: dict[str, float]) -> str:
    """The name of an age from population.age_shares."""
    if shares["child"] > 0:
        return "child"
    return ("young", "middle-aged", "old")[min(int(3 * shares["old"]), 2)]


def views(
    studio: Studio,
    reference: HeadModel,
    data: Path,
    count: int,
    seed: int = SEED,
    stands: bool = False,
    folded: bool = False,
    yaws: Sequence[tuple[int, int]] = YAWS,
) -> Iterator[View]:
    """A view of each of ``count`` people in every span of ``yaws``, degrees; ``stands``: with how
    each was made; ``folded``: of people who have folds and lumps of their own, from seeds that no
    training has."""
    rng = np.random.default_rng(seed)
    for number, person in enumerate(random_people(data, count, rng)):
        shape = person.shape.astype(np.float32)
        if folded:
            folds, _ = random_folds(studio.stage, np.random.default_rng([FOLD_SEED, number]))
            shape[studio.stage.vertices] += folds
        for span in yaws:
            view = _view(studio, reference, shape, span, rng)
            view = replace(view, person=number, source=person.source, age=person.age)
            yield view if stands else replace(view, stand=None)


def _view(
    studio: Studio,
    reference: HeadModel,
    neutral: FloatArray,
    span: tuple[int, int],
    rng: np.random.Generator,
) -> View:
    expression = studio.expression(rng)
    moved = neutral + np.tensordot(expression, reference.shape.expression, 1)
    points = reference.embeddings["dense"].on(moved.astype(np.float32))
    yaw = float(rng.uniform(*span) * rng.choice([-1, 1]))
    camera = _camera(yaw, rng)
    head = dressed(studio, moved[studio.stage.vertices].astype(np.float32), rng)
    flat = camera.project(points)
    extent = float(np.ptp(flat, axis=0).max())
    # Centred on the optical axis, so that the picture's middle is the principal point.
    to_photo = crop_to_photo(FaceBox((0.0, 0.0), extent * ROOM), SIDE)
    shot = Shot(camera, to_photo, random_background(SIDE, studio.scenes, rng))
    drawing = draw_head(studio.stage, head.figure, shot, head.shade)
    pixels = ((flat - to_photo[:, 2]) @ np.linalg.inv(to_photo[:, :2]).T).astype(np.float32)
    shown = (drawing.kind != NOTHING).astype(np.uint8)
    return View(
        expose(drawing.image, rng),
        -1,
        "",
        neutral,
        expression,
        camera.rotation,
        yaw,
        pixels,
        tone=head.traits.skin,
        borrowed=head.borrowed,
        shown=cv2.resize(shown, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST) > 0,
        stand=Stand(head.figure, camera, to_photo, drawing),
    )


def _camera(yaw: float, rng: np.random.Generator) -> OrbitCamera:
    pitch = float(np.clip(rng.normal(0, 8), -20, 20))
    about_x, about_y, about_z = (
        rotation_from_vector(np.radians(turn) * axis).astype(np.float32)
        for turn, axis in zip((pitch, yaw, rng.normal(0, 6)), np.eye(3), strict=True)
    )
    rotation = about_z @ FACING @ about_x @ about_y
    distance = float(np.exp(rng.uniform(np.log(0.6), np.log(2.5))))
    return OrbitCamera(rotation.astype(np.float32), distance)
