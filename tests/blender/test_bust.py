"""Heads whose bust is open below: as whole as others, and ended by the loop that joins a body."""

import numpy as np
import pytest

from ml.head.arkit import EXPRESSION_NAMES
from ml.results.nobody import average_head
from ml.results.reconstruction import load_reconstruction, read_about
from ml.settings import LEVELS
from tests.support.model_head import write_model_head


def open_edges(obj):
    """Vertices of edges that one face has, by number."""
    found = {}
    for polygon in obj.data.polygons:
        for edge in polygon.edge_keys:
            found[edge] = found.get(edge, 0) + 1
    return {vertex for edge, uses in found.items() if uses == 1 for vertex in edge}


def members(obj, name):
    group = obj.vertex_groups[name].index
    return {v.index for v in obj.data.vertices if group in {entry.group for entry in v.groups}}


@pytest.mark.parametrize("level", LEVELS)
def test_the_neck_loop_ends_an_open_bust(bpy, level):
    bpy.ops.effigy.add_head(level=level, bust=False)
    obj = bpy.context.object
    loop = members(obj, "neck_loop")
    bpy.ops.effigy.add_head(level=level)
    closed = bpy.context.object
    assert "bust" not in obj.vertex_groups
    assert len(loop) == len(members(closed, "neck_loop")) > 20
    assert loop <= open_edges(obj)
    assert not members(closed, "neck_loop") & open_edges(closed)
    assert len(obj.data.polygons) < len(closed.data.polygons)


def test_an_open_bust_is_rigged_exported_and_rebuilt(bpy, tmp_path):
    bpy.ops.effigy.add_head(level="low", bust=False)
    obj = bpy.context.object
    count = len(average_head("low-open").mesh.vertices)
    assert len(obj.data.vertices) == count
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}
    assert len(obj.data.vertices) == count
    bpy.ops.effigy.rig()
    assert obj.parent.type == "ARMATURE"
    target = tmp_path / "open.glb"
    assert bpy.ops.effigy.export(filepath=str(target)) == {"FINISHED"}
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(target))
    (mesh,) = (each for each in bpy.data.objects if each.type == "MESH" and each.data.shape_keys)
    keys = mesh.data.shape_keys.key_blocks
    assert set(EXPRESSION_NAMES) <= {key.name for key in keys}
    triangles = sum(len(each.vertices) - 2 for each in mesh.data.polygons)
    # The importer drops triangles without an area.
    assert triangles == pytest.approx(2 * len(average_head("low-open").mesh.quads), abs=4)


def test_the_bust_of_a_built_head_is_opened_and_closed_again(bpy, tmp_path):
    write_model_head(tmp_path / "Ada")
    bpy.ops.effigy.build(directory=str(tmp_path / "Ada"))
    obj = bpy.context.object
    key = obj.data.shape_keys.key_blocks["jawOpen"]
    before = [vertex.co.copy() for vertex in obj.data.vertices]
    assert bpy.ops.effigy.change_level(level="base", bust=False) == {"FINISHED"}
    few = len(obj.data.vertices)
    assert few < len(before)
    folder = tmp_path / "Ada edited"
    assert read_about(folder)["level"] == "base-open"
    assert read_about(folder)["settings"]["bust"] is False
    assert len(load_reconstruction(folder).mesh.vertices) == few
    # What gives a level alone leaves the bust as it is.
    bpy.ops.effigy.change_level(level="low")
    assert "bust" not in obj.vertex_groups
    bpy.ops.effigy.change_level(level="base", bust=True)
    assert len(obj.data.vertices) == len(before)
    assert obj.data.shape_keys.key_blocks["jawOpen"] == key
    after = np.array([vertex.co for vertex in obj.data.vertices])
    np.testing.assert_allclose(after, np.array(before), atol=2e-5)
