"""Make and measure the calibration of a head's quality, on rendered people.

    python -m ml.evaluation quality --data DATA

Prints the constants of ``ml.fitting.quality`` and ``ml.fitting.agreement``, found on half of the
people, and how the shipped ones do on the other half. Skins are kept out of all training.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from ..benchmark import Outcome
from ..synthetic.kept_out import KeptOut, add_kept_out_options
from .calibrate import calibrate, calibrating, judge, report
from .measure import TrustRow, measure_people
from .strangers import judge as judge_groups
from .strangers import spread_of, threshold_of, views_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_out_options(parser, people=36)


def run(arguments: argparse.Namespace) -> Outcome:
    summary = summarise(measure_people(KeptOut.of(arguments)))
    return Outcome("\n".join(lines_of(summary)), {"summary": summary})


def summarise(rows: Sequence[TrustRow]) -> dict[str, Any]:
    """Constants from one half of the people, figures from the other."""
    found = [row for row in rows if row.measures is not None]
    constant, weights = calibrate([row for row in found if calibrating(row)])
    known = views_of(rows, calibration=True)
    spread = spread_of(known)
    return {
        "pictures": len(rows),
        "not_found": len(rows) - len(found),
        "constants": {
            "CONSTANT": constant,
            "WEIGHTS": weights,
            "WITHIN": spread[0],
            "BETWEEN": spread[1],
            "THRESHOLD": threshold_of(known, spread),
        },
        "quality": judge([row for row in found if not calibrating(row)]),
        "strangers": judge_groups(views_of(rows, calibration=False)),
    }


def lines_of(summary: dict[str, Any]) -> list[str]:
    """The summary for people to read."""
    lines = [f"{summary['pictures']} pictures, {summary['not_found']} faces not found"]
    for name, value in summary["constants"].items():
        lines.append(f"{name} = {_rounded(value)}")
    lines += report(summary["quality"])
    for name, value in summary["strangers"].items():
        lines.append(f"{name}: {value}" if isinstance(value, int) else f"{name}: {value:.1%}")
    return lines


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return tuple(_rounded(item) for item in value)
    return round(value, 3)
