"""Effigy in other languages: one file per language, from the English text to its translation.

All texts are in a context of Effigy's own: Blender's "Face" is one of a mesh, ours is a person's.
"""

from __future__ import annotations

import json
from pathlib import Path

import bpy

CONTEXT = "Effigy"
_FOLDER = Path(__file__).parent


def tr(text: str) -> str:
    """``text`` in the language of Blender's interface, for what Blender does not translate itself.

    Numbers and names are put into it afterwards, by ``str.format``.
    """
    return bpy.app.translations.pgettext_iface(text, CONTEXT)


def tables() -> dict[str, dict[tuple[str, str], str]]:
    """The translations by language, as Blender takes them: by context and English text."""
    found = {}
    for path in sorted(_FOLDER.glob("*.json")):
        texts = json.loads(path.read_text(encoding="utf-8"))
        found[path.stem] = {(CONTEXT, text): translated for text, translated in texts.items()}
    return found


def attach() -> None:
    bpy.app.translations.register(__name__, tables())


def detach() -> None:
    bpy.app.translations.unregister(__name__)
