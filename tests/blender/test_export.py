"""Exported heads come back with the same mesh and keys; what cannot be written says so."""

import cv2
import numpy as np
import pytest

from ml.head.arkit import EXPRESSION_NAMES
from ml.results.reconstruction import load_reconstruction
from tests.support.reading_back import read_back


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


@pytest.mark.parametrize("kind", ["FBX", "USD"])
def test_other_formats_keep_mesh_and_keys(bpy, built_head, saved_head, tmp_path, kind):
    values = {key.name: key.value for key in built_head.data.shape_keys.key_blocks}
    assert max(values.values()) > 1  # beyond the slider's usual range
    bpy.ops.effigy.export(filepath=str(tmp_path / "head"), format=kind)
    written = next(path for path in tmp_path.iterdir() if path.name.startswith("head."))
    obj, _ = read_back(bpy, written)
    assert len(obj.data.vertices) == len(saved_head.head.mesh.vertices)
    bpy.context.scene.frame_set(bpy.context.scene.frame_current)
    keys = obj.data.shape_keys.key_blocks
    for name in EXPRESSION_NAMES:
        limited = min(values[name], keys[name].slider_max)
        assert keys[name].value == pytest.approx(limited, abs=1e-5), name


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
    export = module("operators.export_formats")
    absent = export.Writer(".usdc", "", "wm.no_such_export", {})
    monkeypatch.setitem(export.WRITERS, "USD", absent)
    with pytest.raises(RuntimeError, match=r"cannot write \.usdc files"):
        bpy.ops.effigy.export(filepath=str(tmp_path / "head"), format="USD")


def test_usd_heads_of_one_name_keep_their_own_faces(bpy, saved_head, tmp_path):
    (tmp_path / "usd").mkdir()
    for number in range(2):
        bpy.ops.wm.read_homefile(use_empty=True)
        bpy.context.scene.world = bpy.data.worlds.new("World")
        image = cv2.imread(str(saved_head.directory / "albedo.png"))
        cv2.imwrite(str(saved_head.directory / "albedo.png"), image + np.uint8(9 * number))
        bpy.ops.effigy.build(directory=str(saved_head.directory))
        bpy.ops.effigy.export(filepath=str(tmp_path / f"usd/{number}"), format="USD")
    written = [path for path in (tmp_path / "usd").rglob("*") if path.is_file()]
    textures = [path for path in written if "albedo" in path.name]
    assert len({path.read_bytes() for path in textures}) == len(textures) == 2
    assert not [path for path in written if path.suffix == ".hdr"]


def test_fbx_has_no_scale_of_its_own_and_smooth_faces(bpy, rigged, tmp_path):
    path = tmp_path / "head.fbx"
    bpy.ops.effigy.export(filepath=str(path), format="FBX")
    held = path.read_bytes()
    assert b"LayerElementSmoothing" in held
    from io_scene_fbx import parse_fbx

    scales = [
        tuple(entry.props[4:7])
        for entry in every(parse_fbx.parse(str(path))[0])
        if entry.id == b"P" and entry.props[0] == b"Lcl Scaling"
    ]
    assert all(scale == pytest.approx((1, 1, 1)) for scale in scales)


def every(element):
    yield element
    for child in element.elems:
        yield from every(child)


@pytest.mark.parametrize("rig", [False, True])
@pytest.mark.parametrize("neutral", [False, True])
def test_a_neutral_export_is_the_person_at_rest(bpy, built_head, tmp_path, neutral, rig):
    if rig:
        bpy.ops.effigy.rig()
    keys = built_head.data.shape_keys.key_blocks
    before = [(key.name, key.value, key.slider_max) for key in keys]
    assert any(value for _, value, _ in before)
    bpy.ops.effigy.export(filepath=str(tmp_path / "a.glb"), format="GLB", neutral=neutral)
    assert [(key.name, key.value, key.slider_max) for key in keys] == before
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "a.glb"))
    obj = next(obj for obj in bpy.data.objects if obj.type == "MESH" and obj.data.shape_keys)
    assert any(key.value for key in obj.data.shape_keys.key_blocks) != neutral


@pytest.mark.parametrize(("kind", "suffix"), [("GLB", "glb"), ("FBX", "fbx"), ("USD", "usdc")])
@pytest.mark.parametrize("animation", [False, True])
def test_animation_is_written_when_wanted(bpy, built_head, tmp_path, kind, suffix, animation):
    key = built_head.data.shape_keys.key_blocks["jawOpen"]
    for frame, value in ((1, 0.0), (10, 1.0)):
        key.value = value
        key.keyframe_insert("value", frame=frame)
    bpy.context.scene.frame_end = 12
    path = tmp_path / f"a.{suffix}"
    bpy.ops.effigy.export(filepath=str(path), format=kind, animation=animation)
    read_back(bpy, path)
    assert any(map(varies, bpy.data.actions)) == animation


def varies(action):
    """Whether any of its curves has more than one value: USD holds what stands still, too."""
    strips = [strip for layer in action.layers for strip in layer.strips]
    curves = [curve for strip in strips for bag in strip.channelbags for curve in bag.fcurves]
    return any(np.ptp([point.co.y for point in curve.keyframe_points]) > 1e-6 for curve in curves)
