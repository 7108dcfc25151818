"""Learning curves as a picture: every number that a training wrote to its log, over its minutes.

python -m ml.training.curves out/train/surface/log.jsonl out/curves.png
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from ..data import ByteArray

WIDTH, HEIGHT, MARGIN, TOP = 420, 210, 52, 26
PAPER, INK, LINE = (255, 255, 255), (40, 40, 40), (0, 114, 178)
X = "minutes"


def draw_curves(log: Sequence[Mapping[str, float]], columns: int = 3) -> ByteArray:
    """(H, W, 3) uint8: a panel for each number of the log's lines but the minutes and steps.

    Raises ValueError for a log that never measured anything.
    """
    names = [name for name in (log[-1] if log else ()) if name not in (X, "step")]
    if not names:
        raise ValueError("the log has no figures")
    panels = [
        _panel(name, [(line[X], line[name]) for line in log if name in line]) for name in names
    ]
    empty = np.full_like(panels[0], PAPER)
    panels += [empty] * (-len(panels) % columns)
    rows = [np.concatenate(panels[at : at + columns], 1) for at in range(0, len(panels), columns)]
    return np.concatenate(rows)


def save_curves(log: Path, picture: Path) -> None:
    """Draw the lines of the file ``log`` (JSON, one a line) into ``picture``."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    cv2.imwrite(str(picture), draw_curves(lines)[..., ::-1])


def _panel(name: str, values: Sequence[tuple[float, float]]) -> ByteArray:
    picture = np.full((HEIGHT, WIDTH, 3), PAPER, np.uint8)
    x, y = np.array(values, float).T
    low, high = float(y.min()), float(y.max())
    reach, span = max(float(x.max()), 1e-9), max(high - low, 1e-9)
    right = MARGIN + (WIDTH - MARGIN - 12) * x / reach
    down = TOP + (HEIGHT - TOP - 30) * (high - y) / span
    points = np.stack([right, down], 1).round().astype(np.int32)
    cv2.rectangle(picture, (MARGIN, TOP), (WIDTH - 12, HEIGHT - 30), (215, 215, 215), 1)
    cv2.polylines(picture, [points], False, LINE, 2, cv2.LINE_AA)
    _write(picture, f"{name}: {y[-1]:.3f}", (MARGIN, 17))
    _write(picture, f"{high:.3g}", (4, TOP + 10))
    _write(picture, f"{low:.3g}", (4, HEIGHT - 32))
    _write(picture, f"0 to {reach:.0f} {X}", (MARGIN, HEIGHT - 10))
    return picture


def _write(picture: ByteArray, text: str, where: tuple[int, int]) -> None:
    cv2.putText(picture, text, where, cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path)
    parser.add_argument("picture", type=Path)
    arguments = parser.parse_args()
    save_curves(arguments.log, arguments.picture)


if __name__ == "__main__":
    main()
