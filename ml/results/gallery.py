"""``report.html``: the rows of a report to look at, as one page that needs no server or network.

What rows say is never part of the page's markup: it is json in a block of data, from which the
page's script makes texts. The page allows no script but that one.
"""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from .files import PREVIEW_NAME
from .images import ALBEDO_NAME, PHOTO_NAME
from .viewer import script_hash, turntable_of

TEMPLATE = Path(__file__).with_name("gallery.html")
# Rows in a page that a browser still opens; what failed comes first where there are more.
MOST = 100_000


class Told(Protocol):
    """What a page shows of a row; see ml.results.report.Row."""

    @property
    def photo(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def seconds(self) -> float: ...
    @property
    def heads(self) -> tuple[str, ...]: ...
    @property
    def error(self) -> str: ...
    @property
    def hint(self) -> str: ...
    @property
    def quality(self) -> float | None: ...
    @property
    def quality_reason(self) -> str: ...
    @property
    def warning(self) -> str: ...


def page_of(
    rows: Sequence[Told], folder: Path, summary: str, *, turntables: bool = False
) -> Iterator[str]:
    """The text of a page in ``folder``, a row at a time.

    summary: the counts, in words. turntables: whether what turns heads lies beside the page.
    """
    template = TEMPLATE.read_text(encoding="utf-8")
    before, after = template.split("@ROWS@")
    if len(rows) > MOST:
        rows = sorted(rows, key=lambda row: row.status != "failed")[:MOST]
        summary += f". This page shows {MOST} of them, first what failed; report.csv has all"
    yield before.replace("@POLICY@", _policy(template)).replace("@SUMMARY@", html.escape(summary))
    start = "["
    for row in rows:
        about = _about(row, folder)
        if turntables and (turntable := turntable_of(row)) is not None:
            about["turntable"] = _address(turntable, folder)
        yield start + "\n" + _data(about)
        start = ","
    yield ("[" if start == "[" else "\n") + "]" + after


def _policy(template: str) -> str:
    allowed = f"script-src '{script_hash(template)}'; style-src 'unsafe-inline'"
    shown = "img-src 'self' file:; frame-src 'self' file:"
    return f"default-src 'none'; {allowed}; {shown}; base-uri 'none'; form-action 'none'"


def _data(about: dict[str, Any]) -> str:
    """``about`` as json that ends no block of data: all markup in it is escaped."""
    text = json.dumps(about)
    for mark in "<>&":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def _about(row: Told, folder: Path) -> dict[str, Any]:
    head = Path(row.heads[0]) if row.heads else None
    copies = [_address(head / PHOTO_NAME, folder)] if head else []
    return {
        "name": row.photo,
        "status": row.status,
        "seconds": row.seconds,
        "quality": row.quality,
        "reason": row.quality_reason,
        "warning": row.warning,
        "error": row.error,
        "hint": row.hint,
        "photos": [*copies, _address(Path(row.photo), folder)],
        "pictures": [_address(head / name, folder) for name in (PREVIEW_NAME, ALBEDO_NAME)]
        if head
        else [],
    }


def _address(path: Path, folder: Path) -> str:
    """The address of a file for a page in ``folder``; relative, so that both can be moved."""
    try:
        relative = os.path.relpath(path, folder)
    except ValueError:
        # Windows has no way from one drive to another.
        return path.absolute().as_uri()
    return "./" + quote(os.fsencode(relative.replace(os.sep, "/")))
