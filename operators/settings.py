"""Settings kept in the scene, and the state of the running job."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)


class EFFIGY_PG_settings(bpy.types.PropertyGroup):
    """How photos are reconstructed; saved with the scene."""

    photo: StringProperty(
        name="Photo", description="A portrait photo: the face large and sharp", subtype="FILE_PATH"
    )
    photo_folder: StringProperty(
        name="Folder", description="A folder of portrait photos", subtype="DIR_PATH"
    )
    recursive: BoolProperty(
        name="Include subfolders", description="Also reconstruct photos in folders below"
    )
    same_person: BoolProperty(
        name="Same person",
        description="Several photos show one person: one head, with a camera and an expression "
        "for each photo",
    )
    output: StringProperty(
        name="Results",
        description="Where reconstructions are kept; empty: in Effigy's own folder",
        subtype="DIR_PATH",
    )
    face: EnumProperty(
        name="Face",
        description="Which face, where the photo shows several",
        items=(
            ("PROMINENT", "Most prominent", "The largest, most central face"),
            ("ALL", "All", "One head for every face"),
            ("NUMBER", "By number", "Counted from the most prominent"),
        ),
    )
    face_number: IntProperty(
        name="Number", description="1 is the most prominent face", default=1, min=1, soft_max=10
    )
    landmarks: EnumProperty(
        name="Landmarks",
        description="What finds the face and its landmarks",
        items=(
            ("effigy", "Effigy", "The built-in network; works offline"),
            ("face-alignment", "face-alignment", "Needs its own weight files on this machine"),
        ),
    )
    allow_download: BoolProperty(
        name="Allow download",
        description="Let face-alignment fetch its weight files (about 190 MB) once",
    )
    texture_size: EnumProperty(
        name="Texture",
        description="Side of the skin texture in pixels",
        items=(
            ("0", "None", "Plain colours, no texture"),
            ("512", "512", "Quick preview"),
            ("1024", "1024", "Good for most photos"),
            ("2048", "2048", "For large, sharp photos"),
        ),
        default="1024",
    )
    level: EnumProperty(
        name="Mesh",
        description="How fine the mesh is; shape, expressions and texture are the same",
        items=(
            ("low", "Low", "About half as many faces: games and crowds"),
            ("base", "Base", "About 12,000 faces: animation and sculpting"),
            ("high", "High", "Four faces for each of the base's: close-ups and rendering"),
        ),
        default="base",
    )
    detail: EnumProperty(
        name="Detail",
        description="Folds and lumps that the head's shape alone does not have",
        items=(
            ("off", "Off", "The smooth head"),
            ("fast", "Fast", "In one look: a fraction of a second more"),
            ("best", "Best", "Polished against the photo: some seconds more"),
        ),
        default="off",
    )
    match_render: BoolProperty(
        name="Match render size",
        description="Set the scene's render size to the photo's, so that both overlay exactly",
    )

    def as_request(self) -> dict[str, Any]:
        """The settings as the engine takes them."""
        faces = {"PROMINENT": "prominent", "ALL": "all", "NUMBER": str(self.face_number)}
        return {
            "face": faces[self.face],
            "landmarks": self.landmarks,
            "allow_download": self.allow_download,
            "texture_size": int(self.texture_size),
            "level": self.level,
            "detail": self.detail,
        }


class EFFIGY_PG_job(bpy.types.PropertyGroup):
    """What the panel shows of the running job. Lives with the window, never in a file."""

    running: BoolProperty()
    cancel_asked: BoolProperty()
    fraction: FloatProperty(min=0.0, max=1.0)
    message: StringProperty()

    def begin(self) -> None:
        self.running, self.cancel_asked = True, False
        self.show(0.0, "")

    def show(self, fraction: float, message: str) -> None:
        self.fraction, self.message = fraction, message

    def end(self) -> None:
        self.running = self.cancel_asked = False


CLASSES = (EFFIGY_PG_settings, EFFIGY_PG_job)


def attach() -> None:
    bpy.types.Scene.effigy = PointerProperty(type=EFFIGY_PG_settings)
    bpy.types.WindowManager.effigy_job = PointerProperty(type=EFFIGY_PG_job)


def detach() -> None:
    # The values outlive the property: a job cut off by disabling must not look busy for ever.
    for manager in bpy.data.window_managers:
        manager.effigy_job.end()
    del bpy.types.WindowManager.effigy_job
    del bpy.types.Scene.effigy
