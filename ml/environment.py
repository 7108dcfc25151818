"""The environment of the engine's process, set before NumPy, numba and PyTorch load.

Standard library only.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

# What the engine's process sets before NumPy and PyTorch load (never Blender's own). NumPy's
# matrices here are small, and threads of its own would wait for PyTorch's: with one thread a photo
# takes three quarters of the time, and a batch half of it. PyTorch's threads otherwise spin while
# they wait, and where cores are few whatever runs between two networks waits with them.
ENGINE_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
# Where numba keeps compiled code.
CACHE_VARIABLE = "NUMBA_CACHE_DIR"
# The device on which "auto" lets networks compute; empty: a GPU if PyTorch finds one.
DEVICE_VARIABLE = "EFFIGY_DEVICE"


def prepare_process() -> None:
    """Set up this process before NumPy and numba load; what is set already stays.

    Sets ENGINE_ENVIRONMENT, and where compiled code is kept if it cannot lie beside ours.
    """
    for name, value in ENGINE_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if not os.environ.get(CACHE_VARIABLE):
        folder = compiled_code_folder()
        if folder is not None:
            os.environ[CACHE_VARIABLE] = str(folder)


def compiled_code_folder() -> Path | None:
    """Where numba shall keep compiled code; None leaves it to numba: beside ours, or nowhere.

    The user's cache, or else a folder for temporary files that belongs to the user alone: what
    lies there is executed.
    """
    if os.access(Path(__file__).parent, os.W_OK):
        return None
    user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    return next(
        (
            folder
            for folder in (_user_cache() / "effigy", Path(tempfile.gettempdir()) / f"effigy-{user}")
            if _is_private(folder)
        ),
        None,
    )


def _user_cache() -> Path:
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or tempfile.gettempdir())
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))


def _is_private(folder: Path) -> bool:
    """Whether ``folder``, made if need be, can be written to by its user and by nobody else."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = folder.lstat()
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        return False
    if os.name == "nt":
        return True
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid() and not facts.st_mode & 0o022
