"""Rendered views of random people of whom everything is known.

Shapes come straight from ICT-FaceKit and MakeHuman, not from Effigy's own modes, and skins are
those that training never saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import cv2
import numpy as np
from tqdm import tqdm

from ...data import ByteArray, FaceBox, FloatArray, Photo
from ...fitting.camera import FACING
from ...geometry.rotations import rotation_from_vector
from ...head.model import HeadModel
from ...photo.crop import crop_to_photo
from ...training.data.people.creases import openness
from ...training.data.people.dressed import dressed
from ...training.data.people.eyes import Eyes
from ...training.data.people.folds import random_folds
from ...training.data.people.skins import KEPT_OUT, load_skins
from ...training.data.picture.backgrounds import random_background
from ...training.data.picture.draw import NOTHING, Drawing, Figure, OrbitCamera, Shot, draw_head
from ...training.data.picture.film import expose
from ...training.data.studio import Studio, open_studio
from ...training.data.worn.extra import Extra
from ...training.head.statistics.correspondence import make_transfer
from ...training.head.statistics.population import (
    age_shares,
    average_weights,
    people,
    people_weights,
)
from ...training.head.statistics.sources import read_ict, read_makehuman
from .kept_out import KeptOut

FOLD_SEED = 977
SIDE = 448
# The picture is this many times as wide as the head's landmarks reach.
ROOM = 1.3
# Yaw in degrees of each person's views: nearly frontal, turned, far turned.
YAWS = ((0, 12), (12, 30), (30, 60))
# Spans of yaw, either way, whose views are summarised together.
POSES = {"to 30 degrees": (0.0, 30.0), "30 to 60 degrees": (30.0, 60.0)}


@dataclass(frozen=True)
class Crowd:
    """Which people are rendered, and from where.

    Attributes
    ----------
    seed: of the people and their pictures. yaws: spans of degrees, one view in each.
    folded: whether people have folds and lumps of their own, from seeds that no training has.
    same_dress: whether all views of a person show one skin, clothes and light.
    """

    seed: int = 4242
    yaws: Sequence[tuple[int, int]] = YAWS
    folded: bool = False
    same_dress: bool = False


SMOOTH, FOLDED = Crowd(), Crowd(folded=True)


class RandomPerson(NamedTuple):
    """The shape of a random person.

    source: "ict" or "makehuman". shape: (V, 3) metres, on the reference's vertices.
    age: "child", "young", "middle-aged" or "old"; empty where the source does not say.
    """

    source: str
    shape: FloatArray
    age: str = ""


@dataclass(frozen=True)
class Rendering:
    """How a view's picture was made.

    Attributes
    ----------
    figure: the dressed head. camera: what it was drawn by. drawing: the picture before the film.
    to_photo: (2, 3) the crop, see :func:`ml.photo.crop.crop_to_photo`. eyes: how they are painted.
    """

    figure: Figure
    camera: OrbitCamera
    to_photo: FloatArray
    drawing: Drawing
    eyes: Eyes


@dataclass(frozen=True)
class RenderedView:
    """One picture with everything that is true about it.

    Attributes
    ----------
    rgb: (S, S, 3) uint8. person: number; source: "ict" or "makehuman". neutral: (V, 3) metres, on
    the reference's vertices. expression: (E,). rotation: (3, 3) head -> camera. yaw: degrees.
    points: (L, 2) pixels of the dense landmarks. age: see RandomPerson. tone: of the skin, the
    individual typology angle in degrees: above 41 light, below 10 dark. borrowed: whether its
    detail comes from a real face. painted: whether what is not shape lies on the skin, a real
    face's detail, a beard or glasses. hard: see lighting.hardness. shown: (S, S) bool, where the
    person is. rendering: how the picture was made; large, so whoever keeps views drops it.
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
    painted: bool = False
    hard: float = 0.0
    shown: np.ndarray | None = None
    rendering: Rendering | None = None

    @property
    def photo(self) -> Photo:
        """The picture as a photo that comes from no file."""
        return Photo(self.rgb, Path("synthetic.png"), "")


class _WithYaw(Protocol):
    @property
    def yaw(self) -> float: ...


Row = TypeVar("Row", bound=_WithYaw)


def by_pose(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """What was measured on views, by the names of POSES."""
    return {
        pose: [row for row in rows if low <= abs(row.yaw) < high]
        for pose, (low, high) in POSES.items()
    }


def kept_out_studio(kept_out: KeptOut) -> Studio:
    """The studio that training renders its samples in, with other skins."""
    data = kept_out.data
    studio = open_studio(data, kept_out.reference, kept_out.fits)
    textures = [data / "skins" / name for name in KEPT_OUT]
    return replace(studio, skins=load_skins(data, studio.stage, textures))


def random_people(data: Path, count: int, rng: np.random.Generator) -> list[RandomPerson]:
    """``count`` people, their sources in turn."""
    ict, makehuman = read_ict(data), read_makehuman(data)
    transfer = make_transfer(data, ict, makehuman)
    average = transfer.carry(people(makehuman, average_weights(makehuman)[None])[0])
    rows: list[RandomPerson] = []
    for number in range(count):
        if number % 2 == 0:
            modes = np.clip(rng.normal(size=len(ict.identity)), -2.5, 2.5).astype(np.float32)
            rows.append(RandomPerson("ict", ict.mean + np.tensordot(modes, ict.identity, 1)))
        else:
            weights = people_weights(makehuman, 1, rng)
            made = transfer.carry(people(makehuman, weights)[0])
            age = age_group(age_shares(makehuman, weights[0]))
            # MakeHuman's own average face is not ICT's: only how a person differs counts.
            rows.append(RandomPerson("makehuman", ict.mean + made - average, age))
    return rows


def age_group(shares: dict[str, float]) -> str:
    """The name of an age from population.age_shares."""
    if shares["child"] > 0:
        return "child"
    return ("young", "middle-aged", "old")[min(int(3 * shares["old"]), 2)]


def rendered_views(kept_out: KeptOut, crowd: Crowd = SMOOTH) -> Iterator[RenderedView]:
    """A view of each person in every span of the crowd's yaws, person by person, with a bar.

    Raises
    ------
    UsageError: the reference head or the fits have not been made.
    """
    kept_out.check()
    return _rendered(kept_out, crowd)


def _rendered(kept_out: KeptOut, crowd: Crowd) -> Iterator[RenderedView]:
    studio, reference = kept_out_studio(kept_out), kept_out.head
    rng = np.random.default_rng(crowd.seed)
    total = kept_out.people * len(crowd.yaws)
    with tqdm(desc="rendered people", total=total, leave=False) as bar:
        for number, person in enumerate(random_people(kept_out.data, kept_out.people, rng)):
            shape, creases = person.shape.astype(np.float32), None
            if crowd.folded:
                folds, _ = random_folds(studio.stage, np.random.default_rng([FOLD_SEED, number]))
                shape[studio.stage.vertices] += folds
                creases = openness(studio.stage, folds)
            dress = (crowd.seed, number) if crowd.same_dress else None
            body = Body(shape, creases, dress=dress)
            for span in crowd.yaws:
                view = rendered_view(studio, reference, body, span, rng)
                yield replace(view, person=number, source=person.source, age=person.age)
                bar.update()


class Body(NamedTuple):
    """A person to be drawn.

    neutral: (V, 3) at rest. creases: (D,) the light that reaches folds; None: all of it.
    expression: (E,); None: a usual one. extras: what it wears beside random things.
    dress: seed of skin, clothes and light; None: each view has its own.
    """

    neutral: FloatArray
    creases: FloatArray | None = None
    expression: FloatArray | None = None
    extras: tuple[Extra, ...] = ()
    dress: tuple[int, int] | None = None


def rendered_view(
    studio: Studio,
    reference: HeadModel,
    body: Body,
    span: tuple[int, int],
    rng: np.random.Generator,
) -> RenderedView:
    """The body turned by a yaw within ``span``, either way; it is nobody's yet."""
    expression = studio.usual_expression(rng) if body.expression is None else body.expression
    moved = body.neutral + np.tensordot(expression, reference.shape.expression, 1)
    points = reference.landmark_sets["dense"].on(moved.astype(np.float32))
    yaw = float(rng.uniform(*span) * rng.choice([-1, 1]))
    camera = _camera(yaw, rng)
    worn = rng if body.dress is None else np.random.default_rng(body.dress)
    head = dressed(studio, moved[studio.stage.vertices].astype(np.float32), worn)
    figure = _as_of(body, head.figure)
    flat = camera.project(points)
    # Centred on the optical axis, so that the picture's middle is the principal point.
    to_photo = crop_to_photo(FaceBox((0.0, 0.0), ROOM * float(np.ptp(flat, axis=0).max())), SIDE)
    shot = Shot(camera, to_photo, random_background(SIDE, studio.scenes, rng))
    drawing = draw_head(studio.stage, figure, shot, head.shade)
    pixels = ((flat - to_photo[:, 2]) @ np.linalg.inv(to_photo[:, :2]).T).astype(np.float32)
    shown = (drawing.kind != NOTHING).astype(np.uint8)
    return RenderedView(
        expose(drawing.image, rng),
        -1,
        "",
        body.neutral,
        expression,
        camera.rotation,
        yaw,
        pixels,
        tone=head.traits.skin,
        borrowed=head.borrowed,
        painted=bool(head.borrowed or head.traits.beard or head.traits.glasses),
        hard=head.hard,
        shown=cv2.resize(shown, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST) > 0,
        rendering=Rendering(figure, camera, to_photo, drawing, head.eyes),
    )


def _as_of(body: Body, figure: Figure) -> Figure:
    """The dressed figure with the body's own creases and extras."""
    bright = 1 if body.creases is None else body.creases[:, None]
    extras = (*figure.extras, *body.extras)
    return replace(figure, colours=figure.colours * bright, extras=extras)


def _camera(yaw: float, rng: np.random.Generator) -> OrbitCamera:
    pitch = float(np.clip(rng.normal(0, 8), -20, 20))
    about_x, about_y, about_z = (
        rotation_from_vector(np.radians(turn) * axis).astype(np.float32)
        for turn, axis in zip((pitch, yaw, rng.normal(0, 6)), np.eye(3), strict=True)
    )
    rotation = about_z @ FACING @ about_x @ about_y
    distance = float(np.exp(rng.uniform(np.log(0.6), np.log(2.5))))
    return OrbitCamera(rotation.astype(np.float32), distance)
