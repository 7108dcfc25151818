"""Several photos of one person: what one identity for all of them is worth, and how well the
identities of single photos tell people apart.

    python -m ml.evaluation same-person --data DATA

Random people are rendered in three views each. Beside the common fit stand each view alone, the
most frontal view alone, and the best of the three, which only the truth can name.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from ...data import FloatArray
from ...errors import NoFaceFound
from ...pipeline.same_person import fit_alone, fit_together
from ...pipeline.timing import Clock
from ..benchmark import ONE_FACE, Outcome
from ..metrics import identity_distances
from .kept_out import KeptOut, add_kept_out_options
from .people import RenderedView, rendered_views
from .reference import Reference, make_reference
from .shape import ShapeError, shape_error, shape_means

WAYS = ("each view alone", "most frontal view", "best view", "together")
# Whose identities are compared: the network's last estimate, and the fit's.
STAGES = ("network", "fitted")
BINS = 12


@dataclass(frozen=True)
class PersonRow:
    """One person.

    Attributes
    ----------
    views: found and fitted; at least two, or there is nothing to put together.
    yaws: (P,) degrees. alone: (P,) errors of single fits. together: of the common fit.
    identities: (P, I) of single photos, by stage.
    """

    person: int
    source: str
    yaws: tuple[float, ...]
    alone: tuple[ShapeError, ...]
    together: ShapeError
    identities: dict[str, FloatArray]

    def by_way(self) -> dict[str, list[ShapeError]]:
        """The errors that each of WAYS makes."""
        frontal = self.alone[int(np.argmin(np.abs(self.yaws)))]
        best = min(self.alone, key=lambda error: error.mean)
        return dict(zip(WAYS, ([*self.alone], [frontal], [best], [self.together]), strict=True))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_out_options(parser, people=40)


def run(arguments: argparse.Namespace) -> Outcome:
    summary = summarise(measure_people(KeptOut.of(arguments)))
    return Outcome(report(summary), {"summary": summary})


def measure_people(kept_out: KeptOut) -> list[PersonRow | None]:
    """All rows of random people; see :func:`measure`. Raises UsageError, see KeptOut."""
    views = rendered_views(kept_out)
    return list(measure(views, make_reference(kept_out.head)))


def measure(views: Iterable[RenderedView], reference: Reference) -> Iterator[PersonRow | None]:
    """One row per person; None where a face was found in fewer than two views."""
    for _, group in groupby(views, key=lambda view: view.person):
        yield _person(list(group), reference)


def _person(views: list[RenderedView], reference: Reference) -> PersonRow | None:
    seen, found = [], []
    for view in views:
        try:
            seen.append(fit_alone(view.photo, ONE_FACE, Clock()))
        except NoFaceFound:
            continue
        found.append(view)
    if len(seen) < 2:
        return None
    fitted = np.stack([item.fitted.fit.coefficients.identity for item in seen])
    network = np.stack([item.fitted.evidence.start.identity for item in seen])
    together = fit_together(seen, lambda place: found[place].photo)[0].fit.coefficients.identity
    true, shape = found[0].neutral, reference.head.shape

    def error(identity: FloatArray) -> ShapeError:
        return shape_error(shape.neutral(identity), true, shape.mean, reference.regions)

    return PersonRow(
        found[0].person,
        found[0].source,
        tuple(view.yaw for view in found),
        tuple(error(identity) for identity in fitted),
        error(together),
        dict(zip(STAGES, (network, fitted), strict=True)),
    )


def summarise(rows: Sequence[PersonRow | None]) -> dict[str, Any]:
    """Shape errors by way, and distances of identities by stage."""
    found = [row for row in rows if row is not None]
    summary: dict[str, Any] = {"people": len(found), "not_found": len(rows) - len(found)}
    for way in WAYS:
        errors = [error for row in found for error in row.by_way()[way]]
        if errors:
            summary[way] = shape_means(errors)
    for way in WAYS[1:3]:
        better = [row.together.mean < row.by_way()[way][0].mean for row in found]
        summary[f"together better than {way}"] = float(np.mean(better)) if better else None
    for stage in STAGES:
        summary[f"identity distance, {stage}"] = _distances(found, stage)
    return summary


def _distances(rows: list[PersonRow], stage: str) -> dict[str, Any] | None:
    """Two histograms in common bins of mm; people of one source only are compared. None where
    there is nothing to compare, or all identities are the same."""
    if not rows:
        return None
    views = [len(row.yaws) for row in rows]
    one, other = identity_distances(
        np.concatenate([row.identities[stage] for row in rows]),
        np.repeat([row.person for row in rows], views),
        np.repeat([row.source for row in rows], views),
    )
    if not len(one) or not other.any():
        return None
    edges = np.linspace(0, max(one.max(), other.max()), BINS + 1)
    return {
        "same": _spread(one, edges),
        "different": _spread(other, edges),
        "bins_mm": edges.tolist(),
        "ratio_of_means": float(one.mean() / other.mean()),
        "ratio_of_medians": float(np.median(one) / np.median(other)),
        # How often a pair of one person is nearer than a pair of different people.
        "told_apart": float(np.searchsorted(np.sort(one), other).mean() / len(one)),
    }


def _spread(distance: np.ndarray, edges: np.ndarray) -> dict[str, Any]:
    return {
        "pairs": len(distance),
        "mean_mm": float(distance.mean()),
        "median_mm": float(np.median(distance)),
        "counts": np.histogram(distance, edges)[0].tolist(),
    }


def report(summary: dict[str, Any]) -> str:
    """The summary as tables."""
    lines = [
        f"{summary['people']} people, {summary['not_found']} seen in fewer than two views",
        f"{'':28} {'regions':>8} {'mean face':>9} {'ratio':>6} {'recovered':>9}",
    ]
    for way in WAYS:
        if way in summary:
            one = summary[way]
            lines.append(
                f"{way:28} {one['regions_mm']:6.2f}mm {one['mean_face_mm']:7.2f}mm "
                f"{one['ratio']:6.2f} {one['recovered']:9.2f}"
            )
    for way in WAYS[1:3]:
        share = summary[f"together better than {way}"]
        if share is not None:
            lines.append(f"together better than the {way} for {share:.0%} of the people")
    for stage in STAGES:
        distance = summary[f"identity distance, {stage}"]
        if distance is not None:
            lines += _histogram(stage, distance)
    return "\n".join(lines)


def _histogram(stage: str, distance: dict[str, Any]) -> list[str]:
    same, other = distance["same"], distance["different"]
    lines = [
        f"\nIdentity distance, {stage}: same person {same['mean_mm']:.2f} mm (median "
        f"{same['median_mm']:.2f}), different people {other['mean_mm']:.2f} mm (median "
        f"{other['median_mm']:.2f}), ratio {distance['ratio_of_means']:.2f}, told apart "
        f"{distance['told_apart']:.1%}",
        f"{'mm':>13} {'same':>6} {'different':>9}",
    ]
    edges = distance["bins_mm"]
    for low, high, one, two in zip(edges, edges[1:], same["counts"], other["counts"], strict=False):
        share = (100 * one / same["pairs"], 100 * two / other["pairs"])
        lines.append(f"{low:6.2f}-{high:6.2f} {share[0]:5.1f}% {share[1]:8.1f}%")
    return lines
