"""Pipelines for tests of clusters: some photos end the process that works on them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from ml.errors import NoFaceFound
from ml.results.reconstruction import Reconstruction
from ml.settings import Settings

from .fake_pipeline import tiny_head


def deadly_heads(photo: Path, settings: Settings) -> Sequence[Reconstruction]:
    """A tiny head; "poison" ends the process, "wall" shows no face, "slow" takes a while."""
    if "poison" in photo.name:
        os._exit(9)
    if "wall" in photo.name:
        raise NoFaceFound(f"No face was found in {photo}", "Choose another")
    if "slow" in photo.name:
        time.sleep(0.2)
    return (tiny_head(photo),)
