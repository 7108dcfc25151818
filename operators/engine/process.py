"""Programs of another Python, started without what ties them to Blender. Standard library only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from ...ml.errors import EngineUnavailable

# Blender sets or inherits these; they would make another Python load the wrong library, or, the
# last, keep it from finding ``ml`` in the folder where it is started.
_UNWANTED = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONEXECUTABLE",
    "PYTHONSAFEPATH",
)
_WANTED = {
    "PYTHONNOUSERSITE": "1",
    "PYTHONUTF8": "1",
    # A missing file must fail at once instead of being looked for on the network.
    "HF_HUB_OFFLINE": "1",
}
# No console window may flash up on Windows.
NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)


def clean_environment(base: Mapping[str, str]) -> dict[str, str]:
    """``base`` without what ties a Python to Blender, and with the network switched off."""
    kept = {name: value for name, value in base.items() if name not in _UNWANTED}
    return kept | _WANTED


def start_process(command: Sequence[str], **options: Any) -> subprocess.Popen:
    """A running program whose output is text. Raises EngineUnavailable where it does not start."""
    try:
        return subprocess.Popen(
            list(command),
            env=clean_environment(os.environ),
            stdout=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            creationflags=NO_WINDOW,
            **options,
        )
    except OSError as error:
        raise EngineUnavailable(
            f"The engine's Python {command[0]} could not be started ({error})",
            "Choose another in the extension's preferences, or press Install engine",
        ) from error
