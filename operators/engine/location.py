"""Where the engine's Python is. Standard library only."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...ml.errors import EngineUnavailable

VARIABLE = "EFFIGY_PYTHON"
# Written last by the installation: a folder without it was left half done.
INSTALLED_MARK = "effigy-engine.txt"
HINT = "Press Install engine in the extension's preferences, or choose a Python that has PyTorch"


@dataclass(frozen=True)
class EnginePython:
    """A Python for the worker; ``source`` says in words where it was found."""

    executable: Path
    source: str


def private_python(folder: Path) -> Path:
    """The interpreter of the virtual environment in ``folder``."""
    return folder / "Scripts/python.exe" if os.name == "nt" else folder / "bin/python"


def old_folder(folder: Path) -> Path:
    """Where the environment in ``folder`` waits while a new one takes its place."""
    return folder.with_name(folder.name + "-old")


def is_complete(folder: Path) -> bool:
    """Whether Install engine made ``folder``, to the end."""
    return (folder / INSTALLED_MARK).exists() and private_python(folder).exists()


def lacks(folder: Path, package: str) -> bool:
    """Whether Install engine made ``folder`` without this package. Looks at names of files only."""
    places = "Lib/site-packages" if os.name == "nt" else "lib/python3*/site-packages"
    found = folder.glob(f"{places}/{package}")
    return is_complete(folder) and next(found, None) is None


def find_engine(preference: str, environment: Mapping[str, str], folder: Path) -> EnginePython:
    """The Python for the engine: the first of these that is set or exists.

    The path in the preferences, the variable ``EFFIGY_PYTHON``, the environment that Install
    engine made in ``folder``, Blender's own Python if PyTorch is in it.

    Raises
    ------
    EngineUnavailable: there is none, or the one that was asked for does not exist. What a person
        chose is never silently replaced by something else.
    """
    chosen = ((preference, "the preferences"), (environment.get(VARIABLE, ""), VARIABLE))
    for path, source in chosen:
        if path:
            return EnginePython(_existing(Path(path), source), f"set in {source}")
    # Both are there only if Blender was ended in the moment between two renamings.
    for made in (folder, old_folder(folder)):
        if is_complete(made):
            return EnginePython(private_python(made), "made by Install engine")
    if importlib.util.find_spec("torch") is not None:
        return EnginePython(Path(sys.executable), "Blender's own Python, which has PyTorch")
    raise EngineUnavailable("Effigy's engine is not installed yet", HINT)


def _existing(path: Path, source: str) -> Path:
    if not path.is_file():
        raise EngineUnavailable(
            f"The engine's Python set in {source} does not exist: {path}",
            "Correct or clear the path, or press Install engine",
        )
    # Not resolved: the link in a virtual environment is what makes it that environment.
    return path.absolute()
