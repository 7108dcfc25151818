"""A photo and the person fitted to it: what finding detail starts from."""

from __future__ import annotations

from dataclasses import dataclass

from ..data import ByteArray, Camera
from ..head.mesh import Person


@dataclass(frozen=True)
class PersonView:
    """A photo and the head in it.

    Attributes
    ----------
    rgb: (H, W, 3) uint8 that ``camera`` projects to.
    renderer: what finds the visible skin, one of ml.rendering.BACKENDS.
    """

    rgb: ByteArray
    camera: Camera
    person: Person
    renderer: str = "builtin"
