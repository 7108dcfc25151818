"""Random people, ready to be drawn: skin, hair, clothes and light."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ....data import FloatArray
from ..picture.draw import Figure, OpaqueMesh, Pixels, Shade, is_kind
from ..picture.kernels import fast_normals
from ..picture.lighting import (
    Light,
    comes_from,
    develop,
    exposure,
    hardness,
    random_light,
    shade,
)
from ..studio import Studio
from ..worn.accessories import Outfit, random_outfit
from ..worn.anchors import anchors_of, measure
from .eyes import Eyes, random_eyes
from .skins import face_detail, paint_eyes, random_skin, skin_tone
from .traits import Traits

# Share of renders that borrow the detail of a real face.
BORROWED = 0.6


@dataclass(frozen=True)
class DressedHead:
    """A head with all that it wears, and the light on it.

    Attributes
    ----------
    figure: its mesh and colours. shade: what a camera records of it. traits: what captions say of
    it. borrowed: whether the detail of its skin is a real face's. outfit: what it wears. eyes: how
    they are painted. hard: see lighting.hardness.
    """

    figure: Figure
    shade: Shade
    traits: Traits
    borrowed: bool
    outfit: Outfit
    eyes: Eyes
    hard: float = 0.0


def dressed(studio: Studio, vertices: FloatArray, rng: np.random.Generator) -> DressedHead:
    """The head with (D, 3) ``vertices`` given random skin, hair, clothes and light."""
    stage = studio.stage
    normals = fast_normals(vertices, stage.triangles)
    wearer = measure(anchors_of(stage), vertices, normals)
    outfit = random_outfit(wearer, rng, studio.options.wardrobe)
    real = face_detail(studio.skins, studio.portrait(rng)) if rng.random() < BORROWED else None
    skin = random_skin(studio.skins, real, outfit, rng)
    light = random_light(studio.lights, rng.uniform(0.1, 0.6, 3), rng)
    eyes = random_eyes(rng, float(skin.albedo[stage.is_part("Face")].mean()) < 0.16)
    right, down, back = comes_from(light)
    traits = replace(
        outfit.traits,
        skin=skin_tone(stage, skin.albedo),
        light_right=right,
        light_down=down,
        light_back=back,
    )
    figure = Figure(vertices, normals, skin.albedo, tuple(outfit.extras), skin.gloss)
    borrowed, hard = real is not None, hardness(light)
    return DressedHead(figure, _lit_by(light, eyes), traits, borrowed, outfit, eyes, hard)


def _lit_by(light: Light, eyes: Eyes) -> Shade:
    gain: list[float] = []

    def record(pixels: Pixels, mesh: OpaqueMesh) -> FloatArray:
        ball = is_kind(pixels.kind, "Eyeball left", "Eyeball right")
        painted = paint_eyes(pixels.colours, eyes, pixels.eye, ball)
        bright = shade(light, replace(pixels, colours=painted), mesh)
        if not gain:
            # Head first, lenses after it: they share its exposure.
            gain.append(exposure(light, bright, pixels.kind))
        return develop(light, bright, gain[0])

    return record
