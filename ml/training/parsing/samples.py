"""One training sample for parsing: a picture of a rendered person and the class of each pixel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...data import FaceBox, FloatArray, HeadCoefficients
from ...parsing.parse import head_box
from ...photo.crop import box_from_landmarks, crop_to_photo
from ..data.people.dressed import dressed
from ..data.people.folds import random_folds
from ..data.people.poses import random_camera
from ..data.picture.draw import Shot, draw_head
from ..data.picture.film import expose
from ..data.samples import into_crop
from ..data.studio import Studio
from ..data.worn.occluders import occluded
from .labels import INDEX, draw_labels

OCCLUDED = 0.3
# Of what an occluder covers, a pixel shows it where at least this much is its colour.
_COVERED = 0.5


def make_parsed(studio: Studio, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(S, S, 3) uint8 picture and (S, S) uint8 index into CLASSES."""
    stage = studio.stage
    count = len(stage.shape.identity)
    identity = np.clip(rng.normal(0, 1, count) * rng.uniform(0.5, 1.2), -2.5, 2.5)
    coefficients = HeadCoefficients(identity.astype(np.float32), studio.expression(rng))
    folds, _ = random_folds(stage, rng)
    head = dressed(studio, stage.shape.at(coefficients) + folds, rng)
    camera = random_camera(rng)
    dense = camera.project(stage.dense.at(coefficients) + folds[stage.anchor])
    size = studio.options.size
    to_photo = crop_to_photo(head_box(nudged(box_from_landmarks(dense), rng)), size)
    drawing = draw_head(
        stage, head.figure, Shot(camera, to_photo, studio.background(rng)), head.shade
    )
    image, labels = drawing.image, draw_labels(stage, head, drawing)
    if rng.random() < OCCLUDED:
        image, labels = cover(image, labels, into_crop(dense, to_photo), rng)
    return expose(image, rng), labels


def cover(
    image: np.ndarray, labels: np.ndarray, points: FloatArray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The picture and its labels with a crude occluder over them."""
    image, share, name = occluded(image, points, rng)
    return image, np.where(share > _COVERED, np.uint8(INDEX[name]), labels)


def nudged(box: FaceBox, rng: np.random.Generator) -> FaceBox:
    """A box as found in photos: a little beside the face's own."""
    across, down = rng.normal(0, 0.04, 2) * box.size
    return replace(
        box,
        center=(box.center[0] + float(across), box.center[1] + float(down)),
        size=box.size * float(np.exp(rng.uniform(np.log(0.85), np.log(1.18)))),
        roll=box.roll + float(np.radians(rng.normal(0, 7))),
    )
