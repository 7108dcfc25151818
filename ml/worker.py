"""The engine's process: the pipeline behind JSON lines.

    python -m ml.worker [--log FILE] [--device NAME]

One message a line, both ways: ``{"id", "type", "data"}``. On start the worker says "ready".

==============  =============================================  ================================
request         data                                           answer
==============  =============================================  ================================
reconstruct     photo, out, settings {face, landmarks,         "progress" {fraction, message} *,
                allow_download, texture_size, level, detail,   "result" {rows: [report.Row as dict]}
                renderer, skip_existing}, preview,
                pins: as in pins.json, perhaps
person          photos, and as above                           as above, with {person: out}
follow_pins     folders, pins, out                             "progress" *, "result" {folder,
                                                               copies}
dress           folders, parts                                 "progress" *, "result" {folder}
wrap            folder, keep_shape, texture                    "progress" *, "result" {folder,
                                                               median_mm, large_mm, flipped}
animate         video, out, settings, rate                     "progress" *, "result" {folder,
                                                               frames, speed, bridged, lost}
warm_up                                                        "result" {}
check                                                          "result" {python, torch, device,
                                                               weights, packages, extras}
shutdown                                                       (the process ends)
==============  =============================================  ================================

What goes wrong is answered with "error" {code, message, hint}. Arrays travel as files. With --log,
or EFFIGY_LOG in the environment, warnings and tracebacks also go to that file. --device, or
EFFIGY_DEVICE, says where networks compute.
"""

from __future__ import annotations

from .environment import DEVICE_VARIABLE, prepare_process

prepare_process()

import argparse
import json
import logging
import logging.handlers
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import IO, Any

from .batch import row_if_finished, write_person
from .data import Progress
from .errors import HeadError, UsageError, explained
from .pins.pins import Pins
from .pins.shipped import pins_for_photo
from .pipeline.request import misunderstood, parsed, path_in, paths_in, pins_in, settings_in
from .results.folder import write_heads
from .results.person import SamePerson
from .results.plan import Task, plan
from .results.reconstruction import Reconstruction
from .results.report import head_row
from .settings import Settings, option
from .version import effigy_version

logger = logging.getLogger(__name__)

LOG_VARIABLE = "EFFIGY_LOG"
# Bytes of the log before it is moved to FILE.1, which takes the place of an earlier one.
LOG_SIZE = 1 << 20
# Photo or photos, settings, progress; where there are pins, ``pins``.
Reconstruct = Callable[..., tuple[Reconstruction, ...]]
ReconstructPerson = Callable[..., SamePerson]


class Worker:
    """Answers requests from ``lines`` on ``answers`` until the lines end."""

    def __init__(
        self,
        lines: IO[str],
        answers: IO[str],
        reconstruct: Reconstruct | None = None,
        reconstruct_person: ReconstructPerson | None = None,
        log: Path | None = None,
    ) -> None:
        self._log = log or ""
        self._lines, self._answers = lines, answers
        self._pipeline = reconstruct or _reconstruct
        self._person_pipeline = reconstruct_person or _reconstruct_person
        self._handlers: dict[str, Callable[[Any, dict[str, Any]], dict[str, Any]]] = {
            "reconstruct": self._reconstruct,
            "person": self._person,
            "follow_pins": self._follow_pins,
            "dress": self._dress,
            "wrap": self._wrap,
            "animate": self._animate,
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
        data: dict[str, Any] = {}
        try:
            request = parsed(line)
            number, kind, data = request.get("id"), request.get("type"), request.get("data") or {}
            if not isinstance(data, dict) or not isinstance(kind, str):
                raise misunderstood("its type or data is of another kind")
            if kind == "shutdown":
                return False
            if kind not in self._handlers:
                raise UsageError(f"Unknown request {kind!r}", "The extension and engine differ")
            self._say(number, "result", self._handlers[kind](number, data))
        except HeadError as error:
            logger.info("request %s: %s", number, error)
            self._fail(number, error)
        except Exception as error:
            # The process must outlive any one request.
            logger.exception("request %s", number)
            self._fail(number, explained(error, data.get("out", ""), self._log))
        return True

    def _reconstruct(self, number: Any, data: dict[str, Any]) -> dict[str, Any]:
        settings = settings_in(data)
        photo, out = path_in(data.get("photo")), path_in(data.get("out"))
        preview = bool(data.get("preview"))
        if skipped := row_if_finished(Task(photo, out), settings, preview=preview):
            return {"rows": [asdict(skipped)]}
        begun = time.perf_counter()
        pipeline = _following(self._pipeline, pins_for_photo(pins_in(data), photo))
        heads = pipeline(photo, settings, self._progress(number))
        folders = write_heads(heads, out, preview=preview)
        seconds = time.perf_counter() - begun
        return {"rows": [asdict(head_row(photo, heads[0], folders, seconds))]}

    def _person(self, number: Any, data: dict[str, Any]) -> dict[str, Any]:
        settings, out = settings_in(data), path_in(data.get("out"))
        tasks = plan(paths_in(data.get("photos"), "photos"), out)
        pipeline = _following(self._person_pipeline, pins_in(data))
        person = pipeline([t.photo for t in tasks], settings, self._progress(number))
        rows = write_person(person, tasks, out, preview=bool(data.get("preview")))
        return {"person": data["out"], "rows": [asdict(row) for row in rows]}

    def _follow_pins(self, number: Any, data: dict[str, Any]) -> dict[str, Any]:
        from .pipeline.again import answer

        return answer(data, path_in(data.get("out")), self._progress(number))

    def _dress(self, number: Any, data: dict[str, Any]) -> dict[str, Any]:
        from .pipeline.dress import answer

        return answer(data, self._progress(number))

    def _wrap(self, number: Any, data: dict[str, Any]) -> dict[str, Any]:
        from .wrap.answer import answer

        return answer(data, path_in(data.get("folder")), self._progress(number))

    def _animate(self, number: Any, data: dict[str, Any]) -> dict[str, Any]:
        from .video.request import answer

        return answer(data, self._progress(number))

    def _progress(self, number: Any) -> Progress:
        def progress(fraction: float, message: str) -> None:
            self._say(number, "progress", {"fraction": round(fraction, 3), "message": message})

        return progress

    def _warm_up(self, number: Any, data: dict[str, Any]) -> dict[str, Any]:
        from .pipeline.rehearsal import rehearse

        rehearse()
        return {}

    def _check(self, number: Any, data: dict[str, Any]) -> dict[str, Any]:
        from .pipeline.check import check

        return {**_about(), **check()}

    def _fail(self, number: Any, error: HeadError) -> None:
        facts = {"code": error.code, "message": error.message, "hint": error.hint}
        self._say(number, "error", facts)

    def _say(self, number: Any, kind: str, data: dict[str, Any]) -> None:
        try:
            self._answers.write(json.dumps({"id": number, "type": kind, "data": data}) + "\n")
            self._answers.flush()
        except OSError:
            # Nobody listens any more: whatever is computed would be for nobody.
            raise SystemExit(1) from None


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


def _following(pipeline: Callable[..., Any], pins: Pins | None) -> Callable[..., Any]:
    """``pipeline``, whose heads follow ``pins`` if there are any."""
    return pipeline if pins is None else partial(pipeline, pins=pins)


def _reconstruct(
    photo: Path, settings: Settings, progress: Progress, pins: Pins | None = None
) -> tuple[Reconstruction, ...]:
    from .pipeline.single import reconstruct

    return reconstruct(photo, settings, progress, pins)


def _reconstruct_person(
    photos: Sequence[Path], settings: Settings, progress: Progress, pins: Pins | None = None
) -> SamePerson:
    from .pipeline.same_person import reconstruct_person

    return reconstruct_person(photos, settings, progress, pins)


def _start_log(path: Path | None) -> Path | None:
    """Let warnings go to stderr and also to ``path``; None if nothing can be written there."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    if path is None:
        return None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = logging.handlers.RotatingFileHandler(
            path, maxBytes=LOG_SIZE, backupCount=1, encoding="utf-8", errors="backslashreplace"
        )
    except OSError as error:
        logger.warning("no log is written: %s", explained(error, path))
        return None
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(file)
    # The other handler stays at warnings; in the file, refusals and the start help to understand.
    logging.getLogger().handlers[0].setLevel(logging.WARNING)
    logger.setLevel(logging.INFO)
    # A disk that fills up later must not print into stderr for every line.
    logging.raiseExceptions = False
    logger.info("started: %s", _about())
    return path


def main() -> None:
    """Keep the real stdout for the protocol; whatever prints goes to stderr."""
    # Ctrl-C in the terminal that Blender was started from.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parser = argparse.ArgumentParser(prog="python -m ml.worker", description="Effigy's engine")
    parser.add_argument("--log", type=Path, default=os.environ.get(LOG_VARIABLE) or None)
    parser.add_argument("--device", choices=option("device").values, help="what auto stands for")
    given = parser.parse_args()
    if given.device:
        os.environ[DEVICE_VARIABLE] = given.device
    log = _start_log(given.log)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", newline="\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # A damaged line is answered with an error; it must not end the process.
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    Worker(sys.stdin, answers, log=log).run()


if __name__ == "__main__":
    main()
