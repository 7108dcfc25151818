"""Build dist/effigy-VERSION.zip with Blender's own packager, out of the bpy wheel, and check it.

python .ci/build_extension.py [--out DIR]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def packager() -> Path:
    """Blender's ``blender_ext.py``; bpy itself need not be imported for it."""
    spec = find_spec("bpy")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("The bpy wheel is needed to build the extension: make ready")
    for place in spec.submodule_search_locations:
        for found in Path(place).glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"):
            return found
    sys.exit("This bpy wheel holds no blender_ext.py; version 4.2 or later is needed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", "--output", type=Path, default=ROOT / "dist", metavar="DIR")
    folder = parser.parse_args().out.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    target = folder / f"{manifest['id']}-{manifest['version']}.zip"
    target.unlink(missing_ok=True)
    command = [sys.executable, str(packager())]
    for step in (
        ["build", "--source-dir", str(ROOT), "--output-filepath", str(target)],
        ["validate", str(target)],
    ):
        done = subprocess.run([*command, *step], check=False)
        if done.returncode:
            sys.exit(done.returncode)
    print(f"{target} ({target.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
