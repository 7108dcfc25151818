"""The part of the page on labelled photos: portraits are counted, only wild photos are named."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..photos.landmarks import LandmarkRow, Summary, summarise
from ..regions import REGIONS
from .text import percent, table

# Degrees by which a label's best pose is turned to either side.
TURNS = {"to 15°": (0, 15), "15 to 30°": (15, 30), "30 to 60°": (30, 60), "beyond 60°": (60, 181)}
# Above this, in %, a face counts as a failure.
FAILED = 12.0


def section(title: str, rows: Sequence[LandmarkRow], *, named: bool) -> str:
    """Landmark error on one set: overall, by region, by pose, and what failed."""
    summary = summarise(rows)
    if not summary.labelled:
        return f"### {title}\n\nNo labelled photo.\n"
    found = [row for row in rows if row.found]
    parts = [f"### {title}", _found(summary), _overall(summary, found)]
    if found:
        parts += [_by_region(found)]
    parts += [_by_turn([row for row in rows if row.labelled]), failures(rows, named=named)]
    return "\n\n".join(parts) + "\n"


def _found(summary: Summary) -> str:
    bare = summary.photos - summary.labelled
    text = (
        f"Found: {summary.found} of {summary.labelled} labelled faces "
        f"({percent(summary.found / summary.labelled)}), {summary.prominent} of them as the most "
        "prominent face of their photo."
    )
    return text + (
        f" Without a usable label: {bare} photos, a face in {summary.unlabelled_with_a_face}."
        if bare
        else ""
    )


def _overall(summary: Summary, found: Sequence[LandmarkRow]) -> str:
    worst = [max((getattr(row, name) for row in found), default=None) for name in _FIGURES]
    lines = [
        ("head, fitted and projected", summary.error_mean, summary.error_median, worst[0]),
        ("network's points", summary.network_mean, summary.network_median, worst[1]),
        ("mean face in its best pose", summary.baseline_mean, summary.baseline_median, worst[2]),
    ]
    return table(("468 points", "mean %", "median %", "worst %"), lines)


_FIGURES = ("error", "network", "baseline")


def _by_region(found: Sequence[LandmarkRow]) -> str:
    rows = [
        (
            name,
            len(points),
            _mean([row.regions[name] for row in found]),
            _mean([row.baseline_regions[name] for row in found]),
        )
        for name, points in REGIONS.items()
    ]
    return table(("region", "points", "head %", "mean face %"), rows)


def _by_turn(labelled: Sequence[LandmarkRow]) -> str:
    rows = []
    for name, (low, high) in TURNS.items():
        some = [row for row in labelled if row.yaw is not None and low <= abs(row.yaw) < high]
        found = [row for row in some if row.found]
        figures = [_mean([getattr(row, what) for row in found]) for what in _FIGURES]
        rows.append((name, f"{len(found)} of {len(some)}", *figures))
    header = ("face turned by", "found", "head %", "network's points %", "mean face %")
    return table(header, rows)


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def failures(rows: Sequence[LandmarkRow], *, named: bool) -> str:
    """What was not found, and what was found badly, with its confidence."""
    lost = [row for row in rows if row.labelled and not row.found]
    bad = [row for row in rows if row.error is not None and row.error > FAILED]
    text = f"Not found: {len(lost)}. Above {FAILED:.0f} %: {len(bad)}."
    if named:
        lines = [f"- `{row.photo}`: not found" for row in lost]
        lines += [
            f"- `{row.photo}`: {row.error:.1f} %, confidence {row.confidence:.2f}" for row in bad
        ]
        lines += [
            f"- `{row.photo}`: its label is left out: it {row.left_out}"
            for row in rows
            if row.left_out
        ]
        return "\n".join([text, *([""] if lines else []), *lines])
    if bad:
        high = max(row.confidence or 0.0 for row in bad)
        text += f" Their highest confidence is {high:.2f}."
    return text
