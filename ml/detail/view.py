"""A photo and the person fitted to it: the input of :mod:`ml.detail`."""

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
    person: in head space. renderer: one of ml.rendering.BACKENDS; it finds the visible skin.
    """

    rgb: ByteArray
    camera: Camera
    person: Person
    renderer: str = "builtin"
