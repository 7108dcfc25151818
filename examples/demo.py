"""The demo: reconstruct a portrait that comes with scikit-image and open nothing else.

    python examples/demo.py

Writes out/astronaut/ with head.blend, head.glb, reconstruction.json, reconstruction.npz and
preview.png. The portrait is NASA's, of Eileen Collins, and in the public domain.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    from PIL import Image
    from skimage import data

    folder = ROOT / "out"
    folder.mkdir(exist_ok=True)
    photo = folder / "astronaut.png"
    Image.fromarray(data.astronaut()).save(photo)
    example = ROOT / "examples" / "reconstruct.py"
    sys.argv = [str(example), str(photo), "--out", str(folder / "astronaut")]
    runpy.run_path(str(example), run_name="__main__")


if __name__ == "__main__":
    main()
