"""What turns heads in the page of a report: a page of its own, and the viewer that it loads.

The viewer is model-viewer as published. It lies once beside a report, and each open head is a frame
of its own: closing that gives its memory back, and the page of the report runs none of it.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ..errors import explained
from .files import TURNTABLE_NAME, replacing

logger = logging.getLogger(__name__)

FOLDER, PAGE_NAME = "report.viewer", "turntable.html"
TEMPLATE = Path(__file__).with_name(PAGE_NAME)
VIEWER = Path(__file__).with_name("assets") / "model-viewer-umd.min.js"
LICENCE = VIEWER.with_suffix(".LICENSE.txt")
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


class Made(Protocol):
    """What is needed of a row; see ml.results.report.Row."""

    @property
    def heads(self) -> tuple[str, ...]: ...


def turntable_of(row: Made) -> Path | None:
    """The turntable of the first head of ``row``; None if it has none."""
    path = Path(row.heads[0], TURNTABLE_NAME) if row.heads else None
    # A folder that may not be read has none: that must not end the report.
    return path if path is not None and os.path.isfile(path) else None


def put_viewer(rows: Sequence[Made], folder: Path) -> bool:
    """Write the viewer into ``folder``, if a head of ``rows`` has a turntable.

    Returns whether it is there. False, and a warning: it cannot be written.
    """
    if not any(turntable_of(row) for row in rows):
        return False
    beside = folder / FOLDER
    try:
        beside.mkdir(parents=True, exist_ok=True)
        for source in (VIEWER, LICENCE):
            _write(beside / source.name, source.read_text(encoding="utf-8"))
        _write(beside / PAGE_NAME, _page())
    except OSError as error:
        logger.warning("The report has no turntables: %s", explained(error, beside))
        return False
    return True


def _page() -> str:
    text = TEMPLATE.read_text(encoding="utf-8").replace("@VIEWER@", VIEWER.name)
    # The viewer reads the head and its texture through addresses of blobs, and compiles a decoder
    # of meshes whether it needs it or not.
    scripts = f"script-src '{script_hash(text)}' 'self' file: 'wasm-unsafe-eval'"
    others = "style-src 'unsafe-inline'; img-src blob: data:; connect-src blob:"
    return text.replace("@POLICY@", f"default-src 'none'; {scripts}; {others}; base-uri 'none'")


def _write(path: Path, text: str) -> None:
    """Write a file, unless it is there: shards write reports into one folder at a time."""
    content = text.encode("utf-8")
    if path.is_file() and path.read_bytes() == content:
        return
    with replacing(path, newline="") as file:
        file.write(text)


def script_hash(page: str) -> str:
    """The hash of the one script in the text of ``page``, as a content security policy names it."""
    found = _SCRIPT.search(page)
    assert found is not None
    return "sha256-" + base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
