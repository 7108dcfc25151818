"""Where the portraits show the person, by MediaPipe's selfie segmentation (Apache-2.0).

    python -m ml.training.parsing.outlines --data DATA --out out/parsing/outlines.npz

Needs MediaPipe 0.10.21, whose wheel holds the model; it may run in an environment of its own.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

import numpy as np
from PIL import Image

OUTLINES = Path("out/parsing/outlines.npz")


def outlines(photos: list[Path]) -> dict[str, np.ndarray]:
    """(H, W) uint8 by file name: 255 where the photo surely shows the person."""
    segmentation = import_module("mediapipe").solutions.selfie_segmentation
    found = {}
    with segmentation.SelfieSegmentation(model_selection=0) as segment:
        for path in photos:
            with Image.open(path) as image:
                rgb = np.asarray(image.convert("RGB"))
            mask = segment.process(rgb).segmentation_mask
            found[path.name] = (np.clip(mask, 0, 1) * 255).round().astype(np.uint8)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=OUTLINES)
    arguments = parser.parse_args()
    photos = sorted((arguments.data / "portraits" / "train").glob("*.jpg"))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(arguments.out, **outlines(photos))  # type: ignore[arg-type]
    print(f"{arguments.out}: {len(photos)} portraits")


if __name__ == "__main__":
    main()
