"""A photo becomes a head, from a script.

With Blender:             blender -b --python examples/reconstruct.py -- photo.jpg --out out
With Blender as a module: python examples/reconstruct.py photo.jpg --out out

Writes head.blend and head.glb beside reconstruction.json, reconstruction.npz and preview.png. Uses
the installed extension; where there is none, the one in the folder above this file.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import sys
import traceback
from pathlib import Path

import bpy

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    options = parse_arguments()
    photo, output = Path(options.photo).absolute(), Path(options.out).absolute()
    if not hasattr(bpy.types, "EFFIGY_OT_reconstruct"):
        register_from_clone()
    bpy.ops.wm.read_homefile(use_empty=True)
    scene = bpy.context.scene
    scene.effigy.match_render = True
    bpy.ops.effigy.reconstruct(filepath=str(photo), output=str(output), preview=True)
    head = bpy.context.object
    values = {key.name: key.value for key in head.data.shape_keys.key_blocks}
    strongest = sorted(values, key=values.get, reverse=True)[:5]
    print(f"{head.name}: {len(head.data.vertices)} vertices, {len(values) - 1} expressions")
    print("Expression:", ", ".join(f"{name} {values[name]:.2f}" for name in strongest))
    bpy.ops.effigy.export(filepath=str(output / "head.glb"), format="GLB")
    bpy.ops.wm.save_as_mainfile(filepath=str(output / "head.blend"), check_existing=False)
    for path in sorted(output.iterdir()):
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")


def parse_arguments() -> argparse.Namespace:
    # Blender keeps its own arguments before the two dashes; the module has only ours.
    arguments = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", help="an image file of a face")
    where = "folder for the results (default: out)"
    parser.add_argument("--out", "--output", default="out", metavar="DIR", help=where)
    return parser.parse_args(arguments)


def register_from_clone() -> None:
    """Register the extension straight from its source folder, under the name ``effigy``."""
    spec = importlib.util.spec_from_file_location("effigy", ROOT / "__init__.py")
    extension = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = extension
    spec.loader.exec_module(extension)
    extension.register()


if __name__ == "__main__":
    status = 1
    try:
        main()
        status = 0
    except SystemExit as stop:
        status = stop.code
    except RuntimeError as error:  # an operator's error, with what to do about it
        print(str(error).strip(), file=sys.stderr)
    finally:
        if sys.exc_info()[0] is not None:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        with contextlib.suppress(OSError):
            os.rmdir(bpy.app.tempdir)
        # Not sys.exit: Blender as a module (4.5) does not come back from its own exit handlers
        # as long as an operator is registered, and Blender itself would report success.
        os._exit(status)
