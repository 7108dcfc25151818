"""The weights of ``ml.fitting.quality`` from the errors of rendered people, and how right they are.

Weights are found on half of the people and measured on the other half.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import nnls
from scipy.stats import spearmanr

from ...fitting.quality import WEIGHTS, expected_error, quality_of, terms
from .measure import KINDS, UNTOUCHED, TrustRow

# Logarithm of the error over the mean face's: a few pictures that are spoiled altogether must not
# outweigh the others.
MOST = 1.2
FIFTHS = 5


def calibrating(row: TrustRow) -> bool:
    """Whether the row's person is in the half that weights are found on; both have both sources."""
    return row.person // 2 % 2 == 0


def calibrate(rows: Sequence[TrustRow]) -> tuple[float, dict[str, float]]:
    """The constant and the weights, none below 0, that explain the errors best.

    rows: with faces that were found. Least squares of the logarithm of the ratio to the mean
    face's error, so that the terms' factors multiply.
    """
    named = [terms(row.measures) for row in rows if row.measures is not None]
    table = np.array([[-1.0, 1.0, *(row[name] for name in WEIGHTS)] for row in named])
    goal = [min(np.log(row.ratio), MOST) for row in rows]
    found, _ = nnls(table, np.array(goal))
    return float(found[1] - found[0]), dict(zip(WEIGHTS, map(float, found[2:]), strict=True))


def judge(rows: Sequence[TrustRow]) -> dict[str, Any]:
    """How well the shipped quality orders the errors of ``rows``, with faces that were found."""
    found = [row.measures for row in rows if row.measures is not None]
    error = np.array([row.shape.mean for row in rows if row.shape is not None])
    base = np.array([row.shape.mean_baseline for row in rows if row.shape is not None])
    quality = np.array([quality_of(measures).value for measures in found])
    # Many have the quality 0: the expected error still puts them in an order.
    order = np.array([expected_error(measures) for measures in found])
    fifths = np.array_split(np.argsort(order), FIFTHS)
    return {
        "pictures": len(rows),
        "rank correlation with the error": float(spearmanr(order, error)[0]),
        "rank correlation with the error over the mean face's": float(
            spearmanr(order, error / base)[0]
        ),
        "fifths": [_means(quality[part], error[part], base[part]) for part in fifths],
        "kinds": {
            kind: _means(quality[where], error[where], base[where])
            for kind in (UNTOUCHED, *KINDS)
            if (where := np.array([row.kind == kind for row in rows])).any()
        },
    }


def _means(quality: np.ndarray, error: np.ndarray, base: np.ndarray) -> dict[str, float]:
    return {
        "pictures": len(error),
        "quality": float(quality.mean()),
        "error_mm": float(error.mean()),
        "mean_face_mm": float(base.mean()),
        "ratio": float(error.sum() / base.sum()),
    }


def report(summary: dict[str, Any]) -> list[str]:
    """The lines of :func:`judge`."""
    lines = [f"{name}: {value:.2f}" for name, value in summary.items() if name.startswith("rank")]
    lines.append(
        f"{'':26} {'pictures':>8} {'quality':>8} {'error':>8} {'mean face':>10} {'ratio':>6}"
    )
    named = [(f"fifth {number}", row) for number, row in enumerate(summary["fifths"], start=1)]
    for name, row in [*named, *summary["kinds"].items()]:
        lines.append(
            f"{name:26} {row['pictures']:8} {row['quality']:8.2f} {row['error_mm']:6.2f}mm "
            f"{row['mean_face_mm']:8.2f}mm {row['ratio']:6.2f}"
        )
    return lines
