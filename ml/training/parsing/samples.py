"""One training sample for parsing: a picture of a rendered person and the class of each pixel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...data import FaceBox, HeadCoefficients
from ...parsing.parse import head_box
from ...photo.crop import box_from_landmarks, crop_to_photo
from ..data.people.dressed import dressed
from ..data.people.folds import random_folds
from ..data.people.poses import random_camera
from ..data.picture.draw import Shot, draw_head
from ..data.picture.film import expose
from ..data.studio import Studio
from .held import hold
from .labels import draw_labels

# The share of people who have something before their faces.
OCCLUDED = 0.3


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
        image, labels = hold(image, labels, studio.background(rng), rng)
    return expose(image, rng), labels


def nudged(box: FaceBox, rng: np.random.Generator) -> FaceBox:
    """A box as found in photos: a little beside the face's own."""
    across, down = rng.normal(0, 0.04, 2) * box.size
    return replace(
        box,
        center=(box.center[0] + float(across), box.center[1] + float(down)),
        size=box.size * float(np.exp(rng.uniform(np.log(0.85), np.log(1.18)))),
        roll=box.roll + float(np.radians(rng.normal(0, 7))),
    )
