"""Exported files, read back into Blender."""


def read_back(bpy, path):
    """The head of a file, read into an empty scene, and its armature if there is one."""
    bpy.ops.wm.read_homefile(use_empty=True)
    readers = {
        ".fbx": bpy.ops.import_scene.fbx,
        ".glb": bpy.ops.import_scene.gltf,
        ".usdc": bpy.ops.wm.usd_import,
        ".usdz": bpy.ops.wm.usd_import,
    }
    readers[path.suffix](filepath=str(path))
    rig = next((obj for obj in bpy.data.objects if obj.type == "ARMATURE"), None)
    head = next(obj for obj in bpy.data.objects if obj.type == "MESH" and obj.data.shape_keys)
    return head, rig
