"""The record of a batch, or of a shard of one: one row per photo, as JSON, CSV and a page."""

from __future__ import annotations

import contextlib
import csv
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import HeadError, explained
from ..version import effigy_version
from .estimate import Estimate
from .files import replacing
from .gallery import page_of
from .origin import now, statement_of_many, write_sidecar
from .reconstruction import Reconstruction
from .shard import Shard, stem_of
from .viewer import put_viewer

logger = logging.getLogger(__name__)

NAME = "report"
STATUSES = ("ok", "failed", "skipped", "cancelled")
DONE = ("ok", "skipped")


@dataclass(frozen=True)
class Row:
    """The outcome for one photo.

    Attributes
    ----------
    photo: its path. status: one of STATUSES. seconds: wall time.
    heads: folders of the heads. confidence: of the first head, 0 if there is none.
    quality: of the first head, 0..1; None if there is none, or it is not known. quality_reason:
        why it is low; empty where it is not.
    warning: what else the person should know of a photo that gave a head.
    code, error, hint: of the error, empty if there was none.
    photo_sha256: of the photo's bytes; empty if there is no head.
    """

    photo: str
    status: str
    seconds: float = 0.0
    heads: tuple[str, ...] = ()
    confidence: float = 0.0
    code: str = ""
    error: str = ""
    hint: str = ""
    quality: float | None = None
    quality_reason: str = ""
    warning: str = ""
    photo_sha256: str = ""


def warnings_about(row: Row) -> str:
    """Warnings about the head of ``row``; empty where its quality is not low and all is well."""
    texts = [row.warning] if row.warning else []
    if row.quality_reason:
        texts.append(f"Low quality ({row.quality or 0:.2f}): {row.quality_reason}")
    return ". ".join(texts)


def head_row(
    photo: Path, head: Reconstruction | Estimate, folders: Sequence[Path], seconds: float
) -> Row:
    """The row of a photo whose first head is ``head``; ``folders``: of all its heads."""
    names = tuple(str(folder) for folder in folders)
    return Row(
        str(photo),
        "ok",
        round(seconds, 3),
        names,
        round(float(head.confidence), 4),
        quality=None if head.quality is None else round(float(head.quality), 4),
        quality_reason=head.quality_reason,
        photo_sha256=head.provenance.photo_sha256,
    )


def skipped_row(photo: Path, head: Mapping[str, Any], folders: Sequence[Path] = ()) -> Row:
    """The row of a photo that was done before.

    head: what is known of its first head (``confidence``, ``quality``, ``quality_reason``) and
    ``photo_sha256``: with them the report of a run that went on says as much as that of an
    undisturbed one. folders: of its heads.
    """
    quality = head.get("quality")
    return Row(
        str(photo),
        "skipped",
        heads=tuple(map(str, folders)),
        confidence=round(float(head.get("confidence", 0.0)), 4),
        quality=None if quality is None else round(float(quality), 4),
        quality_reason=str(head.get("quality_reason", "")),
        photo_sha256=str(head["photo_sha256"]),
    )


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


@dataclass(frozen=True)
class Share:
    """The photos of a batch that a shard does.

    Attributes
    ----------
    shard: None for the whole batch.
    places: of the photos of a shard, their numbers among all photos of the batch, by path.
    """

    shard: Shard | None = None
    places: Mapping[str, int] = field(default_factory=dict)


class RowLog:
    """``report.jsonl`` in ``folder``: a row per line, as they come, whatever ends the batch.

    The log of a shard begins with its number and that of its photos, and its rows have the number
    of their photo in the batch: ``ml.results.merge`` reads them. goes_on: the rows of the shard's
    earlier runs are kept. That it cannot be written is a warning: a record must not end the work
    that it records.
    """

    def __init__(self, folder: Path, share: Share | None = None, *, goes_on: bool = False) -> None:
        self._share = share or Share()
        shard, places = self._share.shard, self._share.places
        self._path = folder / f"{stem_of(NAME, shard)}.jsonl"
        self._works = True
        # That it cannot be made is said below.
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
        if shard is None:
            self._write("w", "")
            return
        about = {"shard": shard.number, "of": shard.count, "photos": len(places)}
        # What a killed run wrote may end in half a line.
        self._write("a" if goes_on else "w", ("\n" if goes_on else "") + _line(about))

    def add(self, row: Row) -> None:
        """Append a row."""
        about = asdict(row)
        if row.photo in self._share.places:
            about["number"] = self._share.places[row.photo]
        # A disk that was full may have cut the line before.
        self._write("a", ("" if self._works else "\n") + _line(about))

    def _write(self, mode: str, text: str) -> None:
        try:
            with self._path.open(mode, encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            if self._works:
                logger.warning("No rows are kept: %s", explained(error, self._path))
            self._works = False


def _line(about: Mapping[str, object]) -> str:
    return json.dumps(about) + "\n"


def write_report(
    rows: Sequence[Row], folder: Path, shard: Shard | None = None, consent: str = ""
) -> Path | None:
    """Write ``report.json``, ``.csv`` and ``.html`` into ``folder`` (created if needed).

    A shard's files have its number in their names. What is said of the origin of those of a whole
    batch, with the note ``consent``, lies beside them: the rows of two runs are the same.

    Returns the path of the first. None, and a warning: they cannot be written; earlier ones stay.
    """
    path = folder / f"{stem_of(NAME, shard)}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.writelines(_json_of(rows))
        # A file name may hold bytes that are no UTF-8.
        with replacing(path.with_suffix(".csv"), newline="", errors="backslashreplace") as file:
            writer = csv.DictWriter(file, [*Row.__dataclass_fields__])
            writer.writeheader()
            for row in rows:
                writer.writerow({**asdict(row), "heads": ";".join(row.heads)})
        with replacing(path.with_suffix(".html")) as file:
            turntables = put_viewer(rows, folder)
            file.writelines(page_of(rows, folder, summary(rows), turntables=turntables))
        if shard is None:
            write_sidecar(path, statement_of_many(effigy_version(), now(), consent))
    except OSError as error:
        logger.warning("The report is not written: %s", explained(error, path))
        return None
    return path


def _json_of(rows: Iterable[Row]) -> Iterable[str]:
    """The text of ``json.dumps(rows, indent=1)`` and a line break, a row at a time."""
    start = "["
    for row in rows:
        # Strings in JSON hold no line breaks.
        yield start + "\n " + json.dumps(asdict(row), indent=1).replace("\n", "\n ")
        start = ","
    yield "[]\n" if start == "[" else "\n]\n"


def all_done(rows: Iterable[Row], *, accept_failures: bool = False) -> bool:
    """Whether every photo succeeded, now or before; failed ones count as well if they may."""
    return all(row.status in DONE or (accept_failures and row.status == "failed") for row in rows)


def conclusion(rows: Sequence[Row], report: Path | None, folder: Path) -> str:
    """The counts, and where the report is: ``7 photos: 7 ok. Report: out/report.json``.

    report: as :func:`write_report` returned it for ``folder``.
    """
    place = f"Report: {report}" if report else f"The report cannot be written to {folder}"
    return f"{summary(rows)}. {place}"


def summary(rows: Sequence[Row]) -> str:
    """The counts in one line: ``7 photos: 5 ok, 1 failed, 1 cancelled``."""
    counts = {status: sum(row.status == status for row in rows) for status in STATUSES}
    parts = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    return f"{len(rows)} photo{'s' if len(rows) != 1 else ''}: {parts or 'nothing done'}"
