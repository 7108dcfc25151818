"""The one version number and the one website: the manifest's."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

_NAME, _HERE = "blender_manifest.toml", Path(__file__).parent
# Above this package in the extension and in a clone; in it where the core is installed by pip.
MANIFEST = _HERE / _NAME if (_HERE / _NAME).exists() else _HERE.parent / _NAME
# How the command line is called, as people type it.
COMMAND = "python -m ml.cli" if __package__ == "ml" else "effigy"


@lru_cache(maxsize=1)
def effigy_version() -> str:
    """Effigy's version, as in ``blender_manifest.toml``."""
    return str(_manifest()["version"])


@lru_cache(maxsize=1)
def website() -> str:
    """Effigy's website, as in ``blender_manifest.toml``; empty where that names none."""
    return str(_manifest().get("website", ""))


def _manifest() -> dict[str, Any]:
    return tomllib.loads(MANIFEST.read_text(encoding="utf-8"))
