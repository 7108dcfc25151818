"""Hair as curves on the head: where they come from, and that they stay on the skin."""

from types import SimpleNamespace

import numpy as np
import pytest

from ml.hair.strands import HAIR_NAME
from ml.hair.surface import locate
from ml.results.reconstruction import save_reconstruction
from tests.support.layout import draw
from tests.support.model_head import model_head
from tests.support.synthetic_hair import POINTS, of_kind, write_hair

TENTH_OF_A_MILLIMETRE = 1e-4


@pytest.fixture
def haired(bpy, tmp_path):
    """A head of the model with hair in an otherwise empty file, its expression at rest."""
    directory = tmp_path / "Ada"
    head = model_head(detail=None)  # which would lie on the skin, and hair on it
    save_reconstruction(head, directory)
    strands = write_hair(directory, head.mesh)
    bpy.ops.effigy.build(directory=str(directory))
    obj = bpy.context.object
    bpy.ops.effigy.expression(which="NEUTRAL")
    return SimpleNamespace(obj=obj, strands=strands, directory=directory)


def hair_of(obj):
    return {each["effigy_hair"]: each for each in obj.children if each.type == "CURVES"}


def evaluated(bpy, obj, *, others=False):
    """(N, K, 3) points of the strands of hair as seen, in the world; with those round them, too."""
    bpy.context.view_layer.update()
    seen = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    flat = np.empty(3 * len(seen.data.points), np.float32)
    seen.data.position_data.foreach_get("vector", flat)
    matrix = np.array(seen.matrix_world)
    points = flat.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
    if not len(points):
        return points
    points = points.reshape(len(seen.data.curves), -1, 3)
    return points if others else points[:: len(points) // len(obj.data.curves)]


def on_skin(bpy, obj):
    """(T, 3, 2) UV and (T, 3, 3) corners, in the world, of the skin as it is seen."""
    bpy.context.view_layer.update()
    seen = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh, matrix = seen.data, np.array(seen.matrix_world)
    mesh.calc_loop_triangles()
    loops, vertices = (np.empty(3 * len(mesh.loop_triangles), np.int32) for _ in range(2))
    mesh.loop_triangles.foreach_get("loops", loops)
    mesh.loop_triangles.foreach_get("vertices", vertices)
    uv, places = (np.empty(n, np.float32) for n in (2 * len(mesh.loops), 3 * len(mesh.vertices)))
    mesh.uv_layers["UVMap"].uv.foreach_get("vector", uv)
    mesh.vertices.foreach_get("co", places)
    places = places.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
    return uv.reshape(-1, 2)[loops].reshape(-1, 3, 2), places[vertices].reshape(-1, 3, 3)


def assert_rooted(bpy, obj):
    uv, corners = on_skin(bpy, obj)
    for hair in hair_of(obj).values():
        layer = hair.data.attributes["surface_uv_coordinate"].data
        roots = np.array([item.vector[:] for item in layer])
        away = evaluated(bpy, hair)[:, 0] - locate(roots, uv).of(corners)
        assert np.linalg.norm(away, axis=1).max() <= TENTH_OF_A_MILLIMETRE, hair.name


def test_a_result_with_hair_gives_curves_on_the_head(bpy, haired):
    hair = hair_of(haired.obj)
    assert set(hair) == {"hair", "brows", "beard"}
    for part, each in hair.items():
        assert each.users_collection == haired.obj.users_collection
        assert (each.data.surface, each.data.surface_uv_map) == (haired.obj, "UVMap")
        kind = {"hair": "scalp", "brows": "brow", "beard": "beard"}[part]
        own = of_kind(haired.strands, kind)
        x, y, z = np.moveaxis(haired.strands.points[own], -1, 0)
        wanted = np.stack([x, -z, y], -1)
        away = np.abs(evaluated(bpy, each) - wanted)
        # Blender may split a face along the other diagonal than the one on which a root was put.
        assert np.median(away) <= 1e-6
        assert away.max() <= 1e-3
        radius = np.array([item.value for item in each.data.attributes["radius"].data])
        radius = radius.reshape(-1, POINTS)
        assert np.allclose(2 * radius[:, 0], haired.strands.width[own])
        assert (np.diff(radius, axis=1) < 0).all()
        assert [node.target for node in outputs(each)] == ["CYCLES", "EEVEE"]
    assert_rooted(bpy, haired.obj)


def outputs(hair):
    nodes = hair.data.materials[0].node_tree.nodes
    return [node for node in nodes if node.type == "OUTPUT_MATERIAL"]


def test_a_result_without_hair_gives_none(bpy, built_head):
    assert not hair_of(built_head)
    assert "effigy_hair_shown" not in built_head


def test_damaged_hair_names_its_file_and_leaves_nothing(bpy, saved_head):
    (saved_head.directory / HAIR_NAME).write_bytes(b"no archive")
    with pytest.raises(RuntimeError, match=f"{HAIR_NAME} is damaged"):
        bpy.ops.effigy.build(directory=str(saved_head.directory))
    assert not bpy.data.objects
    assert not bpy.data.meshes


@pytest.mark.parametrize("name", ["jawOpen", "browInnerUp", "cheekPuff"])
def test_roots_follow_expressions(bpy, haired, name):
    before = evaluated(bpy, hair_of(haired.obj)["beard"])
    haired.obj.data.shape_keys.key_blocks[name].value = 1.0
    assert_rooted(bpy, haired.obj)
    if name == "jawOpen":
        moved = np.linalg.norm(evaluated(bpy, hair_of(haired.obj)["beard"]) - before, axis=2)
        assert moved.max() > 0.005


def test_roots_follow_the_rig(bpy, haired):
    bpy.ops.effigy.rig(add=True)
    rig = haired.obj.parent
    before = evaluated(bpy, hair_of(haired.obj)["hair"])
    rig.pose.bones["head"].rotation_euler = (0.3, 0.1, 0.4)
    rig.location = (1, 0, 0)
    assert_rooted(bpy, haired.obj)
    assert np.linalg.norm(evaluated(bpy, hair_of(haired.obj)["hair"]) - before, axis=2).min() > 0.9


def test_roots_follow_a_sculpted_basis(bpy, haired):
    keys = haired.obj.data.shape_keys.key_blocks
    flat = np.empty(3 * len(haired.obj.data.vertices), np.float32)
    for target in (*(key.points for key in keys), haired.obj.data.vertices):
        target.foreach_get("co", flat)
        target.foreach_set("co", flat * np.float32(1.1))
    haired.obj.data.update()
    assert_rooted(bpy, haired.obj)


def test_shown_length_and_colour_follow_the_head(bpy, haired):
    hair = hair_of(haired.obj)
    whole = evaluated(bpy, hair["hair"])

    def seen(**values):
        for name, value in values.items():
            haired.obj[f"effigy_{name}"] = value
        haired.obj.update_tag()
        return evaluated(bpy, hair["hair"])

    def reach(points):
        return np.linalg.norm(np.diff(points, axis=1), axis=2).sum(1)

    for length in (0.0, 0.4, 1.5):
        points = seen(hair_length=length)
        assert np.abs(reach(points) - length * reach(whole)).max() <= 1e-4
        assert np.abs(points[:, 0] - whole[:, 0]).max() <= 1e-6
    assert len(evaluated(bpy, hair["beard"])[0]) == POINTS  # which has a length of its own
    assert len(seen(hair_shown=False)) == 0
    seen(hair_shown=True, hair_length=1.0, hair_tint=(1.0, 0.5, 0.0), hair_lightness=1.0)
    shade = attribute(bpy, hair["hair"], "shade", "color", 4)[:, :3]
    given = attribute(bpy, hair["hair"], "colour", "color", 4)[:, :3]
    assert np.abs(shade - np.sqrt(given) * [1.0, 0.5, 0.0]).max() <= 1e-4


def test_more_strands_are_seen_than_are_edited_and_all_are_rooted(bpy, haired):
    from mathutils import Vector
    from mathutils.bvhtree import BVHTree

    haired.obj.data.shape_keys.key_blocks["jawOpen"].value = 1.0
    _, corners = on_skin(bpy, haired.obj)
    tree = BVHTree.FromPolygons(corners.reshape(-1, 3), np.arange(corners.size // 3).reshape(-1, 3))
    for part, hair in hair_of(haired.obj).items():
        every, count = evaluated(bpy, hair, others=True), {"hair": 3, "brows": 1, "beard": 1}[part]
        assert len(every) == count * len(hair.data.curves)
        away = [tree.find_nearest(Vector(root))[3] for root in every[:, 0]]
        assert max(away) <= TENTH_OF_A_MILLIMETRE
        own = np.repeat(every[::count, 0], count, axis=0)
        apart = np.linalg.norm(every[:, 0] - own, axis=1)
        assert apart.max() < 0.008
        assert count == 1 or (apart > 0.0005).mean() > 0.4


def test_what_is_edited_takes_the_strands_round_it_along(bpy, haired):
    hair = hair_of(haired.obj)["hair"]
    before = evaluated(bpy, hair, others=True)
    flat = np.empty(3 * len(hair.data.points), np.float32)
    hair.data.position_data.foreach_get("vector", flat)
    points = flat.reshape(-1, POINTS, 3)
    points[7, 1:] += [0.0, 0.0, 0.01]  # as a comb does
    hair.data.position_data.foreach_set("vector", points.ravel())
    hair.data.update_tag()
    moved = np.linalg.norm(evaluated(bpy, hair, others=True) - before, axis=2)[:, -1] > 0.009
    assert np.flatnonzero(moved).tolist() == [21, 22, 23]


def test_tools_of_blender_take_the_strands_as_theirs(bpy, haired):
    hair = hair_of(haired.obj)["hair"]
    bpy.context.view_layer.objects.active = hair
    bpy.ops.object.mode_set(mode="SCULPT_CURVES")
    assert hair.mode == "SCULPT_CURVES"
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.curves.select_all(action="SELECT")
    bpy.ops.curves.delete()
    bpy.ops.object.mode_set(mode="OBJECT")
    assert len(hair.data.curves) == 0
    # Attached by their roots, as the tools that need it do.
    beard = hair_of(haired.obj)["beard"]
    rooted = evaluated(bpy, beard)
    bpy.context.view_layer.objects.active = beard
    bpy.ops.curves.snap_curves_to_surface(attach_mode="DEFORM")
    assert np.linalg.norm(evaluated(bpy, beard) - rooted, axis=2).max() < 0.001


def attribute(bpy, hair, name, field, width):
    bpy.context.view_layer.update()
    seen = hair.evaluated_get(bpy.context.evaluated_depsgraph_get())
    flat = np.empty(width * len(seen.data.curves), np.float32)
    seen.data.attributes[name].data.foreach_get(field, flat)
    return flat.reshape(-1, width)


def test_rebuilding_and_restoring_make_strands_anew_and_keep_what_was_set(bpy, haired):
    haired.obj["effigy_hair_length"] = 0.5
    for restore in (bpy.ops.effigy.rebuild, bpy.ops.effigy.restore_hair):
        hair = hair_of(haired.obj)
        hair["hair"].data.position_data.foreach_set(
            "vector", np.zeros(3 * len(hair["hair"].data.points), np.float32)
        )
        restore()
        bpy.ops.effigy.expression(which="NEUTRAL")
        assert_rooted(bpy, haired.obj)
        assert {each.name for each in hair_of(haired.obj).values()} == {
            "Ada hair",
            "Ada brows",
            "Ada beard",
        }
    assert haired.obj["effigy_hair_length"] == 0.5
    assert len(bpy.data.hair_curves) == 3


def test_a_head_without_hair_gets_it_later(bpy, haired):
    bpy.data.batch_remove(list(hair_of(haired.obj).values()))
    bpy.ops.effigy.rebuild()
    assert not hair_of(haired.obj)  # whoever removed it wants none
    bpy.ops.effigy.restore_hair()
    assert set(hair_of(haired.obj)) == {"hair", "brows", "beard"}
    (haired.directory / HAIR_NAME).unlink()
    with pytest.raises(RuntimeError, match=r"There is no hair in .*Ada"):
        bpy.ops.effigy.restore_hair()


def test_another_level_and_shape_keep_hair_on_the_skin(bpy, haired):
    before = evaluated(bpy, hair_of(haired.obj)["hair"])
    haired.obj.effigy_shape.jaw_width = 4.0
    haired.obj.effigy_shape.likeness = 150.0
    assert_rooted(bpy, haired.obj)
    after = evaluated(bpy, hair_of(haired.obj)["hair"])
    assert np.linalg.norm(after - before, axis=2).max() > 0.001
    bpy.ops.effigy.change_level(level="low")
    assert_rooted(bpy, haired.obj)


def test_saved_and_appended_heads_have_their_hair(bpy, haired, tmp_path):
    path = str(tmp_path / "head.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert_rooted(bpy, bpy.data.objects["Ada"])
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(path) as (source, target):
        target.collections = list(source.collections)
    bpy.context.scene.collection.children.link(target.collections[0])
    obj = bpy.data.objects["Ada"]
    assert set(hair_of(obj)) == {"hair", "brows", "beard"}
    obj.data.shape_keys.key_blocks["jawOpen"].value = 1.0
    assert_rooted(bpy, obj)


def test_selecting_hair_is_selecting_its_head(bpy, haired, module):
    active_head = module("operators.scene.metadata").active_head
    bpy.context.view_layer.objects.active = hair_of(haired.obj)["hair"]
    assert active_head(bpy.context) == haired.obj


def test_duplicates_follow_their_own_head(bpy, haired):
    for each in (haired.obj, *hair_of(haired.obj).values()):
        each.select_set(True)
    bpy.ops.object.duplicate()
    twin = next(one for one in bpy.context.selected_objects if one.type == "MESH")
    twin["effigy_hair_shown"] = False
    twin.update_tag()
    assert len(evaluated(bpy, hair_of(twin)["hair"])) == 0
    assert len(evaluated(bpy, hair_of(haired.obj)["hair"])) > 0
    assert hair_of(twin)["hair"].data.surface == twin


def test_the_panel_has_what_the_head_has(bpy, haired, module):
    panel = module("panels.hair").EFFIGY_PT_hair
    assert panel.poll(bpy.context)
    drawn = [entry[1] for entry in draw(panel, bpy.context)]
    names = ("hair_length", "beard_length", "hair_tint", "hair_lightness")
    assert drawn[:-1] == [f'["effigy_{name}"]' for name in names]
    assert draw(panel, bpy.context)[-1][0] == "effigy.restore_hair"
    bpy.data.objects.remove(hair_of(haired.obj)["beard"])
    assert '["effigy_beard_length"]' not in [entry[1] for entry in draw(panel, bpy.context)]
