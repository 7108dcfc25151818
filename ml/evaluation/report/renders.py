"""The part of the page on rendered people, of whom everything is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..metrics import identity_distances
from ..synthetic.heads import STAGES, StageRow, means, summarise
from ..synthetic.people import POSES, by_pose
from ..synthetic.reference import REGIONS
from .text import percent, table

# Individual typology angle of the skin's own colour, degrees.
TONES = {"light (above 28°)": (28.0, 91.0), "tan to brown (-30 to 28°)": (-30.0, 28.0),
         "dark (below -30°)": (-91.0, -30.0)}  # fmt: skip
AGES = ("child", "young", "middle-aged", "old")
SHOWN = 12
_HEADER = ("views", "regions mm", "mean face mm", "ratio", "recovered", "landmarks %")


def section(rows: Sequence[StageRow | None]) -> str:
    """Stages by pose, regions, skin tone, age."""
    summary = summarise(list(rows))
    fitted = of_stage(rows, "fitted")
    if not fitted:
        return f"No face was found in {summary['not_found']} views.\n"
    parts = [
        f"{summary['views']} views, {summary['not_found']} faces not found.",
        "#### What each stage adds",
        _stages(summary),
        steps(summary),
        "#### By region, fitted head",
        _regions(fitted),
        "#### By skin tone",
        "Tone is the individual typology angle of the skin's own colour, before any light.",
        _groups(_by_tone(fitted)),
        "#### By age",
        "MakeHuman's people have an age; it shapes the head only, the skin is drawn apart from it. "
        "ICT-FaceKit does not say how old its people are.",
        _groups(_by_age(fitted)),
    ]
    return "\n\n".join(parts) + "\n"


def of_stage(rows: Iterable[StageRow | None], stage: str) -> list[StageRow]:
    """The rows of one stage."""
    return [row for row in rows if row is not None and row.stage == stage]


def _stages(summary: dict[str, Any]) -> str:
    header = ("stage and pose", *_HEADER, "face mm (mean face)", "expression", "turn °")
    lines = [
        (
            name,
            *_figures(one),
            f"{one['face_mm']:.2f} ({one['face_baseline_mm']:.2f})",
            one["expression_ratio"],
            one["turn_degrees"],
        )
        for name, one in summary.items()
        if isinstance(one, dict)
    ]
    return table(header, lines)


def _figures(one: dict[str, Any]) -> tuple[Any, ...]:
    return (
        one["views"],
        one["regions_mm"],
        one["mean_face_mm"],
        one["ratio"],
        one["recovered"],
        one["landmarks_percent"],
    )


def lowered(summary: dict[str, Any], before: str, after: str, figure: str) -> float | None:
    """By what share a stage lowers a figure, over all poses by number of views; None without."""
    totals = [
        sum(
            summary[f"{stage}, {pose}"][figure] * summary[f"{stage}, {pose}"]["views"]
            for pose in POSES
            if f"{stage}, {pose}" in summary
        )
        for stage in (before, after)
    ]
    return 1 - totals[1] / totals[0] if totals[0] else None


def steps(summary: dict[str, Any]) -> str:
    """What refinement and fitting each gain."""
    coarse, refined, surface, fitted = STAGES
    inner = lowered(summary, coarse, refined, "regions_mm") or 0.0
    shape = lowered(summary, coarse, surface, "regions_mm") or 0.0
    points = lowered(summary, surface, fitted, "landmarks_percent") or 0.0
    all_points = lowered(summary, refined, fitted, "landmarks_percent") or 0.0
    both = lowered(summary, surface, fitted, "regions_mm") or 0.0
    return (
        f"Refinement lowers the shape error of the coarse head by {percent(shape)} (inside the "
        f"network by {percent(inner)}, the rest along the fitted surface). Fitting lowers the "
        f"landmark error of the refined one by {percent(points)} and its shape error by "
        f"{percent(both)}; from the network's landmarks to the last fit it falls by "
        f"{percent(all_points)}."
    )


def _regions(fitted: Sequence[StageRow]) -> str:
    header = ["region"] + [f"{what}, {pose}" for pose in POSES for what in ("mm", "ratio")]
    lines = []
    for name in REGIONS:
        line: list[object] = [name.removeprefix("realy_")]
        for some in by_pose(fitted).values():
            ours = _mean([row.shape.regions[name] for row in some])
            theirs = _mean([row.shape.baseline[name] for row in some])
            line += [f"{ours:.2f} ({theirs:.2f})", ours / theirs] if some else [None, None]
        lines.append(line)
    return table(header, lines) + "\n\nIn brackets: the mean face."


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _by_tone(fitted: Sequence[StageRow]) -> dict[str, list[StageRow]]:
    return {
        name: [row for row in fitted if low <= row.view.tone < high]
        for name, (low, high) in TONES.items()
    }


def _by_age(fitted: Sequence[StageRow]) -> dict[str, list[StageRow]]:
    return {
        age or "not known (ICT-FaceKit)": [row for row in fitted if row.view.age == age]
        for age in (*AGES, "")
    }


def _groups(groups: dict[str, list[StageRow]]) -> str:
    lines = [
        (name, *(_figures(means(some)) if some else (0, *[None] * 5)))
        for name, some in groups.items()
    ]
    return table(("group", *_HEADER), lines)


def distances(fitted: Sequence[StageRow]) -> tuple[np.ndarray, np.ndarray]:
    """mm between the identities of (one person, different people of the same source)."""
    if len(fitted) < 2:
        return np.zeros(0), np.zeros(0)
    identities = np.stack([row.found.identity for row in fitted])
    people, sources = (
        np.array([getattr(row.view, n) for row in fitted]) for n in ("person", "source")
    )
    return identity_distances(identities, people, sources)


def shown(fitted: Sequence[StageRow]) -> dict[str, list[StageRow]]:
    """The best, median and worst faces by shape, none twice, none with a real face's detail."""
    free = [row for row in fitted if not row.view.borrowed]
    free.sort(key=lambda row: row.shape.mean)
    count = min(SHOWN, len(free) // 3)
    if not count:
        return {}
    middle = (len(free) - count) // 2
    return {
        f"best {count}": free[:count],
        f"median {count}": free[middle : middle + count],
        f"worst {count}": free[-count:],
    }
