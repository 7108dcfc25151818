"""Build a head from a reconstruction on disk. Quick, repeatable, undoable; needs no engine."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

from ..ml.errors import HeadError, UsageError
from ..ml.results.files import JSON_NAME, NPZ_NAME, PERSON_NAME
from ..ml.results.person import doubts_in, read_person
from ..ml.results.provenance import current_model, is_current
from ..ml.results.reconstruction import Reconstruction
from ..ml.results.record import with_sculpt
from ..ml.results.sculpt import Sculpt
from .heads import locate, make_active, poll_mesh_edit, stored_head
from .reporting import ReportsErrors
from .runtime import RELATIVE, path_of, results_folder
from .scene.collection import build_head, rebuild_head, set_render_size
from .scene.metadata import active_head, directory_of, record_doubts, record_of
from .scene.rebuild import additions, keeps_additions
from .scene.sculpt import captured_sculpt, has_topology, only_transformed, stored_sculpt
from .translations import CONTEXT, tr

_CHOOSE = f"Choose the {JSON_NAME} or {PERSON_NAME} of a result, or its folder"


class _Builds(ReportsErrors):
    """Mixin: builds the head of a reconstruction."""

    directory: bpy.props.StringProperty(
        name="Reconstruction",
        description="Folder with reconstruction.json and reconstruction.npz, or with person.json",
        subtype="DIR_PATH",
        options=RELATIVE,
        translation_context=CONTEXT,
    )
    collection: bpy.props.StringProperty(
        name="Collection",
        description="Collection for the head, made if there is none; empty: the scene's own",
        translation_context=CONTEXT,
    )
    match_render: bpy.props.BoolProperty(
        name="Match render size",
        description="Set the scene's render size to the photo's",
        translation_context=CONTEXT,
    )
    select: bpy.props.BoolProperty(
        name="Select",
        description="Select the head alone, and make it active",
        default=True,
        translation_context=CONTEXT,
    )

    def folder(self) -> Path:
        """The folder of the reconstruction. Raises UsageError."""
        return path_of(self.directory)

    def run(self, context):
        folder = self.folder()
        doubts = doubts_in(folder)
        # A folder of several photos of one person holds a head for each: one is built.
        directory, head, others = read_person(folder)
        if self.match_render:
            set_render_size(context.scene, head.provenance.width, head.provenance.height)
        parent = _parent(context, self.collection)
        obj = build_head(context.scene, context.view_layer, parent, head, directory, others)
        record_doubts(obj, doubts)
        if self.select:
            make_active(context, obj)
        if context.scene.camera is None:
            context.scene.camera = obj["effigy_camera"]
        if is_current(head.provenance):
            self.report({"INFO"}, f"Built {obj.name}")
        else:
            self.report({"WARNING"}, _built_of_old(head, obj.name))
        return {"FINISHED"}


class EFFIGY_OT_build(_Builds, bpy.types.Operator):
    """Build the head of a reconstruction that was made before, here or by the command line"""

    bl_idname = "effigy.build"
    bl_label = "Open reconstruction"
    bl_options = {"REGISTER", "UNDO"}

    # The file browser and a drop set both paths; this one says what was chosen.
    filepath: bpy.props.StringProperty(
        name="File",
        description="The reconstruction.json or person.json of a result, or its folder",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"} | RELATIVE,
        translation_context=CONTEXT,
    )
    directory: bpy.props.StringProperty(
        name="Reconstruction",
        description="Folder with reconstruction.json and reconstruction.npz, or with person.json",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"} | RELATIVE,
        translation_context=CONTEXT,
    )
    filter_glob: bpy.props.StringProperty(
        default=f"{JSON_NAME};{PERSON_NAME}", options={"HIDDEN", "SKIP_SAVE"}
    )
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context, event):
        if self.filepath or self.directory:  # dropped
            return self.execute(context)
        return self.guarded(lambda: self._browse(context))

    def folder(self):
        chosen = self.filepath or self.directory
        if not chosen:
            raise UsageError("No reconstruction was chosen", _CHOOSE)
        path = path_of(chosen)
        if path.is_dir():
            return path
        if path.name not in (JSON_NAME, NPZ_NAME, PERSON_NAME):
            raise UsageError(f"{path} is not a reconstruction of Effigy", _CHOOSE)
        return path.parent

    def _browse(self, context):
        folder = results_folder(context)
        if folder.is_dir():
            self.filepath = f"{folder}{os.sep}"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}


class EFFIGY_FH_reconstruction(bpy.types.FileHandler):
    """Drop a reconstruction.json or person.json on the 3D View or its sidebar"""

    bl_idname = "EFFIGY_FH_reconstruction"
    bl_label = "Effigy: reconstruction"
    bl_import_operator = "effigy.build"
    bl_file_extensions = Path(JSON_NAME).suffix

    @classmethod
    def poll_drop(cls, context):
        return context.area is not None and context.area.type == "VIEW_3D"


class EFFIGY_OT_build_first(_Builds, bpy.types.Operator):
    """Build the first of several heads"""

    bl_idname = "effigy.build_first"
    bl_label = "Effigy heads"
    bl_options = {"INTERNAL", "UNDO"}


class EFFIGY_OT_build_next(_Builds, bpy.types.Operator):
    """Build another of several heads: in the same undo step, if nothing was done since"""

    bl_idname = "effigy.build_next"
    bl_label = "Build next head"
    bl_options = {"INTERNAL", "UNDO_GROUPED"}
    bl_undo_group = EFFIGY_OT_build_first.bl_label


class EFFIGY_OT_rebuild(ReportsErrors, bpy.types.Operator):
    """Make the mesh, shape keys and materials again as the photo gave them. Edits to them are lost; animation stays, and so do what you sculpted on the Basis, and your own keys, groups, UV maps and materials"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.rebuild"
    bl_label = "Rebuild head"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        return poll_mesh_edit(cls, context)

    def invoke(self, context, event):
        return self.guarded(lambda: self._ask(context, event))

    def _ask(self, context, event):
        obj = active_head(context)
        lost = _lost(obj, stored_head(obj))
        if not lost:
            return self.execute(context)
        return context.window_manager.invoke_confirm(
            self,
            event,
            title=f"The mesh of {obj.name} has other vertices now",
            message=f"Rebuilding removes your edits and {', '.join(lost)}",
            confirm_text=tr("Rebuild"),
        )

    def run(self, context):
        obj = active_head(context)
        head = stored_head(obj)
        lost = _lost(obj, head)
        sculpt, unkept = _sculpt(obj, head)
        head = with_sculpt(head, sculpt)
        directory = locate(obj) if head.state is not None else None
        missing = rebuild_head(obj, head, directory)
        done = f"Rebuilt {obj.name}" + (" from this file alone" if directory is None else "")
        without = lost + missing + (["what was sculpted on it last"] if unkept else [])
        if without:
            why = (_remedy(obj) if missing else "") + (f". {unkept}" if unkept else "")
            self.report({"WARNING"}, f"{done}, without {', '.join(without)}{why}")
        else:
            self.report({"INFO"}, done)
        return {"FINISHED"}


def _sculpt(obj: bpy.types.Object, head: Reconstruction) -> tuple[Sculpt | None, str]:
    """What was sculpted on ``obj``; where that cannot be read, what was kept last.

    With it, why more than that was sculpted and is lost; empty where it is not.
    """
    kept = stored_sculpt(obj)
    if not has_topology(obj, head.mesh):
        return kept, ""
    try:
        return captured_sculpt(obj, head), ""
    except HeadError as error:
        # A transform that was applied is undone, as all that was done to the mesh.
        return kept, "" if only_transformed(obj, with_sculpt(head, kept)) else error.message


def _lost(obj: bpy.types.Object, head: Reconstruction) -> list[str]:
    """What of the person's own rebuilding would remove, in words."""
    return [] if keeps_additions(obj, head.mesh) else additions(obj, head.mesh)


def _remedy(obj: bpy.types.Object) -> str:
    """What to do where neither the file nor a result has a part of the head, as a sentence."""
    return (
        f". Bring back the result that lay in {directory_of(obj)}, or reconstruct "
        f"{record_of(obj)['photo']['name']} again"
    )


def _built_of_old(head: Reconstruction, name: str) -> str:
    origin = head.provenance
    return (
        f"Built {name} as it was saved, by {origin.model_id} {origin.model_version}. This "
        f"Effigy has {' '.join(current_model())}: to rig, rebuild or convert it, reconstruct the "
        f"photo again"
    )


def _parent(context: bpy.types.Context, name: str) -> bpy.types.Collection:
    if not name:
        return context.scene.collection
    found = context.scene.collection.children.get(name)
    # What lies in another file takes no new children.
    if found is None or found.library is not None or found.override_library is not None:
        found = bpy.data.collections.new(name)
        context.scene.collection.children.link(found)
    return found


CLASSES = (
    EFFIGY_OT_build,
    EFFIGY_OT_build_first,
    EFFIGY_OT_build_next,
    EFFIGY_OT_rebuild,
    EFFIGY_FH_reconstruction,
)
