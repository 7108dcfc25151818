"""Make the engine's own Python environment. Standard library only; never Blender's own Python."""

from __future__ import annotations

import collections
import contextlib
import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from ...ml.errors import EngineUnavailable, HeadError
from .location import INSTALLED_MARK, private_python
from .process import NO_WINDOW, clean_environment, start_process

SUPPORTED = ((3, 11), (3, 12), (3, 13))
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
LOG_NAME = "engine-install.log"
_PIP_INSTALL = Path(__file__).with_name("pip_install.py")
# How many packages pip mentions in all; only the progress bar depends on it.
_PACKAGES = 30
_PROBE = "import sys, venv, ensurepip; print(*sys.version_info[:2])"


def suitable_python() -> Path:
    """A Python that can make the environment: the system's, else the one Blender runs.

    Raises EngineUnavailable where none of the supported versions is found.
    """
    names = [f"python{major}.{minor}" for major, minor in SUPPORTED] + ["python3", "python"]
    found = [shutil.which(name) for name in names] + [sys.executable]
    for executable in filter(None, found):
        if _version(executable) in SUPPORTED:
            return Path(executable)
    versions = ", ".join(f"{major}.{minor}" for major, minor in SUPPORTED)
    raise EngineUnavailable(
        f"No Python of a version that the engine supports was found ({versions}, with venv)",
        "Install Python 3.11 from python.org (on Debian also python3-venv), then try again",
    )


class InstallJob:
    """Makes ``folder`` a virtual environment with the packages of ``requirements``."""

    def __init__(
        self, base: Path, folder: Path, requirements: Path, options: Sequence[str] = ()
    ) -> None:
        self.fraction, self.message = 0.0, "Making the environment"
        self._folder = folder
        self._log = folder.parent / LOG_NAME
        # -I keeps Blender's settings and the current folder out of the new environment.
        pip = [str(private_python(folder)), "-I", str(_PIP_INSTALL), "-r", str(requirements)]
        self._commands = [[str(base), "-I", "-m", "venv", str(folder)], [*pip, *options]]
        self._running: _Command | None = None
        self._mentioned = 0
        _remove(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._log.write_text("", encoding="utf-8")

    def step(self) -> bool:
        if self._running is None:
            self._running = _Command(self._commands[0])
        for line in self._running.new_lines():
            self._note(line)
        code = self._running.exit_code()
        if code is None:
            return False
        last, self._running = self._running.last_line, None
        if code != 0:
            _remove(self._folder)
            raise EngineUnavailable(
                f"Installing the engine failed: {last}",
                f"The whole record is in {self._log}; nothing was left behind",
            )
        self._commands.pop(0)
        if self._commands:
            return False
        (self._folder / INSTALLED_MARK).write_text("complete\n", encoding="utf-8")
        self.fraction, self.message = 1.0, "Installed"
        return True

    def cancel(self) -> None:
        if self._running is not None:
            self._running.stop()
        _remove(self._folder)

    def _note(self, line: str) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(line + "\n")
        self.message = line[:90]
        if line.startswith(("Collecting", "Downloading")):
            self._mentioned += 1
            self.fraction = 0.05 + 0.75 * min(1.0, self._mentioned / (2 * _PACKAGES))
        elif line.startswith("Installing collected"):
            self.fraction = 0.85


class _Command:
    """A subprocess whose output is read without waiting for it."""

    def __init__(self, command: list[str]) -> None:
        self._lines: queue.Queue[str] = queue.Queue()
        self.last_line = ""
        self._process = start_process(command, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def new_lines(self) -> list[str]:
        lines: collections.deque[str] = collections.deque()
        with contextlib.suppress(queue.Empty):
            while True:
                lines.append(self._lines.get_nowait())
        if lines:
            self.last_line = lines[-1]
        return list(lines)

    def exit_code(self) -> int | None:
        """The exit status once the process has ended and its whole output was read."""
        if self._thread.is_alive() or not self._lines.empty():
            return None
        return self._process.wait()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.join(2.0)

    def _read(self) -> None:
        with self._process.stdout as stream:
            for line in stream:
                if line.strip():
                    self._lines.put(line.strip())


def _version(executable: str) -> tuple[int, ...] | None:
    """(major, minor) of a Python that can make environments, else None."""
    try:
        probe = subprocess.run(
            [executable, "-I", "-c", _PROBE],
            env=clean_environment(os.environ),
            capture_output=True,
            encoding="utf-8",
            timeout=20,
            check=True,
            creationflags=NO_WINDOW,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return tuple(int(part) for part in probe.stdout.split())


def _remove(folder: Path) -> None:
    if folder.exists():
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise HeadError(
                f"The old engine in {folder} could not be removed ({error})",
                "Close other Blender windows and delete the folder",
            ) from error
