"""One program of an installation: started, listened to, ended. Standard library only."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from .process import start_process, worker_environment


@dataclass(frozen=True)
class Step:
    """One program of the installation.

    Attributes
    ----------
    message: what it does, for people. command: the program with its arguments.
    folder: where it runs; None: where the log is.
    question: a line for a worker, which must answer it with a result; empty: no worker.
    """

    message: str
    command: tuple[str, ...]
    folder: Path | None = None
    question: str = ""


class Command:
    """A subprocess whose output is read without waiting for it."""

    def __init__(self, step: Step, folder: Path) -> None:
        self._step = step
        self._lines: queue.Queue[str] = queue.Queue()
        self._all: list[str] = []
        options = {"env": worker_environment(os.environ)} if step.question else {}
        self._process = start_process(
            step.command,
            cwd=step.folder or folder,
            stdin=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **options,
        )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        with contextlib.suppress(OSError):  # it has ended already: its status tells
            if step.question:
                self._process.stdin.write(step.question + "\n")
            self._process.stdin.close()

    def new_lines(self) -> list[str]:
        lines: list[str] = []
        with contextlib.suppress(queue.Empty):
            while True:
                lines.append(self._lines.get_nowait())
        self._all += lines
        return lines

    def exit_code(self) -> int | None:
        """The exit status once the process has ended and its whole output was read."""
        if self._thread.is_alive() or not self._lines.empty():
            return None
        return self._process.wait()

    def problem(self, code: int) -> str | None:
        """Why this was no success, in words; None where it was one."""
        last = self._all[-1] if self._all else "it said nothing"
        if code != 0:
            return last
        if not self._step.question:
            return None
        answers = [answer for answer in map(_answer, self._all) if answer.get("id") == 1]
        if any(answer.get("type") == "result" for answer in answers):
            return None
        said = [str(answer["data"].get("message")) for answer in answers if answer.get("data")]
        return said[-1] if said else last

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.join(2.0)

    def _read(self) -> None:
        with self._process.stdout as stream:
            for line in stream:
                if line.strip():
                    self._lines.put(line.strip())


def _answer(line: str) -> dict:
    """The worker's message in this line; empty where it is none."""
    try:
        read = json.loads(line)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
