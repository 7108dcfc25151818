"""Files for one program: an export's copies named as it wants, and a JSON file that says so."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import bpy

from ..ml.errors import HeadError
from ..ml.speech.sets import SETS
from ..ml.version import effigy_version
from .export_formats import WRITERS
from .export_profiles import BODY, PROFILES, VRM_EXPRESSIONS, Profile
from .heads import stored_head
from .scene.animation import frames_per_second
from .scene.bone_names import bone_names
from .scene.export_copy import ExportCopy, add_root_bone, portable_bones
from .scene.profile_copy import add_body, add_levels, limit_influences, name_keys, settle_detail
from .scene.sculpt import take_sculpt
from .scene.vrm import make_vrm


def add_profile_levels(copy: ExportCopy, profile: Profile, cleanup: ExitStack) -> None:
    """Add the head's other meshes to ``copy``, which is at rest. Raises HeadError."""
    if not profile.lod:
        raise HeadError(
            f"A file for {profile.label} holds one mesh alone", "Leave Levels of detail out"
        )
    head = take_sculpt(copy.head, stored_head(copy.head))
    add_levels(copy, head, profile.lod, cleanup)


def adapt_to_profile(copy: ExportCopy, profile: Profile, cleanup: ExitStack) -> None:
    """Name and order keys and bones of ``copy`` as ``profile`` wants them. Raises HeadError."""
    rig = copy.rig
    if profile.humanoid and rig is None:
        raise HeadError(
            f"{copy.head.name} has no bones, which a file for {profile.label} needs",
            "Add the rig first",
        )
    for mesh in [*copy.meshes, *copy.cards]:
        settle_detail(mesh)
        if mesh.data.shape_keys is not None:
            name_keys(mesh, profile.keys, cleanup)
        if rig is not None:
            bones = [bone.name for bone in rig.data.bones if bone.use_deform]
            limit_influences(mesh, bones, profile.influences)
    if profile.humanoid:
        add_body(rig, BODY)
    elif rig is not None:
        add_root_bone(rig)
    if rig is not None:
        cleanup.enter_context(portable_bones(rig, _bones(rig, profile)))


def _bones(rig: bpy.types.Object, profile: Profile) -> dict[str, str]:
    """What ``profile`` calls bones, by their names in ``rig``; nothing where it does not care."""
    if not profile.bones:
        return {}
    ours = {today: profile.bones.get(name, name) for name, today in bone_names(rig).items()}
    root = {"root": profile.bones["root"]} if "root" in profile.bones else {}
    return ours | root


def write_profile(
    path: Path, profile: Profile, copy: ExportCopy, frames: tuple[int, int] | None
) -> None:
    """Write ``copy``, which is selected, and beside it what the file holds. Raises HeadError.

    frames: first and last of the animation; None: without.
    """
    writer, about = WRITERS[profile.format], _about(path, profile, copy, frames)
    if profile.humanoid:
        plain = path.with_name(f"{path.name}{writer.suffix}")
        try:
            writer.write(plain, frames)
            expressions = {**VRM_EXPRESSIONS, **SETS["VRM"].shapes}
            known = {*BODY, *profile.bones.values()}
            bones = {bone.name: bone.name for bone in copy.rig.data.bones if bone.name in known}
            make_vrm(plain, copy.head.name, expressions, bones)
            plain.replace(path)
        finally:
            plain.unlink(missing_ok=True)
        about["expressions"] = list(expressions)
    else:
        writer.write(path, frames, profile.options)
    text = json.dumps(about, indent=1, ensure_ascii=False)
    path.with_name(f"{path.name}.json").write_text(text + "\n", encoding="utf-8")


def _about(
    path: Path, profile: Profile, copy: ExportCopy, frames: tuple[int, int] | None
) -> dict[str, Any]:
    """What is in the file, for people and scripts."""
    rig = copy.rig
    about: dict[str, Any] = {
        "file": path.name,
        "profile": next(name for name, each in PROFILES.items() if each is profile),
        "made_by": f"Effigy {effigy_version()}",
        "unit": "metre",
        "up": "Y",
        "forward": "Z",
        "meshes": [_mesh(each) for each in (*copy.meshes, *copy.cards)],
        "shape_keys": _key_names(copy, profile),
        "max_influences": profile.influences,
        "maps": _maps(copy.head),
        "packing": profile.packing,
        "normal_map": "directx" if profile.packing == "UNREAL" else "opengl",
    }
    if rig is not None:
        parents = {bone.name: bone.parent for bone in rig.data.bones if bone.use_deform}
        about["bones"] = {name: each.name if each else None for name, each in parents.items()}
    if frames is not None:
        rate = frames_per_second(bpy.context.scene)
        about["animation"] = {"start": frames[0], "end": frames[1], "fps": rate}
    return about


def _mesh(obj: bpy.types.Object) -> dict[str, Any]:
    mesh = obj.data
    return {"name": obj.name, "vertices": len(mesh.vertices), "faces": len(mesh.polygons)}


def _key_names(copy: ExportCopy, profile: Profile) -> dict[str, str]:
    """The file's shape keys in order, with Effigy's names."""
    ours = {new: old for old, new in profile.keys.items()}
    names = [key.name for key in copy.head.data.shape_keys.key_blocks[1:]]
    return {name: ours.get(name, name) for name in names}


def _maps(obj: bpy.types.Object) -> dict[str, dict[str, Any]]:
    nodes = obj.data.materials[0].node_tree.nodes
    images = [node.image for node in nodes if node.type == "TEX_IMAGE" and node.image]
    return {
        image.name: {"size": list(image.size), "colour_space": image.colorspace_settings.name}
        for image in images
    }
