"""Buttons that open the manual and the website."""

from __future__ import annotations

import bpy

from ..ml.version import website
from ..operators.manual import manual_url
from ..operators.translations import CONTEXT


def draw_links(layout: bpy.types.UILayout, *, labels: bool = True) -> None:
    """Draw a button for each that there is; ``labels``: with its name beside the icon."""
    row = layout.row(align=True)
    row.emboss = "NORMAL" if labels else "NONE"
    for text, icon, url in (("Manual", "HELP", manual_url()), ("Website", "URL", website())):
        if url:
            shown = text if labels else ""
            row.operator("wm.url_open", text=shown, text_ctxt=CONTEXT, icon=icon).url = url
