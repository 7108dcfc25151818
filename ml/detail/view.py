"""How a photo shows a person: what all ways of finding detail start from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..data import ByteArray, Camera
from ..head.mesh import Person

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Sight:
    """A photo and the head in it.

    Attributes
    ----------
    rgb: (H, W, 3) uint8 that ``camera`` projects to.
    """

    rgb: ByteArray
    camera: Camera
    person: Person
