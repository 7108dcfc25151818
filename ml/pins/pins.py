"""What a person pinned, as plain data that is never changed: every edit gives new pins.

A pin holds one point of the surface, a landmark or any other, at one place of one photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..head.model import HeadModel, SurfacePoints

LANDMARKS = "dense"
# Indices into the landmarks of what is shown by default: the first 478 are MediaPipe's, the others
# lie beyond the face.
FEW: dict[str, tuple[int, ...]] = {
    "eyes": (33, 133, 159, 145, 263, 362, 386, 374),
    "brows": (70, 105, 107, 300, 334, 336),
    "nose": (168, 4, 2, 129, 358),
    "lips": (61, 291, 0, 17),
    "jaw": (152, 150, 379, 172, 397, 58, 288),
    "face": (10, 234, 454),
    "ears": (545, 559, 549, 563, 547, 561),
}
SHOWN: tuple[int, ...] = tuple(index for group in FEW.values() for index in group)
# All landmarks that can be shown.
FACE_LANDMARKS = 478


@dataclass(frozen=True)
class Pin:
    """One point of the surface at its place in the photo.

    Attributes
    ----------
    position: (x, y) pixels of the photo.
    landmark: index of the landmark set "dense"; None where the point is none of them.
    corners, weights: the triangle of the base mesh and barycentric weights, where it is none.
    locked: whether editing leaves it alone until it is unlocked.
    """

    position: tuple[float, float]
    landmark: int | None = None
    corners: tuple[int, int, int] = (0, 0, 0)
    weights: tuple[float, float, float] = (1.0, 0.0, 0.0)
    locked: bool = False

    def is_at(self, other: Pin) -> bool:
        """Whether both hold the same point of the surface."""
        if self.landmark is not None or other.landmark is not None:
            return self.landmark == other.landmark
        return self.corners == other.corners and self.weights == other.weights


@dataclass(frozen=True)
class PhotoPins:
    """The pins of one photo.

    Attributes
    ----------
    name, sha256: of the photo; the digest of its bytes is empty where it is not known.
    width, height: of the photo, whose pixels positions are in.
    """

    name: str
    sha256: str
    width: int
    height: int
    pins: tuple[Pin, ...] = ()

    def is_of(self, name: str, sha256: str) -> bool:
        """Whether these are the pins of a photo, known by its bytes, or else by its name."""
        if self.sha256 and sha256:
            return self.sha256 == sha256
        return self.name == name


@dataclass(frozen=True)
class Pins:
    """The pins of all photos of a person, and how the head follows them.

    Attributes
    ----------
    mirror: whether the shape changes alike on both sides.
    expression: whether the photo's expression follows, too, or the shape and camera alone.
    """

    photos: tuple[PhotoPins, ...]
    mirror: bool = False
    expression: bool = True

    @property
    def count(self) -> int:
        """How many pins there are in all photos."""
        return sum(len(photo.pins) for photo in self.photos)

    def of(self, name: str, sha256: str) -> PhotoPins | None:
        """The pins of a photo, see :meth:`PhotoPins.is_of`; None where they are of others."""
        return next((photo for photo in self.photos if photo.is_of(name, sha256)), None)

    def with_pins(self, photo: int, pins: Sequence[Pin]) -> Pins:
        """The same with other pins in a photo."""
        changed = replace(self.photos[photo], pins=tuple(pins))
        photos = (*self.photos[:photo], changed, *self.photos[photo + 1 :])
        return replace(self, photos=photos)

    def placed(self, photo: int, pin: Pin) -> Pins:
        """The same with ``pin``, which takes the place of one that holds the same point."""
        pins = self.photos[photo].pins
        known = [pin if pin.is_at(old) else old for old in pins]
        return self.with_pins(photo, known if pin in known else [*pins, pin])

    def without(self, photo: int, number: int) -> Pins:
        """The same without a photo's pin of this number."""
        pins = self.photos[photo].pins
        return self.with_pins(photo, pins[:number] + pins[number + 1 :])


def points_of(pins: Sequence[Pin], model: HeadModel) -> SurfacePoints:
    """Where on the surface of the base mesh pins are."""
    named = model.landmark_sets[LANDMARKS]
    corners = np.zeros((len(pins), 3), np.int32)
    weights = np.zeros((len(pins), 3), np.float32)
    for number, pin in enumerate(pins):
        at = pin.landmark
        corners[number] = pin.corners if at is None else named.corners[at]
        weights[number] = pin.weights if at is None else named.weights[at]
    return SurfacePoints(corners, weights)


def positions_of(pins: Sequence[Pin]) -> np.ndarray:
    """(N, 2) pixels of the photo."""
    return np.array([pin.position for pin in pins], np.float64).reshape(-1, 2)
