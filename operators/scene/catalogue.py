"""The catalogue under which the Asset Browser shows heads.

Blender keeps catalogues in a text file at the root of an asset library: a library folder of the
preferences, or the folder of the .blend file.
"""

from __future__ import annotations

from pathlib import Path

import bpy

CATALOGUE_ID = "2c56ede7-8898-44f2-a284-736c72dd18f8"
_NAME = "Effigy heads"
_FILE = "blender_assets.cats.txt"
_HEADER = "# This is an Asset Catalog Definition file for Blender.\n\nVERSION 1\n\n"


def catalogue_file(blend: str) -> Path:
    """Where Blender looks for the catalogues of the assets in the file at this path."""
    folder = Path(blend).parent
    libraries = [Path(each.path) for each in bpy.context.preferences.filepaths.asset_libraries]
    roots = [root for root in libraries if str(root) != "." and folder.is_relative_to(root)]
    return (roots[0] if roots else folder) / _FILE


def ensure_catalogue(blend: str) -> None:
    """Add Effigy's catalogue to that file, unless it is there. What it holds stays. OSError."""
    path = catalogue_file(blend)
    text = path.read_text(encoding="utf-8") if path.exists() else _HEADER
    if CATALOGUE_ID not in text:
        line = f"{CATALOGUE_ID}:{_NAME}:{_NAME}\n"
        ended = text if text.endswith("\n") else text + "\n"
        path.write_text(ended + line, encoding="utf-8")


def in_catalogue(data: bpy.types.ID) -> bool:
    """Whether ``data`` is an asset of Effigy's catalogue in this file."""
    own = data.library is None and data.asset_data is not None
    return own and data.asset_data.catalog_id == CATALOGUE_ID
