"""Find a Python that can make the engine's environment. Standard library only."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ...ml.errors import EngineUnavailable
from .process import NO_WINDOW, clean_environment

SUPPORTED = ((3, 11), (3, 12), (3, 13))
_PROBE = "import sys, venv, ensurepip; print(*sys.version_info[:2])"


def suitable_python() -> Path:
    """A Python that can make the environment: the system's, else the one Blender runs.

    Raises EngineUnavailable where none of the supported versions is found.
    """
    names = [f"python{major}.{minor}" for major, minor in SUPPORTED] + ["python3", "python"]
    found = [path for name in names for path in programs(name)]
    for executable in [*found, Path(sys.executable)]:
        if _version(executable) in SUPPORTED:
            return executable
    versions = ", ".join(f"{major}.{minor}" for major, minor in SUPPORTED)
    raise EngineUnavailable(
        f"No Python of a version that the engine supports was found ({versions}, with venv)",
        "Install Python 3.11 from python.org (on Debian also python3-venv), then try again",
    )


def programs(name: str) -> Iterator[Path]:
    """The programs called ``name`` on the search path, never those in the current folder.

    ``shutil.which`` looks there first on Windows. It is the folder of the .blend that was opened
    with a double click: a program in it came with somebody's file.
    """
    here = Path.cwd()
    for entry in os.environ.get("PATH", os.defpath).split(os.pathsep):
        folder = Path(entry.strip('"'))
        path = folder / (f"{name}.exe" if os.name == "nt" else name)
        if folder.is_absolute() and folder.resolve() != here.resolve() and os.access(path, os.X_OK):
            yield path


def _version(executable: Path) -> tuple[int, ...] | None:
    """(major, minor) of a Python that can make environments, else None."""
    try:
        probe = subprocess.run(
            [str(executable), "-I", "-c", _PROBE],
            env=clean_environment(os.environ),
            cwd=executable.parent,
            capture_output=True,
            encoding="utf-8",
            timeout=20,
            check=True,
            creationflags=NO_WINDOW,
        )
        return tuple(int(part) for part in probe.stdout.split())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
