"""The one version number and the one website: the manifest's."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

MANIFEST = Path(__file__).parent.parent / "blender_manifest.toml"


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
