"""Mark a head as an asset, with a picture and a catalogue."""

from __future__ import annotations

import tempfile
from pathlib import Path

import bpy

from .heads import poll_head, poll_object_mode
from .reporting import ReportsErrors
from .scene.catalogue import CATALOGUE_ID, ensure_catalogue
from .scene.hair import hair_of
from .scene.metadata import active_head, record_of, rig_of
from .scene.portrait import write_portrait


class EFFIGY_OT_mark_asset(ReportsErrors, bpy.types.Operator):
    """Show the head in the Asset Browser, with a picture, in the catalogue Effigy heads. With a rig or hair it is marked as its collection"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.mark_asset"
    bl_label = "Mark as asset"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        if not (poll_head(cls, context) and poll_object_mode(cls, context)):
            return False
        local = active_head(context).library is None
        if not local:
            cls.poll_message_set("This head is in another file: mark it there")
        return local

    def run(self, context):
        obj = active_head(context)
        # An object alone would leave its rig and its hair behind.
        whole = rig_of(obj) is not None or hair_of(obj)
        asset = obj.users_collection[0] if whole else obj
        asset.asset_mark()
        _describe(asset.asset_data, record_of(obj))
        with tempfile.TemporaryDirectory(prefix="effigy-") as folder:
            picture = Path(folder, "preview.png")
            write_portrait(obj, picture)
            with context.temp_override(id=asset):
                bpy.ops.ed.lib_id_load_custom_preview(filepath=str(picture))
        if bpy.data.filepath:
            ensure_catalogue(bpy.data.filepath)
            self.report({"INFO"}, f"{asset.name} is an asset; save the file to keep it")
        else:
            self.report({"INFO"}, f"{asset.name} is an asset; its catalogue is made on saving")
        return {"FINISHED"}


def _describe(data: bpy.types.AssetMetaData, record: dict) -> None:
    data.catalog_id = CATALOGUE_ID
    model = record["model"]
    data.description = f"Head with 52 expressions, {model['id']} {model['version']}"
    for tag in ("head", "Effigy"):
        data.tags.new(tag, skip_if_exists=True)


CLASSES = (EFFIGY_OT_mark_asset,)
