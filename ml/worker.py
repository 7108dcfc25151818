"""The engine's process: the pipeline behind JSON lines. ``python -m ml.worker``

One message a line, both ways: ``{"id", "type", "data"}``. On start the worker says "ready".

==============  =============================================  ================================
request         data                                           answer
==============  =============================================  ================================
reconstruct     photo, out, settings {face, landmarks,         "progress" {fraction, message} *,
                allow_download, texture_size, level, detail,   "result" {rows: [report.Row as dict]}
                renderer}, preview
person          photos, and as above                           as above, with {person: out}
warm_up                                                        "result" {}
check                                                          "result" {python, torch, weights}
shutdown                                                       (the process ends)
==============  =============================================  ================================

What goes wrong is answered with "error" {code, message, hint}. Arrays travel as files.
"""

from __future__ import annotations

from .settings import Settings, prepare_process

prepare_process()

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from .batch import plan, write_person
from .data import Progress
from .errors import HeadError, UsageError
from .results.folder import write_heads
from .results.person import SamePerson
from .results.reconstruction import Reconstruction
from .results.report import head_row
from .version import effigy_version

Reconstruct = Callable[[Path, Settings, Progress], tuple[Reconstruction, ...]]
ReconstructPerson = Callable[[Sequence[Path], Settings, Progress], SamePerson]


class Worker:
    """Answers requests from ``lines`` on ``answers`` until the lines end."""

    def __init__(
        self,
        lines: IO[str],
        answers: IO[str],
        reconstruct: Reconstruct | None = None,
        reconstruct_person: ReconstructPerson | None = None,
    ) -> None:
        self._lines, self._answers = lines, answers
        self._pipeline = reconstruct or _reconstruct
        self._person_pipeline = reconstruct_person or _reconstruct_person
        self._handlers: dict[str, Callable[[Any, dict[str, Any]], dict[str, Any]]] = {
            "reconstruct": self._reconstruct,
            "person": self._person,
            "warm_up": self._warm_up,
            "check": self._check,
        }

    def run(self) -> None:
        """Serve until "shutdown" or the end of the input."""
        self._say(None, "ready", _about())
        for line in self._lines:
            if not line.strip():
                continue
            if not self._serve(line):
                return

    def _serve(self, line: str) -> bool:
        number: Any = None
        try:
            request = json.loads(line)
            number, kind = request["id"], request["type"]
            if kind == "shutdown":
                return False
            if kind not in self._handlers:
                raise UsageError(f"Unknown request {kind!r}", "The extension and engine differ")
            self._say(number, "result", self._handlers[kind](number, request.get("data") or {}))
        except HeadError as error:
            self._fail(number, error.code, error.message, error.hint)
        except (ValueError, KeyError, TypeError) as error:
            traceback.print_exc()
            self._fail(number, "usage", f"A request was not understood ({error!r})", "Restart")
        except Exception as error:  # noqa: BLE001 - the process must outlive any one request
            traceback.print_exc()
            hint = "Please report this with the log of the engine"
            self._fail(number, "unexpected", f"Unexpected error: {error!r}", hint)
        return True

    def _reconstruct(self, number: Any, data: dict[str, Any]) -> dict[str, Any]:
        settings = Settings(**data.get("settings", {}))
        photo, out = Path(data["photo"]), Path(data["out"])
        begun = time.perf_counter()
        heads = self._pipeline(photo, settings, self._progress(number))
        folders = write_heads(heads, out, preview=bool(data.get("preview")))
        row = head_row(photo, heads[0], folders, time.perf_counter() - begun)
        return {"rows": [asdict(row)]}

    def _person(self, number: Any, data: dict[str, Any]) -> dict[str, Any]:
        settings = Settings(**data.get("settings", {}))
        tasks = plan([Path(photo) for photo in data["photos"]], Path(data["out"]))
        person = self._person_pipeline([t.photo for t in tasks], settings, self._progress(number))
        preview = bool(data.get("preview"))
        rows = write_person(person, tasks, Path(data["out"]), preview=preview)
        return {"person": data["out"], "rows": [asdict(row) for row in rows]}

    def _progress(self, number: Any) -> Progress:
        def progress(fraction: float, message: str) -> None:
            self._say(number, "progress", {"fraction": round(fraction, 3), "message": message})

        return progress

    def _warm_up(self, number: Any, data: dict[str, Any]) -> dict[str, Any]:
        from .pipeline.single import warm_up

        warm_up()
        return {}

    def _check(self, number: Any, data: dict[str, Any]) -> dict[str, Any]:
        from .assets.card import shipped_assets, verified

        cards = [verified(asset) for asset in shipped_assets()]
        return {**_about(), "weights": [f"{card.name}: {card.licence}" for card in cards]}

    def _fail(self, number: Any, code: str, message: str, hint: str) -> None:
        self._say(number, "error", {"code": code, "message": message, "hint": hint})

    def _say(self, number: Any, kind: str, data: dict[str, Any]) -> None:
        self._answers.write(json.dumps({"id": number, "type": kind, "data": data}) + "\n")
        self._answers.flush()


def _about() -> dict[str, Any]:
    from importlib.metadata import PackageNotFoundError, version

    try:
        torch = version("torch")
    except PackageNotFoundError:
        torch = ""
    python = ".".join(map(str, sys.version_info[:3]))
    return {
        "python": python,
        "torch": torch,
        "effigy_version": effigy_version(),
        "pid": os.getpid(),
    }


def _reconstruct(photo: Path, settings: Settings, progress: Progress) -> tuple[Reconstruction, ...]:
    from .pipeline.single import reconstruct

    return reconstruct(photo, settings, progress)


def _reconstruct_person(
    photos: Sequence[Path], settings: Settings, progress: Progress
) -> SamePerson:
    from .pipeline.same_person import reconstruct_person

    return reconstruct_person(photos, settings, progress)


def main() -> None:
    """Keep the real stdout for the protocol; whatever prints goes to stderr."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", newline="\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # A damaged line is answered with an error; it must not end the process.
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    Worker(sys.stdin, answers).run()


if __name__ == "__main__":
    main()
