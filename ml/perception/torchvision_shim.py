"""Let torchvision be imported where its compiled operators cannot be loaded.

PyPI's Linux wheels of torchvision link against CUDA. Beside a CPU-only torch their operators do not
load, and ``import torchvision`` stops because two of them are not registered (torchvision 0.28,
pytorch/vision issue 9085). open_clip imports torchvision, but uses neither of the two.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path

import torch

from ..errors import EXTRAS_REMEDY, EngineUnavailable

# The operators that torchvision's Python code refers to at import, with its own schema.
_REQUIRED = ("nms", "qnms")
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


@cache
def ensure_torchvision() -> torch.library.Library | None:
    """Make ``import torchvision`` work; call it before torchvision is imported.

    Does nothing where the compiled operators load. This is decided before the first import,
    because an import that failed half-way cannot be repeated in the same process.

    Returns
    -------
    The library of stand-in operators. They are unregistered when it is garbage-collected, so the
    cache keeps it.

    Raises
    ------
    EngineUnavailable: torchvision is not installed.
    """
    if "torchvision" in sys.modules:
        return None
    found = importlib.util.find_spec("torchvision")
    if found is None or found.origin is None:
        raise EngineUnavailable(
            "torchvision, one of the extras, is not installed in the engine's Python", EXTRAS_REMEDY
        )
    if _operators_load(Path(found.origin).parent):
        return None
    library = torch.library.Library("torchvision", "DEF")
    for name in _REQUIRED:
        library.define(name + _SCHEMA)
    return library


def _operators_load(package: Path) -> bool:
    compiled = [*package.glob("_C*.so"), *package.glob("_C*.pyd")]
    if not compiled:
        return False
    try:
        torch.ops.load_library(str(compiled[0]))
    except (OSError, ImportError):
        return False
    return True
