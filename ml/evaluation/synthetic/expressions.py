"""Every expression key alike: found where a face does it, silent where it does not.

    python -m ml.evaluation expressions --data DATA

Portraits smile and look into the camera; an error over all keys says little of a wink. Here
rendered people whose skins training never saw act every key equally often, left and right apart,
each together with what else faces do. Needs the reference head that training makes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from tqdm import tqdm

from ...data import FloatArray, HeadCoefficients
from ...errors import NoFaceFound
from ...head.arkit import EXPRESSION_NAMES
from ...head.storage import load_head_model
from ...training.data.people.expressions import acted_expression
from ...training.data.people.tongue import tongue_put_out
from ...training.data.worn.accessories import Wardrobe
from ...training.data.worn.extra import Extra
from ...training.head.gaze import GAZE
from ..benchmark import ONE_FACE, Outcome
from .kept_out import KeptOut, add_kept_out_options
from .people import Body, RenderedView, kept_out_studio, random_people, rendered_view

SEED, YAW = 5151, (0, 30)
# Nothing before the face: what cannot be seen cannot be found.
OPEN_FACES = Wardrobe(beard=0.05, glasses=0.0)
# A key counts as acted from ACTED on, and as found or heard from these values on.
ACTED, FOUND, HEARD = 0.6, 0.5, 0.2
# A lid is closed and seen to be so, and open and seen to be so.
SHUT, SEEN_SHUT = 0.85, 0.6


@dataclass(frozen=True)
class Faces:
    """N faces: (N, E) what they did and what was found."""

    true: FloatArray
    found: FloatArray


@dataclass(frozen=True)
class KeyFigures:
    """One key.

    Attributes
    ----------
    faces: how many act it. found: mean value found in these. detected: share of these in which it
    is at FOUND or more. silent: share of the faces without it in which it stays below HEARD.
    """

    name: str
    faces: int
    found: float
    detected: float
    silent: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_out_options(parser, people=12)
    parser.add_argument(
        "--views", type=int, default=6, help="faces that act each key (%(default)s)"
    )


def run(arguments: argparse.Namespace) -> Outcome:
    views = acted_views(KeptOut.of(arguments), arguments.views)
    faces, missed = measure(views)
    rows = figures_of(faces)
    summary = summarise(rows, faces) | {"not found": float(missed)}
    figures = {"summary": summary, "keys": [vars(row) for row in rows]}
    return Outcome(report(rows, summary), figures)


def acted_views(kept_out: KeptOut, count: int) -> Iterator[RenderedView]:
    """``count`` views for each key in which it is acted, on people in turn, with a bar."""
    kept_out.check()
    studio, reference = kept_out_studio(kept_out), kept_out.head
    studio = replace(studio, options=replace(studio.options, wardrobe=OPEN_FACES))
    rng = np.random.default_rng(SEED)
    people = random_people(kept_out.data, kept_out.people, rng)
    for number in tqdm(range(count * len(EXPRESSION_NAMES)), "acted faces", leave=False):
        expression = acting(number % len(EXPRESSION_NAMES), rng)
        shape = people[number % len(people)].shape.astype(np.float32)
        moved = shape + np.tensordot(expression, reference.shape.expression, 1)
        lips = reference.landmark_sets["mediapipe478"].on(moved.astype(np.float32))[_LIPS]
        body = Body(shape, None, expression, _tongue(expression, lips, rng))
        yield rendered_view(studio, reference, body, YAW, rng)


def acting(key: int, rng: np.random.Generator) -> FloatArray:
    """(E,) a random acted expression in which a key is at ACTED or more."""
    while (expression := acted_expression(rng))[key] < ACTED:
        pass
    return expression


# MediaPipe's middle of the inner edge of both lips.
_LIPS = [13, 14]


def _tongue(
    expression: FloatArray, lips: FloatArray, rng: np.random.Generator
) -> tuple[Extra, ...]:
    """The mean head's tongue between these lips (2, 3): these people are not of our modes."""
    model = load_head_model()
    mean = HeadCoefficients(np.zeros(model.identity_count, np.float32), expression)
    shift = (lips - model.points("mediapipe478").at(mean)[_LIPS]).mean(0)
    return tuple(
        replace(extra, vertices=extra.vertices + shift) for extra in tongue_put_out(mean, rng)
    )


def measure(views: Iterable[RenderedView]) -> tuple[Faces, int]:
    """The whole pipeline on every view, and how many faces it did not find."""
    from ...pipeline.fit import fit_photo

    true, found, missed = [], [], 0
    for view in views:
        try:
            fitted = fit_photo(view.photo, ONE_FACE)
        except NoFaceFound:
            missed += 1
            continue
        true.append(view.expression)
        found.append(fitted.fit.coefficients.expression)
    return Faces(np.stack(true), np.stack(found)), missed


def figures_of(faces: Faces) -> list[KeyFigures]:
    """One row for each key; nan where no face tells."""
    rows = []
    for name, true, found in zip(EXPRESSION_NAMES, faces.true.T, faces.found.T, strict=True):
        acted, rest = found[true >= ACTED], found[true == 0]
        rows.append(
            KeyFigures(
                name,
                len(acted),
                _mean(acted),
                _mean(acted >= FOUND),
                _mean(rest < HEARD),
            )
        )
    return rows


def summarise(rows: Sequence[KeyFigures], faces: Faces) -> dict[str, float]:
    """Means over the keys, of which each counts alike, and figures of the lids."""
    lids = [EXPRESSION_NAMES.index(f"eyeBlink{side}") for side in ("Left", "Right")]
    true, found = faces.true[:, lids], faces.found[:, lids]
    wink = (true.max(1) >= SHUT) & (true.min(1) < HEARD)
    apart = np.take_along_axis(found, true.argsort(1), 1)
    return {
        "faces": float(len(faces.true)),
        "keys detected": _mean(np.array([row.detected for row in rows])),
        "keys silent": _mean(np.array([row.silent for row in rows])),
        "error over a resting face's": float(
            np.abs(faces.found - faces.true).mean() / np.abs(faces.true).mean()
        ),
        "closed lids above 0.6": _mean(found[true >= SHUT] > SEEN_SHUT),
        "open lids below 0.2": _mean(found[true == 0] < HEARD),
        "winks: closed above 0.6, open below 0.2": _mean(
            (apart[wink, 1] > SEEN_SHUT) & (apart[wink, 0] < HEARD)
        ),
        "gaze, median degrees": _median_gaze(faces.true, faces.found),
        "gaze of eyes that look ahead, median degrees": _median_gaze(faces.true, 0 * faces.found),
    }


def _median_gaze(true: FloatArray, found: FloatArray) -> float:
    """Degrees between where open eyes look and where they are found to look."""
    apart = []
    for side in ("Left", "Right"):
        lid = EXPRESSION_NAMES.index(f"eyeBlink{side}")
        off = (found - true)[true[:, lid] < HEARD]
        turned = {
            name: degrees * off[:, EXPRESSION_NAMES.index(f"eyeLook{name}{side}")]
            for name, (degrees, _) in GAZE.items()
        }
        apart.append(np.hypot(turned["Out"] - turned["In"], turned["Up"] - turned["Down"]))
    known = np.concatenate(apart)
    return float(np.median(known)) if known.size else float("nan")


def report(rows: Sequence[KeyFigures], summary: dict[str, float]) -> str:
    """The figures as text."""
    lines = [f"{name:42s} {value:8.2f}" for name, value in summary.items()]
    lines += ["", f"{'key':24s} {'faces':>6s} {'found':>6s} {'detected':>9s} {'silent':>7s}"]
    lines += [
        f"{row.name:24s} {row.faces:6d} {row.found:6.2f} {row.detected:9.2f} {row.silent:7.2f}"
        for row in rows
    ]
    return "\n".join(lines)


def _mean(values: np.ndarray) -> float:
    """Of what is known; nan of nothing."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
