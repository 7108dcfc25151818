"""Turn a photo upright where EXIF's orientation lays the face on its side or head."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..data import Observation, Photo
from ..errors import NoFaceFound
from ..settings import Settings
from .find import observe

# A face that is tilted by less, radians, stands.
TILTED = 0.35
# How many times higher the odds of an upright face must be.
SURER = 2.5
DEGREES = {1: "90 degrees anticlockwise", 2: "180 degrees", 3: "90 degrees clockwise"}


@dataclass(frozen=True)
class Upright:
    """A photo with its faces upright.

    Attributes
    ----------
    quarters: by how many right angles, anticlockwise, the photo was turned beyond EXIF.
    """

    photo: Photo
    observations: list[Observation]
    quarters: int = 0


def observe_upright(photo: Photo, settings: Settings) -> Upright:
    """The faces that ``settings`` ask for, in the photo as EXIF turns it or as its faces stand.

    Only a photo that EXIF turned can be turned otherwise: without EXIF's turn, somebody who lies
    lies. Nothing is searched anew unless the first face is tilted.

    Raises
    ------
    NoFaceFound: none, or not the one asked for. WeightsMissing
    """
    as_exif_says = Upright(photo, observe(photo, settings))
    if photo.orientation == 1 or abs(roll_of(as_exif_says)) < TILTED:
        return as_exif_says
    quarters = clearest_turn(photo)
    if not quarters:
        return as_exif_says
    shown = turned(photo, quarters)
    try:
        standing = Upright(shown, observe(shown, settings), quarters)
    except NoFaceFound:
        return as_exif_says
    return standing if abs(roll_of(standing)) < TILTED else as_exif_says


def clearest_turn(photo: Photo) -> int:
    """By how many right angles, anticlockwise, the detector is sure of an upright face; 0 if not.

    The detector knows upright faces only; the regressor frames lying ones, too, and sometimes
    takes one for a tilted face.
    """
    from ..photo.detector import load_detector
    from ..photo.faces import HIGH_SCORE, SCORE

    detector = load_detector()
    scores = [
        max((box.score for box in detector.boxes(rgb, SCORE)), default=0.0)
        for rgb in (np.ascontiguousarray(np.rot90(photo.rgb, quarter)) for quarter in range(4))
    ]
    best = int(np.argmax(scores))
    odds = [score / max(1 - score, 1e-6) for score in scores]
    return best if scores[best] >= HIGH_SCORE and odds[best] > SURER * odds[0] else 0


def turned(photo: Photo, quarters: int) -> Photo:
    """The photo turned anticlockwise by so many right angles, with the reason."""
    if not quarters:
        return photo
    reason = (
        f"EXIF's orientation {photo.orientation} does not show the face upright; "
        f"the photo was turned by {DEGREES[quarters]} more"
    )
    rgb = np.ascontiguousarray(np.rot90(photo.rgb, quarters))
    return replace(photo, rgb=rgb, orientation_refused=reason)


def quarters_in(reason: str) -> int:
    """By how many right angles a photo was turned, by the reason that :func:`turned` gave."""
    said = (quarters for quarters, words in DEGREES.items() if f" {words} more" in reason)
    return next(said, 0)


def roll_of(shown: Upright) -> float:
    """The first face's roll, radians, -pi to pi."""
    roll = shown.observations[0].face.box.roll
    return float((roll + np.pi) % (2 * np.pi) - np.pi)
