"""Hair in exported files: cards that keep to the head's skin, keys and bones."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial import KDTree

from ml.hair.cards import MOST_TRIANGLES
from ml.results.reconstruction import save_reconstruction
from tests.support.model_head import model_head
from tests.support.synthetic_hair import write_hair


@pytest.fixture
def haired(bpy, tmp_path):
    """A head of the model with hair, its expression at rest."""
    directory = tmp_path / "Ada"
    head = model_head(detail=None)
    save_reconstruction(head, directory)
    write_hair(directory, head.mesh)
    bpy.ops.effigy.build(directory=str(directory))
    obj = bpy.context.object
    bpy.ops.effigy.expression(which="NEUTRAL")
    return SimpleNamespace(obj=obj, head=head)


def read(bpy, path):
    """The head and the cards of a file, in an empty scene."""
    bpy.ops.wm.read_homefile(use_empty=True)
    readers = {
        ".fbx": bpy.ops.import_scene.fbx,
        ".glb": bpy.ops.import_scene.gltf,
        ".usdc": bpy.ops.wm.usd_import,
    }
    readers[path.suffix](filepath=str(path))
    meshes = [obj for obj in bpy.data.objects if obj.type == "MESH" and obj.data.polygons]
    cards = [obj for obj in meshes if "hair cards" in obj.name.replace("_", " ")]
    return next(obj for obj in meshes if obj not in cards), cards


def places(bpy, obj):
    """(V, 3) as seen, in the world."""
    bpy.context.view_layer.update()
    seen = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    flat = np.empty(3 * len(seen.data.vertices), np.float32)
    seen.data.vertices.foreach_get("co", flat)
    matrix = np.array(seen.matrix_world)
    return flat.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]


def contents(path):
    """The JSON part of a .glb file."""
    data = path.read_bytes()
    return json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")])


def names(bpy):
    return {
        each.name
        for kind in ("objects", "meshes", "materials", "images", "curves")
        for each in getattr(bpy.data, kind)
    }


@pytest.mark.parametrize("kind", ["GLB", "FBX", "USD"])
def test_files_have_cards_on_the_head(bpy, haired, tmp_path, kind):
    before = names(bpy)
    bpy.ops.effigy.export(filepath=str(tmp_path / "head"), format=kind)
    assert names(bpy) == before
    path = next(path for path in tmp_path.iterdir() if path.name.startswith("head."))
    head, (cards,) = read(bpy, path)
    assert 500 < len(cards.data.polygons) <= MOST_TRIANGLES
    skin, ribbons = places(bpy, head), places(bpy, cards)
    assert KDTree(skin).query(ribbons)[0].max() < 0.05
    assert cards.data.uv_layers
    images = [
        node.image
        for node in cards.data.materials[0].node_tree.nodes
        if node.type == "TEX_IMAGE" and node.image is not None
    ]
    assert images
    assert "jawOpen" in cards.data.shape_keys.key_blocks


def test_hair_in_gltf_is_cut_off_by_alpha_and_seen_from_both_sides(bpy, haired, tmp_path):
    path = tmp_path / "head.glb"
    bpy.ops.effigy.export(filepath=str(path), format="GLB")
    found = contents(path)
    cards = next(mesh for mesh in found["meshes"] if "hair cards" in mesh["name"])
    material = found["materials"][cards["primitives"][0]["material"]]
    assert material["alphaMode"] == "MASK"
    assert material["alphaCutoff"] == pytest.approx(0.4)
    assert material["doubleSided"]
    assert "baseColorTexture" in material["pbrMetallicRoughness"]


def test_no_hair_where_that_is_wanted_or_none_is_shown(bpy, haired, tmp_path):
    bpy.ops.effigy.export(filepath=str(tmp_path / "none.glb"), format="GLB", hair_as="NONE")
    haired.obj["effigy_hair_shown"] = False
    bpy.ops.effigy.export(filepath=str(tmp_path / "hidden.glb"), format="GLB")
    for name in ("none.glb", "hidden.glb"):
        assert len(contents(tmp_path / name)["meshes"]) == 1


@pytest.mark.parametrize("kind", ["GLB", "FBX"])
def test_cards_go_with_bones_and_keys(bpy, haired, tmp_path, kind):
    bpy.ops.effigy.rig(add=True)
    bpy.ops.effigy.export(
        filepath=str(tmp_path / "head"), format=kind, root_bone=True, one_material=True
    )
    path = next(path for path in tmp_path.iterdir() if path.name.startswith("head."))
    head, (cards,) = read(bpy, path)
    rig = next(obj for obj in bpy.data.objects if obj.type == "ARMATURE")
    near = KDTree(places(bpy, head)).query(places(bpy, cards))
    root = near[0] < 0.003
    for each in (head, cards):
        each.data.shape_keys.key_blocks["jawOpen"].value = 1.0
    bone = rig.pose.bones["head"]
    bone.rotation_mode = "XYZ"
    bone.rotation_euler = (0.2, 0.3, 0.1)
    skin, ribbons = places(bpy, head), places(bpy, cards)
    away = np.linalg.norm(ribbons - skin[near[1]], axis=1) - near[0]
    # A ribbon moves as one root of its strands does, beside which the jaw may move by less; the
    # turn itself moves all by centimetres.
    assert np.median(np.abs(away[root])) < 0.001
    assert away[root].max() < 0.008


def test_length_and_colour_reach_the_file(bpy, haired, tmp_path):
    reach = {}
    for length in (0.5, 1.0, 1.5):
        haired.obj["effigy_hair_length"] = length
        haired.obj["effigy_hair_tint"] = (1.0, 0.0, 0.0)
        path = tmp_path / f"{length}.glb"
        bpy.ops.effigy.export(filepath=str(path), format="GLB")
        found = contents(path)
        cards = next(mesh for mesh in found["meshes"] if "hair cards" in mesh["name"])
        box = found["accessors"][cards["primitives"][0]["attributes"]["POSITION"]]
        reach[length] = box["max"][1]
    assert reach[1.0] - reach[0.5] == pytest.approx(0.015, abs=0.005)
    assert reach[1.5] - reach[1.0] == pytest.approx(0.015, abs=0.005)
    _, (cards,) = read(bpy, path)
    node = next(n for n in cards.data.materials[0].node_tree.nodes if n.type == "TEX_IMAGE")
    pixels = np.array(node.image.pixels[:]).reshape(-1, 4)
    drawn = pixels[pixels[:, 3] > 0.9]
    assert drawn[:, 0].mean() > 0.1
    assert drawn[:, 1:3].max() < 0.02
