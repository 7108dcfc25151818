"""A clip of a rendered person who acts: every frame with what is true about it.

One person, one outfit, one light and one camera; expression, head and gaze follow known curves.
Skins are those that training never saw. Frames go through a video file, as any recording does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ...data import ByteArray, Camera, FaceBox, FloatArray
from ...fitting.camera import FACING
from ...geometry.rotations import rotation_from_vector
from ...head.arkit import EXPRESSION_NAMES
from ...head.model import HeadModel
from ...photo.crop import crop_to_photo
from ...training.data.people.dressed import dressed
from ...training.data.picture.backgrounds import random_background
from ...training.data.picture.draw import FOCAL, Figure, Shade, Shot, draw_head
from ...training.data.picture.kernels import fast_normals
from ...training.data.studio import Studio
from ...training.data.worn.accessories import Wardrobe
from .kept_out import KeptOut
from .people import kept_out_studio, random_people

SIDE, ROOM, RATE = 384, 1.25, 30.0
# Nothing before the face: what cannot be seen cannot be followed.
OPEN_FACES = Wardrobe(beard=0.0, glasses=0.0)
# Standard deviation of the sensor's noise, grey levels.
NOISE = 2.0
# Seconds: at rest at the beginning, the time of a blink, and from one act to the next.
REST, BLINK, ACT = 1.0, 0.2, 0.8
_ACTS = (
    ("jawOpen",),
    ("mouthSmileLeft", "mouthSmileRight"),
    ("mouthPucker",),
    ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    ("mouthFunnel", "jawOpen"),
    ("eyeLookInLeft", "eyeLookOutRight"),
    ("eyeLookOutLeft", "eyeLookInRight"),
    ("eyeLookUpLeft", "eyeLookUpRight"),
    ("mouthFrownLeft", "mouthFrownRight"),
    ("noseSneerLeft", "noseSneerRight"),
    ("mouthRollLower", "mouthRollUpper"),
    ("mouthStretchLeft", "mouthStretchRight"),
    ("jawOpen", "mouthSmileLeft", "mouthSmileRight"),
    ("mouthLeft",),
    ("mouthUpperUpLeft", "mouthUpperUpRight"),
)
_BLINKS = ("eyeBlinkLeft", "eyeBlinkRight")


@dataclass(frozen=True)
class Curves:
    """What a person does over F frames.

    Attributes
    ----------
    values: (F, E) expressions 0..1. turns: (F, 3) radians about head space's x, y and z.
    places: (F, 3) metres, of the head in camera space beside the distance.
    still: (F,) bool: at rest.
    """

    values: FloatArray
    turns: FloatArray
    places: FloatArray
    still: np.ndarray


def acted_curves(frames: int, rng: np.random.Generator) -> Curves:
    """Acts in turn with blinks between, and a head that moves, after a rest."""
    times = np.arange(frames) / RATE
    values = np.zeros((frames, len(EXPRESSION_NAMES)), np.float32)
    begin = REST
    order = rng.permutation(len(_ACTS))
    for number in range(int((times[-1] - REST) / ACT) + 1):
        act, amount = _ACTS[order[number % len(order)]], rng.uniform(0.6, 1.0)
        length = ACT * rng.uniform(0.8, 1.5)
        _add(values, times, (begin + length / 2, length), act, amount)
        begin += ACT
    for middle in np.arange(REST + 0.5, times[-1], 1.7) + rng.uniform(0, 0.4):
        _add(values, times, (middle, BLINK), _BLINKS, 1.0)
    moving = np.clip((times - REST) / 0.5, 0, 1)[:, None]
    phase = rng.uniform(0, 2 * np.pi, 6)
    waves = np.sin(2 * np.pi * times[:, None] * [0.35, 0.25, 0.2, 0.3, 0.22, 0.15] + phase)
    turns = np.radians(waves[:, :3] * [8, 18, 5]) * moving
    places = waves[:, 3:] * [0.015, 0.01, 0.03] * moving
    still = times < REST - 0.1
    return Curves(values.clip(0, 1), turns, places, still)


def _add(
    values: FloatArray,
    times: np.ndarray,
    when: tuple[float, float],
    names: Sequence[str],
    amount: float,
) -> None:
    """Let keys rise to ``amount`` and fall. when: the middle and the length, seconds."""
    middle, length = when
    bump = np.cos(np.clip((times - middle) / length, -0.5, 0.5) * np.pi) ** 2 * amount
    for name in names:
        column = values[:, EXPRESSION_NAMES.index(name)]
        column[:] = np.maximum(column, bump)


@dataclass(frozen=True)
class Actor:
    """A dressed person and the camera's place: what stays the same in all frames."""

    studio: Studio
    reference: HeadModel
    neutral: FloatArray
    figure: Figure
    shade: Shade
    background: ByteArray
    to_photo: FloatArray
    distance: float

    def camera(self, turn: FloatArray, place: FloatArray) -> Camera:
        """The camera in pixels of the picture, for a turned and moved head."""
        about_x, about_y, about_z = (
            rotation_from_vector(angle * axis) for angle, axis in zip(turn, np.eye(3), strict=True)
        )
        rotation = FACING @ about_y @ about_x @ about_z
        shift = np.array([0, 0, self.distance]) + place
        scale = float(self.to_photo[0, 0])
        intrinsics = np.array([[FOCAL / scale, 0, 0], [0, FOCAL / scale, 0], [0, 0, 1]])
        intrinsics[:2, 2] = -self.to_photo[:, 2] / scale
        return Camera(
            intrinsics.astype(np.float32),
            rotation.astype(np.float32),
            shift.astype(np.float32),
            SIDE,
            SIDE,
        )

    def frame(self, expression: FloatArray, camera: Camera) -> ByteArray:
        """(SIDE, SIDE, 3) uint8, without the sensor's noise."""
        stage = self.studio.stage
        moved = self.neutral + np.tensordot(expression, self.reference.shape.expression, 1)
        vertices = moved[stage.vertices].astype(np.float32)
        figure = replace(
            self.figure, vertices=vertices, normals=fast_normals(vertices, stage.triangles)
        )
        plain = replace(camera, intrinsics=np.diag([FOCAL, FOCAL, 1]).astype(np.float32))
        shot = Shot(plain, self.to_photo, self.background)
        return draw_head(stage, figure, shot, self.shade).image


def make_actor(kept_out: KeptOut, rng: np.random.Generator) -> Actor:
    """A random person in random clothes and light."""
    studio, reference = kept_out_studio(kept_out), kept_out.head
    studio = replace(studio, options=replace(studio.options, wardrobe=OPEN_FACES))
    neutral = random_people(kept_out.data, 1, rng)[0].shape.astype(np.float32)
    head = dressed(studio, neutral[studio.stage.vertices], rng)
    distance = float(rng.uniform(0.6, 1.5))
    points = reference.landmark_sets["dense"].on(neutral)
    camera_points = points @ FACING.T + [0, 0, distance]
    flat = FOCAL * camera_points[:, :2] / camera_points[:, 2:]
    to_photo = crop_to_photo(FaceBox((0.0, 0.0), float(np.ptp(flat, axis=0).max()) * ROOM), SIDE)
    return Actor(
        studio,
        reference,
        neutral,
        head.figure,
        head.shade,
        random_background(SIDE, studio.scenes, rng),
        to_photo,
        distance,
    )


def frames_of(
    actor: Actor, curves: Curves, rng: np.random.Generator
) -> Iterator[tuple[ByteArray, Camera]]:
    """Each frame, with the sensor's noise, and the camera that sees its head."""
    for values, turn, place in zip(curves.values, curves.turns, curves.places, strict=True):
        camera = actor.camera(turn, place)
        clean = actor.frame(values, camera).astype(np.float32)
        noisy = clean + rng.normal(0, NOISE, clean.shape)
        yield np.clip(noisy, 0, 255).astype(np.uint8), camera


def film(actor: Actor, curves: Curves, path: Path, rng: np.random.Generator) -> list[Camera]:
    """Write the clip as a video, with a bar. Returns the camera of each frame."""
    code = cv2.VideoWriter.fourcc(*"mp4v")
    writer, cameras = cv2.VideoWriter(str(path), code, RATE, (SIDE, SIDE)), []
    frames = frames_of(actor, curves, rng)
    for rgb, camera in tqdm(frames, "rendered frames", len(curves.values), leave=False):
        writer.write(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
        cameras.append(camera)
    writer.release()
    return cameras
