"""One material for a whole head shows what its many materials show."""

import json
import struct

import numpy as np
import pytest


def glb_json(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<I", data[12:16])
    return json.loads(data[20 : 20 + length])


def test_glb_has_one_material_where_wanted(bpy, built_head, tmp_path):
    for name, one in (("many", False), ("one", True)):
        path = str(tmp_path / f"{name}.glb")
        bpy.ops.effigy.export(filepath=path, format="GLB", one_material=one)
    many, one = (glb_json(tmp_path / f"{name}.glb") for name in ("many", "one"))
    assert [len(mesh["primitives"]) for mesh in many["meshes"]] == [len(built_head.data.materials)]
    assert [len(mesh["primitives"]) for mesh in one["meshes"]] == [1]
    assert len(one["materials"]) == 1
    assert [len(held["meshes"][0]["extras"]["targetNames"]) for held in (many, one)] == [52, 52]
    before, after = (looks(bpy, tmp_path / f"{name}.glb") for name in ("many", "one"))
    assert set(before) == set(after)
    for place, look in before.items():
        assert after[place] == pytest.approx(look, abs=0.02), place


def looks(bpy, path):
    """Linear colour, roughness and coat in the middle of every face of a file, by that place."""
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(path))
    obj = next(obj for obj in bpy.data.objects if obj.type == "MESH" and obj.data.shape_keys)
    images = {}
    mesh, matrix = obj.data, np.array(obj.matrix_world)
    uv = np.empty(2 * len(mesh.loops), np.float32)
    mesh.uv_layers[0].uv.foreach_get("vector", uv)
    found = {}
    for face in mesh.polygons:
        shader = next(
            node
            for node in obj.material_slots[face.material_index].material.node_tree.nodes
            if node.type == "BSDF_PRINCIPLED"
        )
        at = uv.reshape(-1, 2)[face.loop_indices].mean(0)
        color = asked(shader.inputs["Base Color"], at, images)
        rough = asked(shader.inputs["Roughness"], at, images)
        coat = asked(shader.inputs["Coat Weight"], at, images)
        middle = matrix[:3, :3] @ np.array(face.center) + matrix[:3, 3]
        found[tuple(np.round(middle, 5))] = [*color[:3], rough[1], coat[0]]
    return found


def asked(socket, at, images):
    """RGBA, linear, of what leads to ``socket``."""
    node = socket.links[0].from_node if socket.links else None
    while node is not None and node.type != "TEX_IMAGE":
        node = next(each for each in node.inputs if each.links).links[0].from_node
    if node is None:
        value = socket.default_value
        return tuple(value) if socket.type == "RGBA" else (value,) * 4
    image = node.image
    if image.name not in images:
        flat = np.empty(image.size[0] * image.size[1] * 4, np.float32)
        image.pixels.foreach_get(flat)
        pixels = flat.reshape(image.size[1], image.size[0], 4)
        if image.colorspace_settings.name == "sRGB":
            low = pixels <= 0.04045
            pixels = np.where(low, pixels / 12.92, ((pixels + 0.055) / 1.055) ** 2.4)
        images[image.name] = pixels
    pixels = images[image.name]
    row, column = (int(v * size) for v, size in zip(at[::-1], pixels.shape[:2], strict=True))
    return pixels[row, column]
