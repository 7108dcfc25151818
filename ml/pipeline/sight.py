"""A person as a photo sees them, and what a parse says of that."""

from __future__ import annotations

from dataclasses import dataclass

from ..data import Camera, Photo
from ..head.mesh import Person
from ..head.storage import load_head_model
from ..parsing.classes import Parse


@dataclass(frozen=True)
class Sight:
    """A person as a photo sees them; ``camera`` is in pixels of ``photo``."""

    photo: Photo
    camera: Camera
    person: Person


def parse_face(photo: Photo, camera: Camera, person: Person) -> Parse:
    """What the photo shows round the face of a person who was fitted to it."""
    from ..parsing.parse import crop_head, load_parser
    from ..photo.crop import box_from_landmarks

    points = load_head_model().landmark_sets["mediapipe478"].on(person.expressed)
    return load_parser().parse(crop_head(photo, box_from_landmarks(camera.project(points))))
