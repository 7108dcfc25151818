"""Make the manual's pictures, in docs/manual/images, with a real Blender that has a window.

    python .ci/screenshots.py BLENDER --engine PYTHON

BLENDER: its executable, 4.2 or later. PYTHON: one with the engine's packages, such as .venv's. It
needs a display; xvfb-run gives it one where there is none. Shown are the portrait that
examples/demo.py uses (NASA's, of Eileen Collins, in the public domain) and people drawn at random,
nobody else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "manual" / "images"
INSIDE = Path(__file__).with_name("screenshots_in_blender.py")
SIZE = ("1600", "900")
_QUALITY = 85


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("blender", type=Path, metavar="BLENDER")
    parser.add_argument("--engine", type=Path, default=Path(sys.executable), metavar="PYTHON")
    parser.add_argument("--zip", type=Path, help="the extension; built if it is not given")
    parser.add_argument("--out", type=Path, default=IMAGES, metavar="DIR")
    parser.add_argument("--shaders", type=float, default=60, help="seconds until they are compiled")
    parsed = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="effigy-screenshots-") as name:
        folder = Path(name)
        extension = parsed.zip or build(folder)
        plan = {
            "extension": str(extension.absolute()),
            "engine": str(parsed.engine.absolute()),
            "photo": str(portrait(folder)),
            "shaders": parsed.shaders,
        }
        run(parsed.blender, folder, plan)
        convert(folder, parsed.out)


def build(folder: Path) -> Path:
    """The extension's zip, built into ``folder``."""
    builder = ROOT / ".ci" / "build_extension.py"
    subprocess.run([sys.executable, str(builder), "--out", str(folder)], check=True)
    return next(folder.glob("*.zip"))


def portrait(folder: Path) -> Path:
    from PIL import Image
    from skimage import data

    path = folder / "astronaut.jpg"
    Image.fromarray(data.astronaut()).save(path, quality=95)
    return path


def run(blender: Path, folder: Path, plan: dict[str, object]) -> None:
    """Let Blender write ``shots.json`` and what it names into ``folder``."""
    (folder / "plan.json").write_text(json.dumps(plan))
    around = {**os.environ, "BLENDER_USER_RESOURCES": str(folder / "blender"), "HOME": str(folder)}
    command = [str(blender), "--factory-startup", "--window-geometry", "0", "0", *SIZE]
    command += ["--python-exit-code", "1", "--python", str(INSIDE), "--", str(folder)]
    subprocess.run(command, env=around, check=True, timeout=1800)
    if not (folder / "shots.json").exists():
        sys.exit("Blender ended before all pictures were taken; its messages say why")


def convert(folder: Path, out: Path) -> None:
    """Cut out what each picture is about and write it into ``out``."""
    from PIL import Image

    out.mkdir(parents=True, exist_ok=True)
    for name, box in json.loads((folder / "shots.json").read_text()).items():
        with Image.open(folder / f"{name}.png") as picture:
            if picture.convert("L").getextrema() == (0, 0):
                sys.exit("The pictures are black on this display: install ImageMagick")
            picture.convert("RGB").crop(box).save(out / f"{name}.jpg", quality=_QUALITY)
        print(out / f"{name}.jpg")


if __name__ == "__main__":
    main()
