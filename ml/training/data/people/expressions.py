"""Expressions acted on purpose: what portraits lack, as often as it matters.

Lids, gaze, brows, nose and mouth are drawn apart from each other, the left and the right side
alone or together; keys that oppose each other are never drawn together, and both eyes look the
same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ....data import FloatArray
from ....head.arkit import EXPRESSION_NAMES


class Act(NamedTuple):
    """What a part of the face does.

    weight: how often, relative to the part's other acts. keys: whole names. pairs: names without
    Left or Right. alone: the chance that only one side of the pairs moves. jaw: the chance that
    the jaw opens a little with it.
    """

    weight: float
    keys: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    alone: float = 0.0
    jaw: float = 0.0


_BROWS = (
    Act(6),
    Act(1, pairs=("browDown",), alone=0.4),
    Act(1, keys=("browInnerUp",)),
    Act(1, pairs=("browOuterUp",), alone=0.6),
    Act(1, keys=("browInnerUp",), pairs=("browOuterUp",)),
)
_CHEEKS = (
    Act(8),
    Act(1, pairs=("noseSneer",), alone=0.5),
    Act(1, pairs=("cheekSquint",), alone=0.3),
)
_MOUTH = (
    Act(3, jaw=0.3),
    Act(3, pairs=("mouthSmile",), alone=0.35, jaw=0.3),
    Act(1.3, pairs=("mouthFrown",), alone=0.35),
    Act(1.5, keys=("mouthPucker",)),
    Act(1.3, keys=("mouthFunnel",), jaw=0.3),
    Act(1.3, pairs=("mouthPress",), alone=0.3),
    Act(1.3, keys=("cheekPuff",)),
    Act(1.3, keys=("tongueOut",)),
    Act(2, keys=("jawOpen",)),
    Act(0.7, keys=("mouthLeft",)),
    Act(0.7, keys=("mouthRight",)),
    Act(0.5, keys=("jawLeft",)),
    Act(0.5, keys=("jawRight",)),
    Act(0.4, keys=("jawForward",)),
    Act(0.8, pairs=("mouthStretch",), alone=0.3, jaw=0.3),
    Act(0.8, pairs=("mouthDimple",), alone=0.4),
    Act(0.6, keys=("mouthRollLower",)),
    Act(0.6, keys=("mouthRollUpper",)),
    Act(0.6, keys=("mouthRollLower", "mouthRollUpper")),
    Act(0.6, keys=("mouthShrugLower",)),
    Act(0.6, keys=("mouthShrugUpper",)),
    Act(0.9, pairs=("mouthUpperUp",), alone=0.4, jaw=0.4),
    Act(0.9, pairs=("mouthLowerDown",), alone=0.4, jaw=0.4),
    Act(0.6, keys=("jawOpen", "mouthClose")),
)
# How often lids are: as they are at rest, both closed, one closed, both half closed, one half
# closed, wide open, screwed up.
_LIDS = (0.42, 0.15, 0.14, 0.11, 0.06, 0.06, 0.06)
# What both eyes do to look at the same place.
_LEFTWARD = ("eyeLookOutLeft", "eyeLookInRight")
_RIGHTWARD = ("eyeLookInLeft", "eyeLookOutRight")
# How often the eyes look elsewhere than ahead.
_LOOKING = 0.65


def acted_expression(rng: np.random.Generator) -> FloatArray:
    """(E,) 0..1: a random act of every part of the face."""
    amounts = {**_lids(rng), **_gaze(rng)}
    for acts in (_BROWS, _CHEEKS, _MOUTH):
        amounts |= _performed(acts, rng)
    closed = max(amounts.get("eyeBlinkLeft", 0.0), amounts.get("eyeBlinkRight", 0.0))
    if closed > 0.3:
        # A lid that follows the eye down and one that closes move the same skin.
        amounts = {name: v for name, v in amounts.items() if not name.startswith("eyeLookDown")}
    if "mouthClose" in amounts:
        # The lips meet again before the open jaw, about as far as it opened at most.
        amounts["mouthClose"] *= amounts["jawOpen"]
    return expression_of(amounts)


def expression_of(amounts: Mapping[str, float]) -> FloatArray:
    """(E,) clipped to 0..1, with zeros for the keys that ``amounts`` does not name."""
    found = [amounts.get(name, 0.0) for name in EXPRESSION_NAMES]
    return np.clip(found, 0, 1).astype(np.float32)


def _amount(rng: np.random.Generator) -> float:
    """Mostly more than half."""
    return float(rng.beta(2.2, 1.2))


def _sides(stem: str, amount: float, alone: float, rng: np.random.Generator) -> dict[str, float]:
    """Both sides of a pair about alike, or one of them with the chance ``alone``."""
    names = [stem + side for side in ("Left", "Right")]
    if rng.random() < alone:
        return {names[int(rng.integers(2))]: amount}
    return {name: amount * float(rng.normal(1, 0.08)) for name in names}


def _performed(acts: tuple[Act, ...], rng: np.random.Generator) -> dict[str, float]:
    weights = np.array([act.weight for act in acts])
    act = acts[int(rng.choice(len(acts), p=weights / weights.sum()))]
    amount, found = _amount(rng), dict[str, float]()
    for name in act.keys:
        found[name] = amount * float(rng.normal(1, 0.1))
    for stem in act.pairs:
        found |= _sides(stem, amount, act.alone, rng)
    if rng.random() < act.jaw:
        found["jawOpen"] = float(rng.beta(1.2, 2.5))
    return found


def _lids(rng: np.random.Generator) -> dict[str, float]:
    kind = int(rng.choice(len(_LIDS), p=_LIDS))
    shut, half = float(rng.uniform(0.85, 1)), float(rng.uniform(0.3, 0.7))
    if kind == 0:
        return {}
    if kind == 1:
        return _sides("eyeBlink", shut, 0, rng)
    if kind == 2:
        wink = _sides("eyeBlink", shut, 1, rng)
        # Most people cannot close one eye without screwing it up.
        screwed = {name.replace("Blink", "Squint"): _amount(rng) for name in wink}
        return wink | (screwed if rng.random() < 0.5 else {})
    if kind in (3, 4):
        return _sides("eyeBlink", half, float(kind == 4), rng)
    if kind == 5:
        return _sides("eyeWide", _amount(rng), 0.15, rng)
    return _sides("eyeSquint", _amount(rng), 0.25, rng)


def _gaze(rng: np.random.Generator) -> dict[str, float]:
    """Both eyes at one place, in any direction."""
    if rng.random() > _LOOKING:
        return {}
    angle, far = rng.uniform(0, 2 * np.pi), _amount(rng)
    left, up = far * np.cos(angle), far * np.sin(angle)
    aside = (
        ("eyeLookOutLeft", "eyeLookInRight") if left > 0 else ("eyeLookInLeft", "eyeLookOutRight")
    )
    found = dict.fromkeys(aside, float(abs(left)))
    level = "eyeLookUp" if up > 0 else "eyeLookDown"
    return found | {level + side: float(abs(up)) for side in ("Left", "Right")}
