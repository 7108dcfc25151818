"""Zero-shot classification with the face CLIP: the caption that is most similar to a picture.

    python -m ml.training.perception.zero_shot --samples out/data/shape

Measured on people kept out of training. Accuracies are means over the choices of a question, so
that always choosing the commonest is no better than chance.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...data import FloatArray
from ...head.storage import load_head_model
from ...perception.face_clip import RESNET, VIT, FaceClip, load_face_clip
from ..arguments import SHAPE_SAMPLES, file_options
from ..config import read_config
from .attributes import HeadMeasures
from .config import CONFIG, FaceClipConfig
from .encoded import SHOWN
from .people import People, load_people, middle_crops

_FAR = 1e9
_MANY = 64


@dataclass(frozen=True)
class Choice:
    """Captions of one choice. where: (attribute, low, high) ranges of the people it is true of."""

    captions: tuple[str, ...]
    where: tuple[tuple[str, float, float], ...]


def _people(*said: str, begin: str = "a person") -> tuple[str, ...]:
    return tuple(f"{start} {words}" for start in (begin, f"a photo of {begin}") for words in said)


_TURNED = ("turned slightly to the {0}", "turned to the {0}", "in profile to the {0}")
_SEEN = ("yaw", -60, 60)
# Choices of expression exclude people with two of them at once, and closed eyes behind glasses.
_NO_BLINK, _NO_SMILE, _SHUT = ("blink", -_FAR, 0.3), ("smile", -_FAR, 0.15), ("open", -_FAR, 0.15)
QUESTIONS: dict[str, dict[str, Choice]] = {
    "expression": {
        "neutral": Choice(_people("with a neutral expression"), (_SEEN, ("calm", -_FAR, 0.15))),
        "smiling": Choice(
            _people("smiling", "smiling with a closed mouth"),
            (_SEEN, _NO_BLINK, _SHUT, ("smile", 0.4, _FAR)),
        ),
        "open mouth": Choice(
            _people("with an open mouth", "not smiling with an open mouth"),
            (_SEEN, _NO_BLINK, _NO_SMILE, ("open", 0.35, _FAR)),
        ),
        "closed eyes": Choice(
            _people("with closed eyes", "not smiling with closed eyes"),
            (_SEEN, _NO_SMILE, _SHUT, ("blink", 0.6, _FAR), ("glasses", -1, 1.5)),
        ),
    },
    "smile": {
        "yes": Choice(_people("smiling"), (_SEEN, ("smile", 0.4, _FAR))),
        "no": Choice(_people("not smiling"), (_SEEN, ("smile", -_FAR, 0.08))),
    },
    "mouth": {
        "open": Choice(_people("with an open mouth"), (_SEEN, ("open", 0.35, _FAR))),
        "closed": Choice(_people("with a closed mouth"), (_SEEN, ("open", -_FAR, 0.06))),
    },
    "pose side": {
        "left": Choice(_people(*(s.format("left") for s in _TURNED)), (("yaw", -90, -20),)),
        "front": Choice(_people("facing the camera"), (("yaw", -10, 10),)),
        "right": Choice(_people(*(s.format("right") for s in _TURNED)), (("yaw", 20, 90),)),
    },
    "glasses": {
        "none": Choice(_people("without glasses"), (("yaw", -70, 70), ("glasses", -1, 0.5))),
        "some": Choice(
            _people("with glasses", "with sunglasses"), (("yaw", -70, 70), ("glasses", 0.5, 3))
        ),
    },
    "age": {
        "smooth": Choice(
            _people("", "facing the camera", begin="a young smooth person"),
            (("yaw", -45, 45), ("folds", -1, 0.2)),
        ),
        "folded": Choice(
            _people("", "facing the camera", begin="a old wrinkled person"),
            (("yaw", -45, 45), ("folds", 0.6, 2)),
        ),
    },
    "hat": {
        "none": Choice(_people("without a hat"), (("hat", -1, 0.5),)),
        "some": Choice(
            _people("with a cap", "with a beanie", "with a wide hat", "with a helmet"),
            (("hat", 0.5, 9),),
        ),
    },
    "beard": {
        "none": Choice(_people("shaven"), (("beard", -1, 0.5),)),
        "full": Choice(_people("with a full beard"), (("beard", 0.5, 1.5),)),
    },
    "light side": {
        "left": Choice(_people("lit from the left"), (("light_right", -2, -0.25),)),
        "right": Choice(_people("lit from the right"), (("light_right", 0.25, 2),)),
    },
    "skin": {
        "light": Choice(_people("with pale skin", "with tan skin"), (("skin", 35, 200),)),
        "dark": Choice(_people("with dark skin", "with brown skin"), (("skin", -200, -20),)),
    },
}


def answers(known: dict[str, FloatArray], choices: dict[str, Choice]) -> np.ndarray:
    """(N,) index of the choice that is true of each person, -1 where none is."""
    truth = np.full(len(known["yaw"]), -1)
    for number, choice in enumerate(choices.values()):
        ranges = [(known[name] >= low) & (known[name] < high) for name, low, high in choice.where]
        truth[np.all(ranges, axis=0)] = number
    return truth


def figures_of(
    clip: FaceClip,
    pictures: Tensor,
    known: dict[str, FloatArray],
    questions: dict[str, dict[str, Choice]] = QUESTIONS,
) -> dict[str, Any]:
    """By question: accuracy (mean over its choices), chance, people, and accuracy of each choice.
    Questions without an answer for any of these people are left out.

    pictures: (N, 3, S, S) in 0..1.
    """
    seen = torch.cat([clip.embed(part) for part in pictures.split(_MANY)])
    found: dict[str, Any] = {}
    for name, choices in questions.items():
        truth = answers(known, choices)
        asked = np.flatnonzero(truth >= 0)
        if not len(asked):
            continue
        said = [choice.captions for choice in choices.values()]
        chosen = clip.compare(seen[asked], said).argmax(1).numpy()
        right = {
            choice: float((chosen[truth[asked] == number] == number).mean())
            for number, choice in enumerate(choices)
            if (truth[asked] == number).any()
        }
        found[name] = {
            "accuracy": round(float(np.mean(list(right.values()))), 3),
            "chance": round(1 / len(choices), 3),
            "people": len(asked),
            "choices": {choice: round(value, 3) for choice, value in right.items()},
        }
    return found


def kept_out_people(samples: Path, reference: Path, kept_out: int) -> People:
    """The people kept out of training, one of every ``kept_out`` rows."""
    measures = HeadMeasures(load_head_model(reference))
    return load_people(samples, measures, kept_out, training=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, parents=[file_options("reference")])
    parser.add_argument("--samples", type=Path, default=SHAPE_SAMPLES)
    parser.add_argument("--config", type=Path, default=CONFIG)
    arguments = parser.parse_args()
    kept_out = read_config(arguments.config, FaceClipConfig).kept_out
    people = kept_out_people(arguments.samples, arguments.reference, kept_out)
    for weights in (RESNET, VIT):
        clip = load_face_clip(weights)
        pictures = middle_crops(people.images, people.rows, SHOWN, clip.tower.size[0])
        print(weights.stem, json.dumps(figures_of(clip, pictures, people.known), indent=1))


if __name__ == "__main__":
    main()
