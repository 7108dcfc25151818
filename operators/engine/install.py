"""Make the engine's own Python environment. Standard library only; never Blender's own Python.

The new environment is made beside the old one and takes its place once it has been seen to work.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ...ml.errors import EngineUnavailable, HeadError
from .location import INSTALLED_MARK, is_complete, old_folder, private_python
from .process import start_process, worker_environment

# What is needed, each list in a run of pip of its own; and what only some options need.
REQUIREMENTS = tuple(
    Path(__file__).with_name(name) for name in ("requirements.txt", "requirements-torch.txt")
)
EXTRAS = Path(__file__).with_name("requirements-extras.txt")
ROOT = Path(__file__).resolve().parents[2]
LOG_NAME = "engine-install.log"
_PIP_INSTALL = Path(__file__).with_name("pip_install.py")
# How many packages pip mentions in all; only the progress bar depends on it.
_PACKAGES = 30
# What pip and the system write, in lower case, and what it means to a person.
_CAUSES = (
    (
        ("certificate_verify_failed", "sslerror"),
        "The certificate of the package index was not accepted",
        "Set PIP_CERT to your company's certificates, or correct the computer's clock",
    ),
    (
        (
            "newconnectionerror",
            "connecttimeout",
            "readtimeout",
            "proxyerror",
            "connection broken by",
            "name resolution",
            "getaddrinfo failed",
            "network is unreachable",
        ),
        "PyPI could not be reached",
        "Check the network connection and the proxy, then try again",
    ),
    (
        ("no space left", "errno 28", "not enough space"),
        "The disk is full",
        "Free 2 GB, then try again",
    ),
)


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


@dataclass(frozen=True)
class Plan:
    """What is installed, and how it is seen to work.

    Attributes
    ----------
    requirements: pip's lists. options: for pip.
    packages: that must be importable. worker: whether the engine's worker must answer.
    before_swap: called before the old environment makes way: it must no longer be in use.
    """

    requirements: tuple[Path, ...] = REQUIREMENTS
    options: tuple[str, ...] = ()
    packages: tuple[str, ...] = ("torch", "cv2", "numba", "scipy", "PIL", "safetensors")
    worker: bool = True
    before_swap: Callable[[], None] = field(default=lambda: None)

    def steps(self, base: Path, folder: Path) -> list[Step]:
        """The programs that make ``folder`` an environment and try it."""
        python = str(private_python(folder))
        # -I keeps Blender's settings and the current folder out of the new environment.
        found = [Step("Making the environment", (str(base), "-I", "-m", "venv", str(folder)))]
        for listed in self.requirements:
            pip = (python, "-I", str(_PIP_INSTALL), "-r", str(listed), *self.options)
            found.append(Step("Looking for the packages", pip))
        trial = "import " + ", ".join(self.packages)
        found.append(Step("Trying the packages", (python, "-I", "-c", trial)))
        if self.worker:
            asked = json.dumps({"id": 1, "type": "check", "data": {}})
            command = (python, "-m", "ml.worker")
            found.append(Step("Trying the engine", command, ROOT, asked))
        return found


class InstallJob:
    """Makes ``folder`` a virtual environment by ``plan``; until the end it stays as it was."""

    def __init__(self, base: Path, folder: Path, plan: Plan) -> None:
        self.fraction, self.message = 0.0, "Making the environment"
        self._folder, self._plan = folder, plan
        self._new, self._old = folder.with_name(folder.name + "-new"), old_folder(folder)
        self._log = folder.parent / LOG_NAME
        self._steps = plan.steps(base, self._new)
        self._running: _Command | None = None
        self._mentioned, self._said = 0, ""
        _clean_up(folder, self._new, self._old)
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._log.write_text("", encoding="utf-8")

    def step(self) -> bool:
        if self._running is None:
            self._running = _Command(self._steps[0], self._log.parent)
            self.message = self._steps[0].message
        for line in self._running.new_lines():
            self._note(line)
        code = self._running.exit_code()
        if code is None:
            return False
        finished, self._running = self._running, None
        problem = finished.problem(code)
        if problem is not None:
            _remove(self._new)
            raise self._failure(problem)
        self._steps.pop(0)
        if self._steps:
            return False
        self._swap()
        self.fraction, self.message = 1.0, "Installed"
        return True

    def cancel(self) -> None:
        if self._running is not None:
            self._running.stop()
            self._running = None
        _remove(self._new)

    def _swap(self) -> None:
        self._plan.before_swap()
        (self._new / INSTALLED_MARK).write_text("complete\n", encoding="utf-8")
        try:
            if self._folder.exists():
                self._folder.rename(self._old)
            self._new.rename(self._folder)
        except OSError as error:
            if self._old.exists() and not self._folder.exists():
                self._old.rename(self._folder)
            _remove(self._new)
            raise HeadError(
                f"The new engine could not take the place of the one in {self._folder} ({error})",
                "The old one is untouched. Close other Blender windows, then install again",
            ) from error
        with contextlib.suppress(HeadError):  # the next installation tries again
            _remove(self._old)

    def _failure(self, last: str) -> EngineUnavailable:
        kept = "the engine that was there still works" if is_complete(self._folder) else ""
        record = f"The whole record is in {self._log}; {kept or 'nothing was left behind'}"
        for signs, meaning, remedy in _CAUSES:
            if any(sign in self._said.lower() for sign in signs):
                return EngineUnavailable(
                    f"Installing the engine failed: {meaning} ({last})", f"{remedy}. {record}"
                )
        return EngineUnavailable(f"Installing the engine failed: {last}", record)

    def _note(self, line: str) -> None:
        self._said = (self._said + line + "\n")[-20000:]
        with self._log.open("a", encoding="utf-8") as log:
            log.write(line + "\n")
        if self._steps[0].question:
            return
        self.message = line[:90]
        if line.startswith(("Collecting", "Downloading")):
            self._mentioned += 1
            share = 0.05 + 0.75 * min(1.0, self._mentioned / (2 * _PACKAGES))
            self.fraction = max(self.fraction, share)  # never back at the next list
        elif line.startswith("Installing collected"):
            self.fraction = max(self.fraction, 0.85)


class _Command:
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


def _clean_up(folder: Path, *remains: Path) -> None:
    """Put the old environment back if an installation was cut off in its swap; delete the rest."""
    old = old_folder(folder)
    if is_complete(old) and not is_complete(folder):
        _remove(folder)
        old.rename(folder)
    for path in remains:
        _remove(path)


def _remove(folder: Path) -> None:
    if folder.exists():
        try:
            # First, so that what cannot be removed entirely is not taken for an engine.
            (folder / INSTALLED_MARK).unlink(missing_ok=True)
            shutil.rmtree(folder)
        except OSError as error:
            raise HeadError(
                f"The folder {folder} of an earlier engine could not be removed ({error})",
                "Close other Blender windows and delete it",
            ) from error
