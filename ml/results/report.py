"""The record of a batch: one row per photo, as JSON and CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import HeadError
from .reconstruction import Reconstruction

JSON_NAME, CSV_NAME = "report.json", "report.csv"
STATUSES = ("ok", "failed", "skipped", "cancelled")


@dataclass(frozen=True)
class Row:
    """The outcome for one photo.

    Attributes
    ----------
    photo: its path. status: one of STATUSES. seconds: wall time.
    heads: folders of the heads. confidence: of the first head, 0 if there is none.
    code, error, hint: of the error, empty if there was none.
    """

    photo: str
    status: str
    seconds: float = 0.0
    heads: tuple[str, ...] = ()
    confidence: float = 0.0
    code: str = ""
    error: str = ""
    hint: str = ""


def head_row(photo: Path, head: Reconstruction, folders: Sequence[Path], seconds: float) -> Row:
    """The row of a photo whose first head is ``head``; ``folders``: of all its heads."""
    names = tuple(str(folder) for folder in folders)
    return Row(str(photo), "ok", round(seconds, 3), names, round(float(head.confidence), 4))


def failed_row(photo: Path, error: HeadError, seconds: float = 0.0) -> Row:
    """The row of a photo that failed with ``error``."""
    return Row(
        str(photo),
        "failed",
        round(seconds, 3),
        code=error.code,
        error=error.message,
        hint=error.hint,
    )


def write_report(rows: Sequence[Row], folder: Path) -> Path:
    """Write ``report.json`` and ``report.csv`` into ``folder`` (created if needed)."""
    folder.mkdir(parents=True, exist_ok=True)
    table = [asdict(row) for row in rows]
    path = folder / JSON_NAME
    path.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    with (folder / CSV_NAME).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*Row.__dataclass_fields__])
        writer.writeheader()
        for row in table:
            writer.writerow({**row, "heads": ";".join(row["heads"])})
    return path


def summary(rows: Sequence[Row]) -> str:
    """The counts in one line: ``7 photos: 5 ok, 1 failed, 1 cancelled``."""
    counts = {status: sum(row.status == status for row in rows) for status in STATUSES}
    parts = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    return f"{len(rows)} photo{'s' if len(rows) != 1 else ''}: {parts or 'nothing done'}"
