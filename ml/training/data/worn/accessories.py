"""What random people wear on and around their heads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ....data import FloatArray
from ..people.traits import BEARDS, Traits
from ..picture.scene import Stage
from .anchors import Wearer, anchors_of, measure
from .beards import beard_area, brows, make_beard, moustache
from .clothing import random_clothes
from .extra import Extra
from .glasses import make_glasses, random_frame
from .hair import pressed, scalp_paint, shell, strands
from .haircuts import STYLES, hair_colour, random_cut
from .headgear import HATS, earrings, hat_line, headphones, make_hat, random_kind


@dataclass(frozen=True)
class Wardrobe:
    """How often random people wear each thing. stubble: short enough to be no more than paint."""

    hair: float = 0.85
    beard: float = 0.18
    stubble: float = 0.0
    glasses: float = 0.22
    hat: float = 0.12
    clothes: float = 0.9


USUAL = Wardrobe()
# A lens that hides this much makes dark glasses.
DARK = 0.5


@dataclass(frozen=True)
class Outfit:
    """One person's things.

    Attributes
    ----------
    extras: their meshes. hair: (3,) linear albedo. painted: (D,) 0..1, where the drawn skin itself
    takes the hair's colour: scalp and beard. beard: (D,) the beard's share of it. traits: what
    captions say of it.
    """

    extras: list[Extra]
    hair: FloatArray
    painted: FloatArray
    beard: FloatArray
    traits: Traits


def random_outfit(wearer: Wearer, rng: np.random.Generator, wardrobe: Wardrobe = USUAL) -> Outfit:
    """Hair, beard, glasses, hat and clothes, each with its own chance."""
    colour = hair_colour(rng)
    hat = random_kind(rng) if rng.random() < wardrobe.hat else None
    extras, painted, style = _hair_and_hat(wearer, colour, hat, wardrobe, rng)
    beard, glasses, area = "", 0, np.zeros_like(painted)
    if rng.random() < wardrobe.beard:
        made, area, beard = _beard(wearer, colour * rng.uniform(0.7, 1.1), rng)
        extras += named("beard", made)
    elif wardrobe.stubble and rng.random() < wardrobe.stubble:
        area = _stubble(wearer, rng)
    painted = np.maximum(painted, area)
    if rng.random() < 0.25:
        extras += named("brows", [brows(wearer, colour * rng.uniform(0.5, 1), rng)])
    if rng.random() < wardrobe.clothes:
        extras += named("clothes", random_clothes(wearer, rng))
    if rng.random() < 0.08:
        extras += earrings(wearer, rng)
    if hat is None and rng.random() < 0.02:
        extras += headphones(wearer, rng)
    if rng.random() < wardrobe.glasses:
        frame = random_frame(rng)
        glasses = 2 if max(frame.opacity) > DARK else 1
        extras += named("glasses", make_glasses(wearer, frame, rng))
    traits = Traits(
        glasses,
        1 + HATS.index(hat) if hat else 0,
        1 + STYLES.index(style) if style else 0,
        float(colour @ [0.2126, 0.7152, 0.0722]),
        1 + BEARDS.index(beard) if beard else 0,
    )
    return Outfit(extras, colour, painted, area, traits)


def named(kind: str, extras: Iterable[Extra]) -> list[Extra]:
    """The same things, said to be of this kind."""
    return [replace(extra, kind=kind) for extra in extras]


def one_extra(
    stage: Stage, vertices: FloatArray, rng: np.random.Generator, normals: FloatArray | None = None
) -> list[Extra]:
    """Clothes, glasses, a hat or hair for a portrait drawn in a new pose."""
    wearer = measure(anchors_of(stage), vertices, normals)
    # Photos end at the shoulders: what is below was background.
    made = random_clothes(wearer, rng) if rng.random() < 0.6 else []
    kind = rng.random()
    if kind < 0.4:
        return made + make_glasses(wearer, random_frame(rng), rng)
    if kind < 0.65:
        hat = random_kind(rng)
        return made + make_hat(wearer, hat, hat_line(hat, rng), rng)
    if kind > 0.85:
        return made
    colour = hair_colour(rng)
    cut = random_cut(wearer, rng, str(rng.choice(["short", "bob", "long", "curly", "side part"])))
    made.append(shell(wearer, cut.line, cut.thickness, colour, rng))
    return made + strands(wearer, cut, colour, rng)


def _hair_and_hat(
    wearer: Wearer,
    colour: FloatArray,
    hat: str | None,
    wardrobe: Wardrobe,
    rng: np.random.Generator,
) -> tuple[list[Extra], FloatArray, str]:
    """Their meshes, where the skin is painted, and the style of the hair."""
    extras: list[Extra] = []
    worn = ""
    painted = np.zeros(len(wearer.vertices), np.float32)
    line = hat_line(hat, rng) if hat else None
    if rng.random() < wardrobe.hair and hat != "scarf":
        style = str(rng.choice(["short", "bob", "long", "buzz"])) if hat else None
        cut = random_cut(wearer, rng, style)
        worn = cut.style
        painted = scalp_paint(wearer, cut)
        extras = strands(wearer, cut, colour, rng)
        if line is None:
            extras.append(shell(wearer, cut.line, cut.thickness, colour, rng))
        else:
            extras = [pressed(wearer, extra, line, 0.004) for extra in extras]
        extras = named("hair", extras)
    if hat is not None and line is not None:
        extras += named("hat", make_hat(wearer, hat, line, rng))
    return extras, painted, worn


def _beard(
    wearer: Wearer, colour: FloatArray, rng: np.random.Generator
) -> tuple[list[Extra], FloatArray, str]:
    kind = str(rng.choice(BEARDS, p=[0.6, 0.2, 0.2]))
    made = []
    if kind != "moustache":
        made.append(make_beard(wearer, colour, kind == "goatee", rng))
    if kind == "moustache" or rng.random() < 0.75:
        made.append(moustache(wearer, colour, rng))
    return made, beard_area(wearer, kind) * np.float32(rng.uniform(0.8, 1)), kind


def _stubble(wearer: Wearer, rng: np.random.Generator) -> FloatArray:
    """(D,) 0..1 how dark stubble makes the skin: from a shadow to a short beard."""
    kind = str(rng.choice(BEARDS, p=[0.8, 0.1, 0.1]))
    return np.asarray(beard_area(wearer, kind) * rng.uniform(0.25, 1), np.float32)
