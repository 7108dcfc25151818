"""Eyes are wet: a cornea over iris and white, which light enters."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

# Light goes farther under the white of an eye than under skin, and less of it is red.
_SCATTERING = (0.0024, 0.0016, 0.0012)
# Refractive index of the cornea and its tears.
_CORNEA = 1.376


@dataclass(frozen=True)
class Wet:
    """What an eye's material has beside other surfaces.

    Attributes
    ----------
    polish: roughness of the tears. specular: of what lies below them, 0..1: little, for water on
    it reflects in its place.
    """

    polish: float = 0.02
    specular: float = 0.15


def make_wet(shader: bpy.types.Node, wet: Wet) -> None:
    """Let a Principled BSDF, which has a coat, be that of an eye."""
    shader.inputs["Coat Roughness"].default_value = wet.polish
    shader.inputs["Coat IOR"].default_value = _CORNEA
    shader.inputs["Specular IOR Level"].default_value = wet.specular
    shader.inputs["Subsurface Radius"].default_value = _SCATTERING
