"""Files of an export say where the head comes from: see ml.results.origin."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path

import bpy

from ...ml.results.origin import SIDECAR, stamp_glb, write_sidecar

_USD = (".usd", ".usda", ".usdc", ".usdz")
_GLB = (".glb", ".vrm")
# Under this name in the custom data of a USD file's root layer.
_NAME = "effigy"


@contextmanager
def stamped(path: Path, statement: Mapping[str, str]) -> Iterator[None]:
    """Put a statement into the file that is written to ``path`` within the block, or beside it.

    Raises
    ------
    HeadError: what was written is no binary glTF. OSError: it cannot be written to.
    """
    # An earlier export's may be of another head.
    path.with_name(path.name + SIDECAR).unlink(missing_ok=True)
    kind = path.suffix.lower()
    held = kind in _GLB or (kind in _USD and _usd_has_python())
    with _in_usd(statement) if held and kind in _USD else nullcontext():
        yield
    if not held:
        write_sidecar(path, statement)
    elif kind in _GLB:
        stamp_glb(path, statement)


def _usd_has_python() -> bool:
    """Whether hooks can be given a stage: without this interface asking for one ends Blender."""
    try:
        importlib.import_module("pxr.Usd")
    except ImportError:
        return False
    return True


@contextmanager
def _in_usd(statement: Mapping[str, str]) -> Iterator[None]:
    """Have Blender's exporter put the statement into every USD stage within the block."""

    class EFFIGY_UH_stamp(bpy.types.USDHook):
        bl_idname = "effigy_stamp"
        bl_label = "Effigy"

        @staticmethod
        def on_export(export_context):
            layer = export_context.get_stage().GetRootLayer()
            layer.customLayerData = {**layer.customLayerData, _NAME: dict(statement)}
            return True

    bpy.utils.register_class(EFFIGY_UH_stamp)
    try:
        yield
    finally:
        bpy.utils.unregister_class(EFFIGY_UH_stamp)
