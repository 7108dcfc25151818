"""The one version number: the manifest's."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

MANIFEST = Path(__file__).parent.parent / "blender_manifest.toml"


@lru_cache(maxsize=1)
def effigy_version() -> str:
    """Effigy's version, as in ``blender_manifest.toml``."""
    return str(tomllib.loads(MANIFEST.read_text(encoding="utf-8"))["version"])
