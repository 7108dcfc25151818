"""Exported heads come back with the same mesh and keys; what cannot be written says so."""

import numpy as np
import pytest

from ml.head.arkit import EXPRESSION_NAMES
from ml.results.reconstruction import load_reconstruction


def test_glb_comes_back_as_it_was(bpy, built_head, saved_head, tmp_path):
    path = tmp_path / "head.glb"
    bpy.ops.mesh.primitive_cube_add(location=(5, 0, 0))
    bpy.context.view_layer.objects.active = built_head
    bpy.ops.effigy.export(filepath=str(path), format="GLB")
    assert [obj.type for obj in bpy.context.selected_objects] == ["MESH"]  # the cube, as before
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(path))
    meshes = [obj for obj in bpy.data.objects if obj.type == "MESH"]
    assert len(meshes) == 1
    _same_head(meshes[0], load_reconstruction(saved_head.directory))


def _same_head(obj, head):
    """Vertices are split at UV seams in the file, so each is looked up in the original."""
    from scipy.spatial import KDTree

    keys = obj.data.shape_keys.key_blocks
    assert {key.name for key in keys} - {"Basis"} == set(EXPRESSION_NAMES)
    rest = _head_space(obj, keys[0])
    distance, which = KDTree(head.mesh.vertices).query(rest)
    assert distance.max() <= 1e-5
    assert set(which) == set(range(len(head.mesh.vertices)))
    for number, name in enumerate(EXPRESSION_NAMES):
        moved = _head_space(obj, keys[name])
        wanted = head.mesh.vertices[which] + head.mesh.shape_keys[number][which]
        assert np.abs(moved - wanted).max() <= 1e-5, name
        limited = min(float(head.coefficients.expression[number]), keys[name].slider_max)
        assert keys[name].value == pytest.approx(limited, abs=1e-5)


def _head_space(obj, key):
    flat = np.empty(3 * len(obj.data.vertices), np.float32)
    key.points.foreach_get("co", flat)
    points = flat.reshape(-1, 3) @ np.array(obj.matrix_world.to_3x3()).T
    return np.stack([points[:, 0], points[:, 2], -points[:, 1]], 1)


@pytest.mark.parametrize(("kind", "importer"), [("FBX", "fbx"), ("USD", "usd")])
def test_other_formats_keep_mesh_and_keys(bpy, built_head, saved_head, tmp_path, kind, importer):
    bpy.ops.effigy.export(filepath=str(tmp_path / "head"), format=kind)
    written = next(path for path in tmp_path.iterdir() if path.name.startswith("head."))
    bpy.ops.wm.read_homefile(use_empty=True)
    if importer == "fbx":
        bpy.ops.import_scene.fbx(filepath=str(written))
    else:
        bpy.ops.wm.usd_import(filepath=str(written))
    obj = next(obj for obj in bpy.data.objects if obj.type == "MESH")
    assert len(obj.data.vertices) == len(saved_head.head.mesh.vertices)
    assert {key.name for key in obj.data.shape_keys.key_blocks} >= set(EXPRESSION_NAMES)


def test_export_refuses_a_hidden_head_and_a_missing_folder(bpy, built_head, tmp_path):
    with pytest.raises(RuntimeError, match="There is no folder"):
        bpy.ops.effigy.export(filepath=str(tmp_path / "no/head.glb"))
    built_head.hide_set(True)
    with pytest.raises(RuntimeError, match="is hidden"):
        bpy.ops.effigy.export(filepath=str(tmp_path / "head.glb"))
    assert not (tmp_path / "head.glb").exists()


def test_export_says_when_this_blender_lacks_a_format(
    bpy, built_head, module, monkeypatch, tmp_path
):
    export = module("operators.export")
    absent = export.Writer(".usdc", "", "wm.no_such_export", {})
    monkeypatch.setitem(export.WRITERS, "USD", absent)
    with pytest.raises(RuntimeError, match=r"cannot write \.usdc files"):
        bpy.ops.effigy.export(filepath=str(tmp_path / "head"), format="USD")
