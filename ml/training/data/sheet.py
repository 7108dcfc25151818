"""Look at generated samples: a contact sheet as a PNG.

python -m ml.training.data.sheet --data ../shared/data --kind render --out out/sheet.png
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path

import numpy as np
from PIL import Image

from .generate import CONFIG, open_studio
from .samples import NEGATIVE, PHOTO, PROFILED, RENDER, STORED, Studio, make_sample

KINDS = {"photo": PHOTO, "profiled": PROFILED, "render": RENDER, "negative": NEGATIVE}
# How often each kind comes in a sheet of all.
_SHARES = [0.25, 0.35, 0.35, 0.05]


def contact_sheet(
    studio: Studio, kind: str, seed: int, columns: int = 8, rows: int = 6
) -> np.ndarray:
    """(S rows, S columns, 3) uint8: samples of ``kind``, or of "all"."""
    images = []
    for number in range(columns * rows):
        rng = np.random.default_rng([seed, number])
        chosen = KINDS[kind] if kind != "all" else int(rng.choice(4, p=_SHARES))
        images.append(make_sample(studio, chosen, rng).image)
    lines = [np.concatenate(images[row * columns : (row + 1) * columns], 1) for row in range(rows)]
    return np.concatenate(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--reference", type=Path, default=Path("out/head/reference.npz"))
    parser.add_argument("--fits", type=Path, default=Path("out/fits/train.npz"))
    parser.add_argument("--kind", choices=[*KINDS, "all"], default="all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/sheet.png"))
    parser.add_argument("--config", type=Path, default=CONFIG, help="see generate.py")
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    studio = open_studio(
        arguments.data,
        arguments.reference,
        arguments.fits,
        config.get("size", STORED),
        config.get("folded", False),
    )
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(contact_sheet(studio, arguments.kind, arguments.seed)).save(arguments.out)


if __name__ == "__main__":
    main()
