"""Everything that samples are made of, loaded once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...data import FloatArray
from .people.expressions import acted_expression
from .people.poses import random_expression
from .people.skins import Skins, load_skins
from .picture.backgrounds import Scenes, load_scenes, random_background, walls
from .picture.lighting import load_lights
from .picture.scene import Stage, load_stage
from .portraits import Portrait, load_portraits
from .stored import Sizes
from .worn.accessories import USUAL, Wardrobe

# Share of expressions that are acted: portraits lack most of what faces can do.
_ACTED = 0.6


@dataclass(frozen=True)
class PictureOptions:
    """What pictures are like.

    Attributes
    ----------
    size: side in pixels. folded: whether rendered people have folds and lumps of their own.
    wardrobe: how often rendered people wear what.
    """

    size: int = 144
    folded: bool = False
    wardrobe: Wardrobe = USUAL

    @classmethod
    def of(cls, config: dict[str, Any]) -> PictureOptions:
        """From a configuration's ``size`` and ``folded``, where it has them."""
        return cls(**{name: config[name] for name in ("size", "folded") if name in config})


@dataclass(frozen=True, eq=False)
class Studio:
    """The reference head, real and random people's skins, light and backgrounds.

    lights: see lighting.load_lights.
    """

    stage: Stage
    portraits: list[Portrait]
    skins: Skins
    lights: FloatArray
    scenes: Scenes
    options: PictureOptions

    @property
    def sizes(self) -> Sizes:
        """Dimensions of the samples made here."""
        dense = self.stage.dense
        drawn = len(self.stage.shape.mean) if self.options.folded else 0
        counts = len(dense.mean), len(dense.identity), len(dense.expression)
        return Sizes(self.options.size, *counts, drawn)

    def portrait(self, rng: np.random.Generator) -> Portrait:
        """A random portrait."""
        return self.portraits[rng.integers(len(self.portraits))]

    def usual_expression(self, rng: np.random.Generator) -> FloatArray:
        """(E,) what faces do in portraits, and a few random keys."""
        return random_expression(self.portrait(rng).coefficients.expression, rng)

    def expression(self, rng: np.random.Generator) -> FloatArray:
        """(E,) a usual expression, or one acted."""
        real = self.portrait(rng).coefficients.expression
        return acted_expression(rng) if rng.random() < _ACTED else random_expression(real, rng)

    def background(self, rng: np.random.Generator) -> np.ndarray:
        """(S, S, 3) uint8."""
        return random_background(self.options.size, self.scenes, rng)


def open_studio(
    data: Path, reference: Path, fits: Path, options: PictureOptions | None = None
) -> Studio:
    """Load everything that samples are made of."""
    stage = load_stage(reference)
    portraits = load_portraits(data, fits)
    return Studio(
        stage,
        portraits,
        load_skins(data, stage),
        load_lights(data),
        (load_scenes(data), walls(portraits)),
        options or PictureOptions(),
    )
