"""The record of a batch: one row a photo. Needs no Blender."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from .job import Outcome

REPORT_NAME = "report.json"


def write_report(outcomes: Sequence[Outcome], folder: Path) -> Path:
    """Write ``report.json`` into ``folder`` (made if needed) and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "photo": str(outcome.photo),
            "status": outcome.status,
            "error": outcome.error.message if outcome.error else "",
            "hint": outcome.error.hint if outcome.error else "",
            "seconds": round(outcome.seconds, 3),
            "heads": [str(head) for head in outcome.heads],
        }
        for outcome in outcomes
    ]
    path = folder / REPORT_NAME
    path.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return path


def summary(outcomes: Sequence[Outcome]) -> str:
    """The counts in one line: ``7 photos: 5 ok, 1 failed, 1 cancelled``."""
    counts = {
        status: sum(outcome.status == status for outcome in outcomes)
        for status in ("ok", "failed", "cancelled")
    }
    told = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    return f"{len(outcomes)} photo{'s' if len(outcomes) != 1 else ''}: {told}"
