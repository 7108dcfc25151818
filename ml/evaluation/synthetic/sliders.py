"""Whether shape sliders do what they say, and nothing else: on random people of the head model.

    python -m ml.evaluation sliders

Every slider is moved as far as people differ in its measure, both ways, on every person, and all
measures are taken on the head as it is built, at rest, with settled lids. Measures are compared in
their standard deviations over people. Contacts are those of people all of whose sliders stand at
random.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...data import FloatArray
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ...results.shaped import Shaped
from ...shape_sliders.measures import HELD, LANDMARKS, MEASURES
from ...shape_sliders.shape import identity_of
from ...shape_sliders.sliders import DIRECTED, SLIDERS
from ..benchmark import Outcome, add_json_option
from ..head.contact import contacts_of
from ..report.text import table

SEED, PEOPLE = 31, 20
# People whose measures say how far people differ.
CROWD = 2000
FARTHEST = 2.5
# How far from its end each slider stands on people whose contacts are measured, at most.
SHARE = 1 / 3
NAMES = tuple(each.name for each in (*MEASURES, *HELD))


@dataclass(frozen=True)
class SliderRow:
    """One slider moved on one person, one way.

    Attributes
    ----------
    own: what its measure changed by, as a share of what it says; NaN for groups of people, which
    have none. others: (M,) by how many of their standard deviations all measures changed, over how
    many of its own the slider was moved; 100 % of a group counts as one. Its own is NaN.
    """

    name: str
    own: float
    others: np.ndarray


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--people", type=int, default=PEOPLE, help="random people to measure on")
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> Outcome:
    summary = measure(load_head_model(), arguments.people)
    return Outcome(report(summary), {"summary": summary})


def measure(model: HeadModel, people: int) -> dict[str, Any]:
    """All figures; see :func:`summarise`."""
    rng = np.random.default_rng(SEED)
    spread = spread_of(model, rng)
    persons = drawn(model, rng, people)
    rows = [row for person in persons for row in rows_of(model, person, spread)]
    return summarise(rows, spread) | {
        "contact_mm": contact(model, persons, rng),
        "milliseconds": update_time(model, persons),
    }


def drawn(model: HeadModel, rng: np.random.Generator, count: int) -> FloatArray:
    """(count, I) random people."""
    people = rng.normal(size=(count, model.identity_count))
    return np.clip(people, -FARTHEST, FARTHEST).astype(np.float32)


def spread_of(model: HeadModel, rng: np.random.Generator) -> np.ndarray:
    """(M,) standard deviation of every measure over people, mm."""
    crowd = drawn(model, rng, CROWD)
    rest = np.zeros((CROWD, len(model.expression_names)), np.float32)
    places = model.points(LANDMARKS).batch(crowd, rest)
    return np.array([each.of(places).std() for each in (*MEASURES, *HELD)])


def rows_of(model: HeadModel, person: FloatArray, spread: np.ndarray) -> Iterable[SliderRow]:
    """Every slider that has a direction, moved both ways."""
    before = measured(model, person)
    for name in DIRECTED:
        known = name in NAMES
        step = spread[NAMES.index(name)] if known else 100.0
        for way in (-1, 1):
            moved = identity_of(Shaped(person, {name: way * step}))
            change = way * (measured(model, moved) - before)
            others = change / spread
            own = float("nan")
            if known:
                own, others[NAMES.index(name)] = change[NAMES.index(name)] / step, np.nan
            yield SliderRow(name, own, others)


def measured(model: HeadModel, person: FloatArray) -> np.ndarray:
    """(M,) millimetres of MEASURES and HELD on the head as it is built."""
    places = model.landmark_sets[LANDMARKS].on(model.person(person)[0])
    return np.array([each.of(places) for each in (*MEASURES, *HELD)])


def summarise(rows: Iterable[SliderRow], spread: np.ndarray) -> dict[str, Any]:
    """By slider: what a step is, what becomes of its own measure, and the other that moves most."""
    found: dict[str, list[SliderRow]] = {}
    for row in rows:
        found.setdefault(row.name, []).append(row)
    return {"sliders": {name: _slider(own, spread) for name, own in found.items()}}


def _slider(rows: list[SliderRow], spread: np.ndarray) -> dict[str, Any]:
    own = np.array([row.own for row in rows])
    others = np.abs([row.others for row in rows])
    usual = np.where(np.isnan(others).all(0), 0, np.nan_to_num(others).mean(0))
    worst = int(usual.argmax())
    figures = {
        "other": NAMES[worst],
        "other_mean": float(usual[worst]),
        "other_worst": float(np.nanmax(others)),
        "beyond_a_fifth": {
            name: float(share) for name, share in zip(NAMES, usual, strict=True) if share > 0.2
        },
    }
    name = rows[0].name
    if name not in NAMES:
        return figures
    return figures | {
        "spread_mm": float(spread[NAMES.index(name)]),
        "own_mean": float(own.mean()),
        "own_worst": float(own[np.abs(own - 1).argmax()]),
    }


def contact(model: HeadModel, persons: FloatArray, rng: np.random.Generator) -> dict[str, float]:
    """Millimetres that lids, lips, tongue and teeth are off where they touch, the worst person."""
    worst: dict[str, float] = {}
    for person in persons:
        values = {
            name: SHARE * slider.reach * rng.uniform(-1, 1) for name, slider in SLIDERS.items()
        }
        found = contacts_of(model, identity_of(Shaped(person, values)))
        worst = {name: max(value, worst.get(name, 0.0)) for name, value in found.items()}
    return worst


def update_time(model: HeadModel, persons: FloatArray) -> float:
    """Milliseconds until a head with all its keys follows a slider, the median."""
    seconds = []
    for person in persons:
        start = time.perf_counter()
        model.person(identity_of(Shaped(person, {"jaw_width": 5.0})))
        seconds.append(time.perf_counter() - start)
    return 1000 * float(np.median(seconds))


def report(summary: Mapping[str, Any]) -> str:
    """The summary as a table."""
    header = ("slider", "step", "own, %", "worst", "other that moves most", "%", "worst, %")
    lines = []
    for name, row in summary["sliders"].items():
        known = "own_mean" in row
        lines.append(
            (
                name,
                f"{row['spread_mm']:.1f} mm" if known else "100 %",
                f"{100 * row['own_mean']:.1f}" if known else "-",
                f"{100 * row['own_worst']:.1f}" if known else "-",
                row["other"],
                f"{100 * row['other_mean']:.1f}",
                f"{100 * row['other_worst']:.1f}",
            )
        )
    touching = ", ".join(f"{name} {mm:.3f}" for name, mm in summary["contact_mm"].items())
    return "\n".join(
        [
            table(header, lines),
            f"Contacts with all sliders at random, worst, mm: {touching}",
            f"A head with its keys takes {summary['milliseconds']:.0f} ms",
        ]
    )
