"""Generated samples side by side in one picture.

python -m ml.training.data.sheet --data ../shared/data --kind render --out out/sheet.png
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path

import numpy as np
from PIL import Image

from ..arguments import file_options
from .generate import CONFIG
from .samples import make_sample
from .stored import KINDS
from .studio import PictureOptions, Studio, open_studio

# Samples across and down the sheet.
COLUMNS, ROWS = 8, 6
# How often each kind comes in a sheet of all.
_SHARES = [0.25, 0.35, 0.35, 0.05]


def contact_sheet(studio: Studio, kind: str, seed: int) -> np.ndarray:
    """(ROWS * S, COLUMNS * S, 3) uint8: samples of ``kind``, or of "all"."""
    images = []
    for number in range(COLUMNS * ROWS):
        rng = np.random.default_rng([seed, number])
        chosen = KINDS[kind] if kind != "all" else int(rng.choice(4, p=_SHARES))
        images.append(make_sample(studio, chosen, rng).image)
    size = studio.options.size
    grid = np.stack(images).reshape(ROWS, COLUMNS, size, size, 3).swapaxes(1, 2)
    return grid.reshape(ROWS * size, COLUMNS * size, 3)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], parents=[file_options("data", "reference", "fits")]
    )
    parser.add_argument("--kind", choices=[*KINDS, "all"], default="all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/sheet.png"))
    parser.add_argument("--config", type=Path, default=CONFIG, help="see generate.py")
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    options = PictureOptions.of(config)
    studio = open_studio(arguments.data, arguments.reference, arguments.fits, options)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(contact_sheet(studio, arguments.kind, arguments.seed)).save(arguments.out)


if __name__ == "__main__":
    main()
