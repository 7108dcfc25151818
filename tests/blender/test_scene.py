"""What a reconstruction becomes in Blender: geometry, keys, materials, camera, record."""

import sys

import numpy as np
import pytest

from ml.head.arkit import EXPRESSION_NAMES
from ml.results.reconstruction import save_reconstruction
from tests.support.synthetic_head import (
    PARTS,
    synthetic_reconstruction,
    without_images,
    without_rig_data,
    write_synthetic,
)


def positions(points):
    """(V, 3) of vertices or key points, in Blender's space."""
    flat = np.empty(3 * len(points), np.float32)
    points.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def to_head_space(vectors):
    """Written out again, so that the product's own function is not its own judge."""
    return np.stack([vectors[:, 0], vectors[:, 2], -vectors[:, 1]], 1)


def evaluated(bpy, obj):
    """(V, 3) with all keys applied, head space."""
    mesh = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    return to_head_space(positions(mesh.vertices))


def test_axes_turn_forward_to_minus_y_and_up_to_z(module):
    axes = module("operators.scene.axes")
    forward, up, left = np.float32([[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    assert axes.to_blender(forward).tolist() == [0, -1, 0]
    assert axes.to_blender(up).tolist() == [0, 0, 1]
    assert axes.to_blender(left).tolist() == [1, 0, 0]


def test_basis_is_the_person_at_rest(built_head, saved_head):
    basis = built_head.data.shape_keys.key_blocks["Basis"]
    found = to_head_space(positions(basis.points))
    assert np.abs(found - saved_head.head.mesh.vertices).max() <= 1e-5
    assert np.array_equal(found, to_head_space(positions(built_head.data.vertices)))


def test_each_key_is_rest_plus_its_delta(built_head, saved_head):
    mesh = saved_head.head.mesh
    for name, delta in zip(mesh.expression_names, mesh.shape_keys, strict=True):
        found = to_head_space(positions(built_head.data.shape_keys.key_blocks[name].points))
        assert np.abs(found - (mesh.vertices + delta)).max() <= 1e-5, name


def test_keys_have_the_arkit_names_and_the_photos_values(built_head, saved_head):
    keys = built_head.data.shape_keys.key_blocks
    assert tuple(key.name for key in keys) == ("Basis", *EXPRESSION_NAMES)
    found = [keys[name].value for name in EXPRESSION_NAMES]
    assert found == pytest.approx(saved_head.head.coefficients.expression.tolist(), abs=1e-6)
    assert keys["jawOpen"].slider_max == pytest.approx(1.25)


def test_evaluated_mesh_shows_the_photos_expression(bpy, built_head, saved_head):
    found = evaluated(bpy, built_head)
    assert np.abs(found - saved_head.head.mesh.vertices_expressed).max() <= 1e-5


def test_topology_uv_parts_and_smoothness(built_head, saved_head):
    head, mesh = saved_head.head.mesh, built_head.data
    layer = mesh.uv_layers[0]
    assert len(mesh.polygons) == len(head.quads)
    for polygon, quad, uv_quad in zip(mesh.polygons, head.quads, head.uv_quads, strict=True):
        size = 3 if quad[2] == quad[3] else 4
        assert list(polygon.vertices) == quad[:size].tolist()
        found = [layer.uv[loop].vector[:] for loop in polygon.loop_indices]
        assert np.allclose(found, head.uv[uv_quad[:size]], atol=1e-6)
    assert all(polygon.use_smooth for polygon in mesh.polygons)
    for index, name in enumerate(PARTS):
        group = built_head.vertex_groups[name].index
        members = [v.index for v in mesh.vertices if group in {g.group for g in v.groups}]
        assert members == np.unique(head.quads[head.part == index]).tolist()


def test_normals_point_outward(built_head):
    skin = [p for p in built_head.data.polygons if p.vertices[0] < 6 * 8 * 8]
    assert all(polygon.normal.dot(polygon.center) > 0 for polygon in skin)


def test_regions_become_groups_with_their_weights(built_head, saved_head):
    masks = saved_head.head.mesh.masks
    groups = {g.name for g in built_head.vertex_groups} - set(PARTS)
    regions = ("brows", "eyes", "nose", "cheeks", "mouth", "jaw", "ears", "neck")
    assert groups == {f"region_{name}" for name in regions}  # no bones, and none of REALY's
    for name in regions:
        found = weights_of(built_head, f"region_{name}")
        assert np.abs(found - masks[name]).max() <= 0.51 / 255, name
        assert np.array_equal(found > 0, np.round(255 * masks[name]) > 0), name
        assert ((found > 0) & (found < 1)).any()


def test_a_reconstruction_without_regions_is_built_without(bpy, saved_head, tmp_path):
    save_reconstruction(without_rig_data(saved_head.head), tmp_path / "old")
    bpy.ops.effigy.build(directory=str(tmp_path / "old"))
    assert {group.name for group in bpy.context.object.vertex_groups} == set(PARTS)


def weights_of(obj, group):
    """(V,) weights in a vertex group; 0 outside it."""
    index = obj.vertex_groups[group].index
    return np.array(
        [
            sum(entry.weight for entry in vertex.groups if entry.group == index)
            for vertex in obj.data.vertices
        ]
    )


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("skin", "skin"),
        ("eye_left", "eye"),
        ("iris_right", "iris"),
        ("pupil_left", "pupil"),
        ("teeth", "teeth"),  # as models named them before
        ("teeth_lower", "teeth"),
        ("gums_upper", "gums"),
        ("lashes", "lashes"),
        ("eyebrows", "skin"),
        ("ear_left", "skin"),
    ],
)
def test_parts_get_the_surface_of_their_kind(module, part, kind):
    material = module("operators.scene.material")
    assert material.surface_kinds([part]) == ([kind], [0])
    assert material.surface_kinds(["skin", part, "skin"])[1] == [0, int(kind != "skin"), 0]


def test_pupils_and_lashes_are_dark_without_texture(built_head):
    shaders = {
        slot.material.name.split()[-1]: next(
            node for node in slot.material.node_tree.nodes if node.type == "BSDF_PRINCIPLED"
        ).inputs
        for slot in built_head.material_slots
    }
    assert not shaders["lashes"]["Base Color"].links
    for kind in ("pupil", "lashes"):
        assert max(shaders[kind]["Base Color"].default_value[:3]) < 0.02
    assert shaders["pupil"]["Coat Weight"].default_value == 1
    assert shaders["lashes"]["Roughness"].default_value > 0.8
    assert shaders["lashes"]["Coat Weight"].default_value == 0


def test_skin_scatters_and_has_pores_in_its_sheen(built_head):
    shader = next(
        node
        for node in built_head.active_material.node_tree.nodes
        if node.type == "BSDF_PRINCIPLED"
    )
    assert shader.inputs["Subsurface Weight"].default_value > 0.05
    # Red goes farthest under the skin, and millimetres, not metres.
    red, green, blue = shader.inputs["Subsurface Radius"].default_value
    assert 0.01 > red > green > blue > 0
    # Pores and oily patches are the group's.
    group = shader.inputs["Coat Normal"].links[0].from_node
    assert "BUMP" in [node.type for node in group.node_tree.nodes]
    assert shader.inputs["Roughness"].links[0].from_node == group


def test_every_part_has_its_material_with_the_packed_texture(built_head):
    slots = built_head.material_slots
    kinds = [slot.material.name.split()[-1] for slot in slots]
    assert kinds == ["skin", "mouth", "eye", "iris", "pupil", "teeth", "gums", "tongue", "lashes"]
    used = {slots[p.material_index].material.name.split()[-1] for p in built_head.data.polygons}
    assert used == set(kinds)
    for slot, kind in zip(slots, kinds, strict=True):
        if kind in ("pupil", "lashes"):
            continue
        shader = next(n for n in slot.material.node_tree.nodes if n.type == "BSDF_PRINCIPLED")
        source = shader.inputs["Base Color"].links[0].from_node
        if kind in ("skin", "teeth"):
            source = source.inputs["Base Color"].links[0].from_node
        image = source.image
        assert image.packed_file is not None
        assert tuple(image.size) == (64, 64)


def test_the_texture_is_the_right_way_up(built_head):
    """The albedo's first row is at v = 1; Blender's first row of pixels is at v = 0."""
    shader = built_head.active_material.node_tree
    image = next(n for n in shader.nodes if n.type == "TEX_IMAGE").image
    pixels = np.array(image.pixels[:]).reshape(64, 64, 4)
    assert pixels[0, 0, 0] == pytest.approx(90 / 255, abs=0.01)
    assert pixels[-1, 0, 0] == pytest.approx(200 / 255, abs=0.01)


def test_a_reconstruction_without_images_still_has_visible_materials(bpy, saved_head, tmp_path):
    bare = tmp_path / "bare"
    save_reconstruction(without_images(saved_head.head), bare)
    bpy.ops.effigy.build(directory=str(bare))
    shader = bpy.context.object.active_material.node_tree.nodes[0]
    assert not bpy.data.images
    assert any(node.type == "BSDF_PRINCIPLED" for node in shader.id_data.nodes)
    assert bpy.context.object.active_material.diffuse_color[0] > 0.1


@pytest.mark.parametrize("frame", [(600, 800), (1920, 1080), (300, 900)])
def test_the_camera_sees_what_the_photo_saw(bpy, saved_head, frame):
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector

    render = bpy.context.scene.render
    render.resolution_x, render.resolution_y = frame
    bpy.ops.effigy.build(directory=str(saved_head.directory))
    bpy.context.view_layer.update()
    camera = bpy.context.object["effigy_camera"]
    assert camera.data.background_images[0].image.packed_file is not None
    head = saved_head.head
    # The photo lies in the middle of the frame, as large as fits.
    scale = min(frame[0] / head.camera.width, frame[1] / head.camera.height)
    margin = (np.array(frame) - scale * np.array([head.camera.width, head.camera.height])) / 2
    for point, pixel in zip(head.mesh.landmarks_478, head.landmarks_478_px, strict=True):
        place = Vector((float(point[0]), -float(point[2]), float(point[1])))
        x, y, depth = world_to_camera_view(bpy.context.scene, camera, place)
        found = (np.array([x * frame[0], (1 - y) * frame[1]]) - margin) / scale
        assert np.abs(found - pixel).max() <= 0.5
        assert depth == pytest.approx(float(head.camera.to_camera_space(point)[2]), abs=1e-5)


def test_render_size_changes_only_when_asked(bpy, saved_head):
    render = bpy.context.scene.render
    before = (render.resolution_x, render.resolution_y)
    bpy.ops.effigy.build(directory=str(saved_head.directory))
    assert (render.resolution_x, render.resolution_y) == before
    bpy.ops.effigy.build(directory=str(saved_head.directory), match_render=True)
    assert (render.resolution_x, render.resolution_y) == (600, 800)


def test_one_collection_holds_head_and_camera(bpy, built_head):
    collection = built_head.users_collection[0]
    assert [obj.type for obj in collection.objects] == ["MESH", "CAMERA"]
    assert collection.name in bpy.context.scene.collection.children
    assert built_head == bpy.context.view_layer.objects.active
    assert bpy.context.scene.camera == built_head["effigy_camera"]


def instructions_of(function, *arguments):
    """How many bytecode instructions Python runs within a function: what loops cost, on any day."""
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        count += event == "opcode"
        frame.f_trace_opcodes = True
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function(*arguments)
    finally:
        sys.settrace(before)
    return count


def test_keys_are_written_whole_and_not_vertex_by_vertex(bpy, module):
    mesh = module("operators.scene.mesh")
    counts = []
    for steps in (8, 24):
        head = synthetic_reconstruction(steps)
        data = mesh.new_mesh("Ada", head.mesh, [0] * len(PARTS))
        obj = bpy.data.objects.new("Ada", data)
        values = head.coefficients.expression
        counts.append(instructions_of(mesh.add_shape_keys, obj, head.mesh, values))
        assert len(obj.data.shape_keys.key_blocks) == 1 + len(values)
    assert counts[0] == counts[1]


def test_only_the_mesh_itself_is_made_vertex_by_vertex(bpy, module, tmp_path):
    build = module("operators.scene.collection").build_head
    load, scene = module("ml.results.reconstruction").load_reconstruction, bpy.context.scene
    counts, sizes = [], []
    for steps in (8, 24):
        directory = tmp_path / str(steps)
        write_synthetic(directory, steps)
        head = load(directory)
        counts.append(
            instructions_of(build, scene, bpy.context.view_layer, scene.collection, head, directory)
        )
        sizes.append(len(head.mesh.vertices) + len(head.mesh.quads))
    # bmesh wants each vertex and each face by itself: about 43. A loop over the keys costs six
    # times as much.
    assert (counts[1] - counts[0]) / (sizes[1] - sizes[0]) < 60
