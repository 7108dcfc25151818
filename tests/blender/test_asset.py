"""Heads in the Asset Browser: marked, pictured, catalogued."""

import numpy as np
import pytest

HEADER = "# This is an Asset Catalog Definition file for Blender."


def picture(asset):
    """(S, S, 4) of the preview."""
    flat = np.array(asset.preview.image_pixels_float[:], np.float32)
    return flat.reshape(*asset.preview.image_size, 4)


def entries(folder):
    lines = (folder / "blender_assets.cats.txt").read_text().splitlines()
    return [line for line in lines if line.count(":") == 2]


@pytest.mark.parametrize("moved", [False, True])
def test_a_head_is_marked_with_its_picture(bpy, built_head, moved):
    if moved:
        built_head.location, built_head.rotation_euler = (30, -20, 5), (0.4, 1.2, 2.5)
        built_head.scale = (40, 40, 40)
        bpy.context.view_layer.update()
    scenes, cameras = len(bpy.data.scenes), len(bpy.data.cameras)
    assert bpy.ops.effigy.mark_asset() == {"FINISHED"}
    assert "head" in built_head.asset_data.tags
    shown = picture(built_head)[..., 3] > 0.5
    assert 0.2 < shown.mean() < 0.9
    # All of it: nothing touches the border, and it is in the middle.
    assert not any(edge.any() for edge in (shown[0], shown[-1], shown[:, 0], shown[:, -1]))
    rows, columns = np.nonzero(shown)
    assert np.array([rows.mean(), columns.mean()]) == pytest.approx((128, 128), abs=16)
    assert np.ptp(picture(built_head)[shown][:, :3], axis=0).max() > 0.1
    assert (len(bpy.data.scenes), len(bpy.data.cameras)) == (scenes, cameras)
    assert [scene.name for scene in built_head.users_scene] == [bpy.context.scene.name]


def test_a_rigged_head_is_marked_with_its_rig(bpy, rigged):
    bpy.context.view_layer.objects.active = rigged.rig
    assert bpy.ops.effigy.mark_asset() == {"FINISHED"}
    (collection,) = rigged.obj.users_collection
    assert rigged.rig.name in collection.objects
    assert collection.asset_data is not None
    assert rigged.obj.asset_data is None
    assert (picture(collection)[..., 3] > 0.5).mean() > 0.2


def test_the_catalogue_stands_beside_the_file_once_it_is_saved(bpy, built_head, module, tmp_path):
    bpy.ops.effigy.mark_asset()
    assert list(tmp_path.glob("*.cats.txt")) == []
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    found = entries(tmp_path)
    assert found == [f"{built_head.asset_data.catalog_id}:Effigy heads:Effigy heads"]
    bpy.ops.effigy.mark_asset()
    bpy.ops.wm.save_mainfile()
    assert entries(tmp_path) == found


def test_catalogues_of_the_library_are_kept(bpy, built_head, tmp_path):
    library = tmp_path / "library"
    (library / "people").mkdir(parents=True)
    other = "1ab91ec4-9ad1-4e3d-a5ac-4d6c5a9e28c8:Trees:Trees"
    (library / "blender_assets.cats.txt").write_text(f"{HEADER}\n\nVERSION 1\n\n{other}")
    added = bpy.context.preferences.filepaths.asset_libraries.new(directory=str(library))
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(library / "people/a.blend"))
        bpy.ops.effigy.mark_asset()
    finally:
        bpy.context.preferences.filepaths.asset_libraries.remove(added)
    assert not (library / "people/blender_assets.cats.txt").exists()
    assert entries(library)[0] == other
    assert len(entries(library)) == 2


def test_files_without_such_assets_get_no_catalogue(bpy, built_head, tmp_path):
    built_head.asset_mark()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    assert list(tmp_path.glob("*.cats.txt")) == []


def test_a_head_of_another_file_says_where_to_mark_it(bpy, built_head, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    name = built_head.name
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "a.blend"), link=True) as (_, there):
        there.objects = [name]
    bpy.context.scene.collection.objects.link(bpy.data.objects[name])
    bpy.context.view_layer.objects.active = bpy.data.objects[name]
    assert not bpy.ops.effigy.mark_asset.poll()
