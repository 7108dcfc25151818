"""The ablation's tables: likeness, shape, normals and time; and what else was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..likeness.clay import VIEWS
from ..likeness.measure import MEAN_FACE, Likeness
from ..report.text import table
from ..synthetic.midband import PARTS
from ..synthetic.shape import ShapeError, shape_means
from .variants import REFINED

# Sizes of features, as columns name them.
_SIZES = tuple(f"{low:g}-{high:g}" for low, high in PARTS)


@dataclass(frozen=True)
class VariantRow:
    """One view by one variant.

    Attributes
    ----------
    landmarks: mean distance, per cent of the outer-eye distance; NaN where detail was added, which
    does not move them. shape: of the neutral head. normal, depth: the middle band's error, degrees
    and mm; smooth: the normal's of a head without any band. distance: between the photo and the
    head drawn into it, see Resemblance; NaN likewise. parts: normals' error, degrees, in each of
    midband.PARTS.
    """

    view: int
    variant: str
    landmarks: float
    shape: ShapeError
    normal: float
    depth: float
    smooth: float
    distance: float
    milliseconds: float
    parts: tuple[float, ...]


def summarise(rows: Sequence[VariantRow]) -> dict[str, Any]:
    """Means by variant, and how each differs from the shipped refinement in the same views."""
    plain = {row.view: row for row in rows if row.variant == REFINED}
    summary: dict[str, Any] = {}
    for name in dict.fromkeys(row.variant for row in rows):
        some = [row for row in rows if row.variant == name]
        means = shape_means([row.shape for row in some])
        change = np.array([row.shape.mean - plain[row.view].shape.mean for row in some])
        summary[name] = {
            "views": len(some),
            "regions_mm": means["regions_mm"],
            "ratio": means["ratio"],
            "change_mm": float(change.mean()),
            # Of the mean of the differences, not of either figure.
            "change_error_mm": float(change.std(ddof=1) / np.sqrt(len(some)))
            if len(some) > 1
            else float("nan"),
            "recovered": means["recovered"],
            "milliseconds": float(np.median([row.milliseconds for row in some])),
            "normal_by_mm": {
                size: float(np.mean([row.parts[number] for row in some]))
                for number, size in enumerate(_SIZES)
            },
        } | {
            field: float(np.mean([getattr(row, field) for row in some]))
            for field in ("landmarks", "normal", "depth", "smooth", "distance")
        }
    return summary


def report(summary: Mapping[str, Any], likeness: Mapping[str, Likeness]) -> str:
    """Both tables, and which photos were left out."""
    parts = [_main(summary, likeness), _rest(summary)]
    for name, one in likeness.items():
        parts += [f"{name}: {photo} left out ({why})" for photo, why in one.left_out.items()]
    return "\n\n".join(parts)


def _main(summary: Mapping[str, Any], likeness: Mapping[str, Likeness]) -> str:
    """A row per variant; likeness is the share of photos that come first, with its interval."""
    header = [""]
    for name, one in likeness.items():
        header += [f"{name} ({one.photos}): rank 1, {view.name}" for view in VIEWS]
    header += ["regions mm", f"against {REFINED}, mm", *(f"normals {size} mm °" for size in _SIZES)]
    header += ["mid-band normals °", "ms"]
    lines = [
        (
            name,
            *_ranks(name, likeness),
            f"{one['regions_mm']:.3f}",
            "" if name == REFINED else f"{one['change_mm']:+.3f} ± {one['change_error_mm']:.3f}",
            *(f"{value:.3f}" for value in one["normal_by_mm"].values()),
            f"{one['normal']:.3f}",
            f"{one['milliseconds']:.0f}",
        )
        for name, one in summary.items()
    ]
    if likeness:
        missing = len(header) - 1 - len(_ranks(MEAN_FACE, likeness))
        lines.insert(0, (MEAN_FACE, *_ranks(MEAN_FACE, likeness), *["-"] * missing))
    return table(header, lines)


def _ranks(name: str, likeness: Mapping[str, Likeness]) -> list[str]:
    return [
        one.figures[name][view.name]["rank 1"].text() for one in likeness.values() for view in VIEWS
    ]


def _rest(summary: Mapping[str, Any]) -> str:
    header = (
        "",
        "views",
        "landmarks %",
        "of mean face",
        "recovered",
        "mid-band depth mm",
        "face CLIP distance",
    )
    lines = [
        (
            name,
            one["views"],
            _or_dash(one["landmarks"], 2),
            f"{one['ratio']:.3f}",
            f"{one['recovered']:.3f}",
            f"{one['depth']:.4f}",
            _or_dash(one["distance"], 4),
        )
        for name, one in summary.items()
    ]
    return table(header, lines)


def _or_dash(value: float, digits: int) -> str:
    return "-" if np.isnan(value) else f"{value:.{digits}f}"
