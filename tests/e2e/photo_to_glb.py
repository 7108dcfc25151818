"""photo_to_glb.py PHOTO OUT: photo to head to .blend and .glb; prints their facts as JSON."""

import json
import sys
from pathlib import Path

import bpy
import numpy as np

photo, out = sys.argv[1], Path(sys.argv[2])


def positions(points):
    flat = np.empty(3 * len(points), np.float32)
    points.foreach_get("co", flat)
    return flat.reshape(-1, 3)


bpy.ops.wm.read_homefile(use_empty=True)
bpy.ops.effigy.reconstruct(filepath=photo, output=str(out))
head = bpy.context.object
keys = head.data.shape_keys.key_blocks
archive = np.load(out / "reconstruction.npz")
rest = positions(keys["Basis"].points)[:, [0, 2, 1]] * [1, 1, -1]
np.save(out / "rest.npy", rest)
facts = {
    "identity": list(head["effigy"]["identity"]),
    "photo": head["effigy"]["photo"]["name"],
    "keys": [key.name for key in keys],
    "values": {key.name: key.value for key in keys},
    "error": float(np.abs(rest - archive["vertices"]).max()),
    "module": type(bpy.context.scene.effigy).__module__,
}
bpy.ops.wm.save_as_mainfile(filepath=str(out / "head.blend"))
bpy.ops.effigy.export(filepath=str(out / "head.glb"), format="GLB")
before = np.ptp(positions(head.data.vertices), axis=0).tolist()
bpy.ops.wm.read_homefile(use_empty=True)
bpy.ops.import_scene.gltf(filepath=str(out / "head.glb"))
again = next(obj for obj in bpy.data.objects if obj.type == "MESH")
facts["glb_keys"] = [key.name for key in again.data.shape_keys.key_blocks]
size = np.ptp(positions(again.data.vertices) @ np.array(again.matrix_world.to_3x3()).T, axis=0)
facts["glb_size_error"] = float(np.abs(size - before).max())
facts["size"] = before
print(json.dumps(facts))
