"""Arrays that follow from what ships, kept in files between runs: made once, then read.

What is found on the mean head, or drawn alike for everybody, takes longer to make than to read, and
some of it needs packages that take longer still to load. A folder that cannot be written to, a full
disk or a damaged file cost the time of making, and nothing else.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..environment import CACHE_VARIABLE, compiled_code_folder

logger = logging.getLogger(__name__)
PACKAGE = Path(__file__).resolve().parents[1]
# Of one name; older ones are of code or of a head model that is gone, most likely.
MOST_FILES = 8

Arrays = Mapping[str, np.ndarray]


def kept(name: str, inputs: Arrays, make: Callable[[], Arrays]) -> Arrays:
    """What ``make`` returns, or returned for the same ``inputs`` before.

    name: of the files. inputs: all that the result depends on, beside the code of this package: if
    either changes, it is made anew.
    """
    path = _folder() / f"{name}-{_digest(inputs)}.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        logger.warning("%s is damaged: %r", path, error)
    arrays = make()
    try:
        _write(path, arrays)
    except OSError as error:
        logger.info("%s is not kept: %r", path, error)
    return arrays


def _folder() -> Path:
    """Beside compiled code, which is kept for the same reason and goes when Effigy does."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen)
    return compiled_code_folder() or PACKAGE / "__pycache__"


def _digest(inputs: Arrays) -> str:
    digest = hashlib.blake2b(_code_state(), digest_size=16)
    for name, array in sorted(inputs.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _code_state() -> bytes:
    """Changes with any file of this package's code: places, sizes and times, as compilers use."""
    digest = hashlib.blake2b()
    for folder, _, files in sorted(os.walk(PACKAGE)):
        for file in sorted(files):
            if file.endswith(".py"):
                path = os.path.join(folder, file)
                facts = os.stat(path)
                digest.update(f"{path} {facts.st_size} {facts.st_mtime_ns}".encode())
    return digest.digest()


def _write(path: Path, arrays: Arrays) -> None:
    """Write all of it, or nothing; and remove the oldest files of this name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
        try:
            np.savez(file, **arrays)
            file.close()
            os.replace(file.name, path)
        except BaseException:
            file.close()
            os.unlink(file.name)
            raise
    alike = path.parent.glob(f"{path.stem.rpartition('-')[0]}-{'?' * 32}.npz")
    for old in sorted(alike, key=lambda other: other.stat().st_mtime)[:-MOST_FILES]:
        old.unlink(missing_ok=True)
