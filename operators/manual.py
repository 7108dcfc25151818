"""The manual: at the website that the manifest names, else the copy that ships with the extension.

F1 over a button or setting of Effigy opens its page.
"""

from __future__ import annotations

import bpy

from ..ml.version import website
from .runtime import ROOT

# Pages by what F1 is pressed over, in Blender's form; the first that fits counts.
PAGES = (
    ("bpy.ops.effigy.reconstruct*", "manual/first_head.html"),
    ("bpy.ops.effigy.build*", "manual/first_head.html#open-it-again"),
    ("bpy.ops.effigy.add_head*", "manual/first_head.html#without-a-photo"),
    ("bpy.ops.effigy.photo_view*", "manual/first_head.html#look-through-the-photos-camera"),
    ("bpy.ops.effigy.rebuild*", "manual/first_head.html#make-it-anew"),
    ("bpy.ops.effigy.refit*", "manual/edit.html"),
    ("bpy.ops.effigy.*sculpt*", "manual/edit.html"),
    ("bpy.ops.effigy.change*", "manual/edit.html#change-the-mesh"),
    ("bpy.ops.effigy.batch*", "manual/several_photos.html"),
    ("bpy.ops.effigy.*pin*", "manual/pins.html"),
    ("bpy.ops.effigy.*_shape*", "manual/shape.html"),
    ("bpy.ops.effigy.mix_heads*", "manual/shape.html"),
    ("bpy.types.effigy_pg_shape.*", "manual/shape.html"),
    ("bpy.ops.effigy.live*", "manual/performance.html#live"),
    ("bpy.ops.effigy.wrap*", "manual/wrapping.html"),
    ("bpy.ops.effigy.*mark_point*", "manual/wrapping.html#mark-points"),
    ("bpy.ops.effigy.*_marks*", "manual/wrapping.html#mark-points"),
    ("bpy.ops.effigy.add_visemes*", "manual/speech.html#visemes"),
    ("bpy.ops.effigy.import_speech*", "manual/speech.html#lip-sync"),
    ("bpy.ops.effigy.*anim*", "manual/video.html"),
    ("bpy.ops.effigy.*_performance*", "manual/performance.html"),
    ("bpy.ops.effigy.expression*", "manual/animation.html"),
    ("bpy.ops.effigy.*_hair*", "manual/hair.html"),
    ("bpy.ops.effigy.bone_names*", "manual/animation.html#names-of-bones"),
    ("bpy.ops.effigy.*board*", "manual/board.html"),
    ("bpy.ops.effigy.rig*", "manual/animation.html#the-rig"),
    ("bpy.ops.effigy.export*", "manual/export.html"),
    ("bpy.ops.effigy.bake*", "manual/skin.html#maps"),
    ("bpy.ops.effigy.mark_asset*", "manual/export.html#the-asset-browser"),
    ("bpy.ops.effigy.note_consent*", "manual/consent.html"),
    ("bpy.ops.effigy.*_engine*", "manual/install.html#the-engine"),
    ("bpy.types.effigy_ap_preferences.*", "manual/install.html#preferences"),
    ("bpy.types.effigy_pg_settings.*", "manual/first_head.html#settings"),
    ("bpy.ops.effigy.*", "index.html"),
    ("bpy.types.effigy_*", "index.html"),
)


def manual_url(page: str = "index.html") -> str:
    """Where a page of the manual is; empty where there is neither a website nor a copy."""
    base = _base()
    return base + page if base else ""


def _base() -> str:
    if website():
        return website().rstrip("/") + "/"
    folder = ROOT / "manual"  # made by make docs
    return f"{folder.as_uri()}/" if (folder / "index.html").is_file() else ""


def _pages() -> tuple[str, tuple[tuple[str, str], ...]]:
    """For Blender, which calls it at each F1."""
    base = _base()
    return base, PAGES if base else ()


def attach() -> None:
    bpy.utils.register_manual_map(_pages)


def detach() -> None:
    bpy.utils.unregister_manual_map(_pages)
