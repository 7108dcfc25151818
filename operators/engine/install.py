"""Make the engine's own Python environment, never in Blender's own Python.

The new environment is made beside the old one and takes its place once it has been seen to work.
"""

from __future__ import annotations

import contextlib
import errno
import json
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ...ml.errors import EngineUnavailable, HeadError
from ...ml.results.files import locked
from .command import Command, Step
from .location import INSTALLED_MARK, is_complete, old_folder, private_python

# What is needed, each list in a run of pip of its own; and what only some options need.
REQUIREMENTS = tuple(
    Path(__file__).with_name(name) for name in ("requirements.txt", "requirements-torch.txt")
)
EXTRAS = Path(__file__).with_name("requirements-extras.txt")
# In the place of the second list.
NVIDIA = Path(__file__).with_name(
    "nvidia-windows.txt" if sys.platform == "win32" else "requirements-nvidia.txt"
)
# MB of the wheels, and GB on the disk afterwards, with Python 3.11.
SIZES = {"win32": (280, 1.1), "darwin": (245, 1.1)}.get(sys.platform, (380, 1.5))
ROOT = Path(__file__).resolve().parents[2]
LOG_NAME = "engine-install.log"
_PIP_INSTALL = Path(__file__).with_name("pip_install.py")
# How many packages pip mentions in all; only the progress bar depends on it.
_PACKAGES = 30
# What pip and the system write, in lower case, and what it means to a person.
_CAUSES = (
    (
        ("do not match the hashes", "is invalid", "badzipfile", "hash mismatch"),
        "A package is damaged, or not the one that belongs there",
        "Try again; replace it if it comes out of a folder",
    ),
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
        ("no matching distribution found", "could not find a version that satisfies"),
        "A package is missing, or has no wheel for this system and this Python",
        "Add it to the folder, or see whether the package index has it",
    ),
    (
        ("no space left", "errno 28", "not enough space"),
        "The disk is full",
        "Free 2 GB, then try again",
    ),
    (
        ("permission denied", "errno 13", "access is denied", "read-only file system"),
        "A folder cannot be written to",
        "Change its permissions, or close the program that uses it",
    ),
)


_DAMAGED = re.compile(r"from (?:file|https?)://\S*?([^/\s]+\.whl)")


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
        self._running: Command | None = None
        self._mentioned, self._said = 0, ""
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._lock = contextlib.ExitStack()
        _take(self._lock, folder)
        try:
            _clean_up(folder, self._new, self._old)
            self._log.write_text("", encoding="utf-8")
        except BaseException:
            self._lock.close()
            raise

    def step(self) -> bool:
        over = True  # unless this step gets through
        try:
            over = self._advance()
        finally:
            if over:
                self._lock.close()
        return over

    def cancel(self) -> None:
        if self._running is not None:
            self._running.stop()
            self._running = None
        _remove(self._new)
        self._lock.close()

    def _advance(self) -> bool:
        if self._running is None:
            self._running = Command(self._steps[0], self._log.parent)
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
                # pip says which file it is before it says what is wrong with it.
                damaged = _DAMAGED.search(self._said) if signs is _CAUSES[0][0] else None
                last = damaged[1] if damaged else last
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


def _take(lock: contextlib.ExitStack, folder: Path) -> None:
    """Keep other Blenders from installing into ``folder`` until ``lock`` is closed.

    Two at once would delete and mix each other's files. The lock ends with its process.
    """
    try:
        lock.enter_context(locked(folder.parent, seconds=0))
    except OSError as error:
        if error.errno != errno.EAGAIN:
            raise
        raise HeadError(
            f"Another Blender is installing the engine in {folder}",
            "Wait until it has finished: this Blender will use the same engine",
        ) from error


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
