"""How often photos of one person are named as strangers, and how often a stranger is.

Groups of rendered people: all views of one, and all but one view with one of another person of the
same source. The spread of identities and the threshold are found on half of the people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...fitting.agreement import SHARP, likelihood_ratios, strangers
from .calibrate import calibrating
from .measure import UNTOUCHED, TrustRow

MODES = 20
# Share of groups of one person in which a photo may be named.
ALLOWED = 0.05
# Squared standard deviations: no mode tells people apart without bounds.
LEAST = 0.02


class View(NamedTuple):
    """An untouched picture: whose it is, its identity (I,) and its vagueness."""

    person: int
    identity: np.ndarray
    vagueness: float


def views_of(rows: Sequence[TrustRow], calibration: bool) -> list[View]:
    """The untouched views of the half of the people that weights are found on, or of the other."""
    return [
        View(row.person, row.identity, row.measures.vagueness)
        for row in rows
        if row.kind == UNTOUCHED
        and calibrating(row) == calibration
        and row.measures is not None
        and row.identity is not None
    ]


def spread_of(views: Sequence[View]) -> tuple[list[float], list[float]]:
    """Variances (M,) of one person's photos, each as if it were sharp, and between people."""
    within, means, noises = [], [], []
    for group in _people(views):
        noise = np.array([max(view.vagueness / SHARP, 1) for view in group])
        modes = np.stack([view.identity[:MODES] for view in group])
        mean = (modes / noise[:, None]).sum(0) / (1 / noise).sum()
        within.append(((modes - mean) ** 2 / noise[:, None]).sum(0))
        means.append(mean)
        noises.append(1 / (1 / noise).sum())
    own = np.sum(within, axis=0) / (len(views) - len(means))
    between = np.var(means, axis=0, ddof=1) - own * np.mean(noises)
    return own.tolist(), np.maximum(between, LEAST).tolist()


def threshold_of(views: Sequence[View], spread: tuple[list[float], list[float]]) -> float:
    """The ratio that ALLOWED of the groups of one person exceed."""
    worst = [likelihood_ratios(*_arrays(group), spread).max() for group in _people(views)]
    return float(np.quantile(worst, 1 - ALLOWED))


def judge(views: Sequence[View]) -> dict[str, Any]:
    """Figures of the shipped threshold: false alarms, strangers that are named, others that are."""
    alarms = [bool(strangers(*_arrays(group))) for group in _people(views)]
    named = [strangers(*_arrays(group)) for group in _mixed(views)]
    last = [len(group) - 1 for group in _mixed(views)]
    right = [index in found for found, index in zip(named, last, strict=True)]
    wrong = [bool(set(found) - {index}) for found, index in zip(named, last, strict=True)]
    return {
        "groups of one person": len(alarms),
        "of these with a photo named": float(np.mean(alarms)),
        "groups with one stranger": len(named),
        "of these with the stranger named": float(np.mean(right)),
        "of these with another named": float(np.mean(wrong)),
    }


def _people(views: Sequence[View]) -> Iterator[list[View]]:
    """The views of each person who has more than two."""
    for person in sorted({view.person for view in views}):
        group = [view for view in views if view.person == person]
        if len(group) > 2:
            yield group


def _mixed(views: Sequence[View]) -> Iterator[list[View]]:
    """All but one view of a person, and one of each other person of the same source in turn."""
    groups = list(_people(views))
    for group in groups:
        others = [o for o in groups if o is not group and (o[0].person - group[0].person) % 2 == 0]
        for number, other in enumerate(others):
            leave = number % len(group)
            rest = [view for index, view in enumerate(group) if index != leave]
            yield [*rest, other[number % len(other)]]


def _arrays(group: Sequence[View]) -> tuple[np.ndarray, list[float]]:
    return np.stack([view.identity for view in group]), [view.vagueness for view in group]
