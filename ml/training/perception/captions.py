"""Captions of rendered people, from their attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...data import FloatArray

_FAR = 1e9


@dataclass(frozen=True)
class Rule:
    """Words that are true where ``attribute`` lies in [low, high). share: how often a caption has
    them."""

    topic: str
    words: str
    attribute: str
    low: float = -_FAR
    high: float = _FAR
    share: float = 1.0


def _either(topic: str, less: str, more: str, by: float, share: float = 1.0) -> list[Rule]:
    """Two rules about one attribute with the topic's name: far below and far above its mean."""
    return [
        Rule(topic, less, topic, high=-by, share=share),
        Rule(topic, more, topic, low=by, share=share),
    ]


def _kinds(attribute: str, *words: str, none: str, none_share: float = 0.4) -> list[Rule]:
    """Rules about a trait that numbers kinds: 0 none, 1 the first, ..."""
    named = [Rule(attribute, said, attribute, i + 0.5, i + 1.5) for i, said in enumerate(words)]
    return [Rule(attribute, none, attribute, -0.5, 0.5, none_share), *named]


# Before "person": folds are the faintest of all traits and need many captions.
AGES = (
    Rule("age", "young smooth", "folds", high=0.2),
    Rule("age", "middle-aged", "folds", 0.25, 0.5),
    Rule("age", "old wrinkled", "folds", low=0.55),
)
RULES = (
    Rule("pose", "facing the camera", "yaw", -12, 12),
    Rule("pose", "turned slightly to the left", "yaw", -35, -15),
    Rule("pose", "turned slightly to the right", "yaw", 15, 35),
    Rule("pose", "turned to the left", "yaw", -60, -35),
    Rule("pose", "turned to the right", "yaw", 35, 60),
    Rule("pose", "in profile to the left", "yaw", high=-60),
    Rule("pose", "in profile to the right", "yaw", low=60),
    *_either("pitch", "looking up", "looking down", 15),
    *_either("roll", "tilted to the left", "tilted to the right", 15),
    Rule("smile", "smiling", "smile", low=0.35),
    Rule("smile", "not smiling", "smile", high=0.08, share=0.4),
    Rule("mouth", "with an open mouth", "open", low=0.3),
    Rule("mouth", "with a closed mouth", "open", high=0.06, share=0.5),
    Rule("eyes", "with closed eyes", "blink", low=0.55),
    Rule("eyes", "with open eyes", "blink", high=0.25, share=0.4),
    Rule("eyes", "with wide eyes", "wide_eyes", low=0.45),
    Rule("lips", "with pursed lips", "pucker", low=0.45),
    Rule("brows", "with raised brows", "raised", low=0.45),
    Rule("brows", "with lowered brows", "lowered", low=0.45),
    Rule("corners", "with a drooping mouth", "drooping", low=0.45),
    Rule("cheeks", "with puffed cheeks", "puffed", low=0.45),
    Rule("sneer", "with a wrinkled nose", "sneer", low=0.45),
    Rule("tongue", "with the tongue out", "tongue", low=0.4),
    Rule("calm", "with a neutral expression", "calm", high=0.15),
    *_kinds("glasses", "with glasses", "with sunglasses", none="without glasses"),
    *_kinds(
        "hat",
        "with a cap",
        "with a beanie",
        "with a wide hat",
        "with a scarf",
        "with a helmet",
        none="without a hat",
    ),
    *_kinds(
        "hair",
        "with a buzz cut",
        "with short hair",
        "with parted hair",
        "with hair combed back",
        "with a quiff",
        "with curly hair",
        "with an afro",
        "with a bob",
        "with long hair",
        "with a pony tail",
        "with a bun",
        "with receding hair",
        none="bald",
        none_share=0.7,
    ),
    *_kinds("beard", "with a full beard", "with a goatee", "with a moustache", none="shaven"),
    Rule("hair colour", "with black hair", "black_hair", low=0.5),
    Rule("hair colour", "with brown hair", "brown_hair", low=0.5),
    Rule("hair colour", "with light hair", "light_hair", low=0.5),
    Rule("skin", "with pale skin", "skin", low=41),
    Rule("skin", "with tan skin", "skin", 12, 41),
    Rule("skin", "with brown skin", "skin", -28, 8),
    Rule("skin", "with dark skin", "skin", high=-28),
    *_either("light_right", "lit from the left", "lit from the right", 0.22),
    Rule("light_down", "lit from above", "light_down", high=-0.45),
    Rule("light_down", "lit from below", "light_down", low=0.15),
    *_either("light_back", "lit from the front", "lit from behind", 0.3),
    Rule("level", "in the dark", "level", high=0.3),
    Rule("level", "in bright light", "level", low=0.55),
    *_either("build", "slim", "heavy", 0.9, 0.7),
    *_either("face_shape", "with a narrow face", "with a wide face", 0.9, 0.7),
    *_either("jaw_shape", "with a narrow jaw", "with a broad jaw", 0.9, 0.7),
    *_either("nose_long", "with a short nose", "with a long nose", 0.9, 0.7),
    *_either("nose_wide", "with a narrow nose", "with a wide nose", 0.9, 0.7),
    *_either("mouth_wide", "with a small mouth", "with a wide mouth", 0.9, 0.7),
    *_either("lips_full", "with thin lips", "with full lips", 0.9, 0.7),
    *_either("eyes_apart", "with close-set eyes", "with wide-set eyes", 0.9, 0.7),
)
_BEGINNINGS = ("a person", "a photo of a person", "a face of a person")
# Share of captions with the age: large, but prompts without one must occur, too.
_AGE_SHARE = 0.7
# The most words of a caption, and the share of captions as brief as prompts.
LONGEST, _BRIEF_SHARE = 30, 0.2
# Words that a mirrored picture exchanges.
MIRRORED = ("left", "right")


def vocabulary() -> tuple[str, ...]:
    """All words of captions, sorted."""
    said = [*(rule.words for rule in (*AGES, *RULES)), *_BEGINNINGS, "and of no"]
    return tuple(sorted({word for words in said for word in words.split()}))


def with_hair_colour(known: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """The attributes, and for each colour of hair whether it is visible (0 or 1)."""
    shown, light = known["hair"] > 0.5, known["hair_light"]
    return {
        **known,
        "black_hair": np.where(shown & (light < 0.02), 1.0, 0.0),
        "brown_hair": np.where(shown & (light > 0.03) & (light < 0.14), 1.0, 0.0),
        "light_hair": np.where(shown & (light > 0.25), 1.0, 0.0),
    }


def true_rules(known: Mapping[str, FloatArray]) -> list[list[int]]:
    """For each of N people, the numbers of the rules of (AGES, RULES) that are true."""
    said = with_hair_colour(known)
    holds = np.stack(
        [
            (said[rule.attribute] >= rule.low) & (said[rule.attribute] < rule.high)
            for rule in (*AGES, *RULES)
        ]
    )
    return [np.flatnonzero(column).tolist() for column in holds.T]


def captions(rules: list[int], count: int, rng: np.random.Generator) -> list[str]:
    """``count`` captions of one person; the true rules are divided among them at random.

    Several, so that each has to be understood: of one long caption the easiest part would suffice.
    """
    age = [AGES[number].words for number in rules if number < len(AGES)]
    every = [RULES[number - len(AGES)] for number in rules if number >= len(AGES)]
    said = [rule.words for rule in every if rng.random() < rule.share]
    said = [said[i] for i in rng.permutation(len(said))]
    return [_sentence(age, said[first::count], rng) for first in range(count)]


def _sentence(age: list[str], said: list[str], rng: np.random.Generator) -> str:
    begin = _BEGINNINGS[rng.integers(len(_BEGINNINGS))]
    if age and rng.random() < _AGE_SHARE:
        begin = begin.replace("a person", f"a {age[0]} person")
    if rng.random() < _BRIEF_SHARE:
        said = said[: int(rng.integers(1, 3))]
    caption = begin
    for words in said:
        longer = f"{caption} {words}"
        if len(longer.split()) <= LONGEST:
            caption = longer
    return caption
