"""The request of Blender to animate a video."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..data import Progress
from ..performance.animation import BRIDGED, LOST
from ..pipeline.request import misunderstood, path_in, settings_in
from .animate import animate


def answer(data: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Animate ``video`` into the folder ``out``; ``rate``: frames per second, or None.

    Raises as :func:`.animate.animate`; UsageError: the request says something else.
    """
    rate = data.get("rate")
    if rate is not None and not (isinstance(rate, int | float) and 0 < rate <= 1000):
        raise misunderstood(f"its rate is {str(rate)[:40]}")
    paths = path_in(data.get("video")), path_in(data.get("out"))
    done = animate(*paths, settings_in(data), progress, rate)
    animation = done.animation
    return {
        "folder": str(done.folder),
        "frames": len(animation.times),
        "speed": round(done.speed, 1),
        "bridged": int((animation.status == BRIDGED).sum()),
        "lost": int((animation.status == LOST).sum()),
    }
