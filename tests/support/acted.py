"""A known animation, and its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ml.geometry.rotations import rotations_from_angles
from ml.head.arkit import EXPRESSION_NAMES
from ml.performance.animation import (
    BRIDGED,
    FACING,
    LOST,
    NPZ_NAME,
    SEEN,
    Animation,
    save_animation,
)

RATE, FRAMES = 25.0, 30


def acted(lost: tuple[int, int] = (0, 0), bridged: tuple[int, int] = (0, 0)) -> Animation:
    """A head that turns, moves and opens its jaw; lost, bridged: first frame and end of a gap."""
    times = np.arange(FRAMES) / RATE
    expression = np.zeros((FRAMES, len(EXPRESSION_NAMES)), np.float32)
    expression[:, EXPRESSION_NAMES.index("jawOpen")] = np.linspace(0, 0.9, FRAMES)
    angles = np.stack([0.2 * np.sin(3 * times), 0.5 * np.sin(2 * times), 0.1 * times], 1)
    status = np.full(FRAMES, SEEN, np.uint8)
    status[slice(*lost)], status[slice(*bridged)] = LOST, BRIDGED
    moved = np.stack([0.05 * times, -0.03 * times, 0.8 + 0.1 * times], 1)
    return Animation(
        times,
        expression,
        (FACING @ rotations_from_angles(angles)).astype(np.float32),
        moved.astype(np.float32),
        np.array([[900, 0, 320], [0, 900, 240], [0, 0, 1]], np.float32),
        np.array([640, 480]),
        status,
        np.zeros(FRAMES, np.int32),
        np.zeros_like(expression),
        RATE,
        3600.0,
        "take.mp4",
    )


def write_acted(folder: Path, **how: tuple[int, int]) -> Animation:
    """Put the animation into the folder of a head."""
    made = acted(**how)
    save_animation(made, folder / NPZ_NAME)
    return made
