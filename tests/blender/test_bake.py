"""Baked maps show what node groups make of the photo, and come back from files."""

import numpy as np
import pytest

from tests.support.reading_back import read_back

SMALL = 64


@pytest.fixture
def small(module, monkeypatch):
    """Bakes maps of SMALL texels whatever is asked for: Cycles takes its time for each."""
    material = module("operators.scene.baked_material")
    real = module("operators.scene.bake").bake_maps
    monkeypatch.setattr(material, "bake_maps", lambda obj, size: real(obj, SMALL))
    return real


def pixels(image):
    flat = np.empty(4 * image.size[0] * image.size[1], np.float32)
    image.pixels.foreach_get(flat)
    return flat.reshape(image.size[1], image.size[0], 4)


def principled(obj):
    tree = obj.material_slots[0].material.node_tree
    return next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")


def image_before(socket):
    """The image that leads to ``socket``."""
    node = socket.links[0].from_node if socket.links else None
    while node is not None and node.type != "TEX_IMAGE":
        node = next(each for each in node.inputs if each.links).links[0].from_node
    return node.image if node is not None else None


def skin_slider(obj, module, name):
    groups = module("operators.scene.surface_groups")
    nodes = [groups.group_node(material, groups.SKIN) for material in obj.data.materials]
    return next(node for node in nodes if node is not None).inputs[name]


@pytest.mark.parametrize("kind", ["GLB", "FBX"])
def test_baked_maps_come_back_from_the_file(bpy, built_head, module, small, tmp_path, kind):
    path = tmp_path / f"a.{kind.lower()}"
    bpy.ops.effigy.export(filepath=str(path), format=kind, bake="1024")
    obj, _ = read_back(bpy, path)
    assert len(obj.material_slots) == 1
    shader = principled(obj)
    for name, space in (
        ("Base Color", "sRGB"),
        ("Roughness", "Non-Color"),
        ("Normal", "Non-Color"),
    ):
        image = image_before(shader.inputs[name])
        assert image is not None, name
        assert tuple(image.size) == (SMALL, SMALL), name
        assert image.colorspace_settings.name == space, name
        assert np.ptp(pixels(image)[..., :3]) > 0.02, name


def test_a_bake_shows_the_sliders_and_leaves_the_head_alone(bpy, built_head, module, small):
    before = {kind: len(getattr(bpy.data, kind)) for kind in ("images", "materials", "meshes")}
    engine, world = bpy.context.scene.render.engine, bpy.context.scene.world
    maps, _ = small(built_head, SMALL)
    plain = {kind: pixels(image) for kind, image in maps.items()}
    bpy.data.batch_remove(maps.values())
    skin_slider(built_head, module, "Tone").default_value = 0.8
    skin_slider(built_head, module, "Oil").default_value = 1.0
    maps, _ = small(built_head, SMALL)
    changed = {kind: pixels(image) for kind, image in maps.items()}
    bpy.data.batch_remove(maps.values())
    used = plain["orm"][..., 1] > 0.52  # the skin: irises and pupils are smoother
    assert used.mean() > 0.05
    assert (changed["basecolor"][used] < plain["basecolor"][used] - 0.05)[:, :3].mean() > 0.9
    assert (changed["orm"][used][:, 1] < plain["orm"][used][:, 1]).mean() > 0.9
    assert {kind: len(getattr(bpy.data, kind)) for kind in before} == before
    assert (bpy.context.scene.render.engine, bpy.context.scene.world) == (engine, world)
    assert [layer.name for layer in built_head.data.uv_layers] == ["UVMap"]
    assert not built_head.hide_render
    assert bpy.context.object == built_head


def test_untouched_skin_is_what_the_photo_shows(bpy, built_head, small):
    maps, _ = small(built_head, SMALL)
    found = pixels(maps["basecolor"])
    wanted = {(200, 150, 130), (90, 60, 50)}  # of the invented head's texture
    colors = np.round(255 * found[..., :3]).astype(int).reshape(-1, 3)
    near = [np.abs(colors - color).max(1) <= 2 for color in wanted]
    assert np.any(near, 0).mean() > 0.15
    assert all(each.any() for each in near)


@pytest.mark.parametrize(
    ("packing", "kinds"),
    [
        ("ORM", {"basecolor", "normal", "orm", "masks"}),
        (
            "SEPARATE",
            {"basecolor", "normal", "roughness", "occlusion", "coat", "specular", "subsurface"},
        ),
        ("UNITY", {"basecolor", "normal", "roughness", "maskmap"}),
        ("UNREAL", {"basecolor", "normal", "roughness", "orm", "masks"}),
    ],
)
def test_maps_are_written_as_each_packing_wants(
    bpy, built_head, module, monkeypatch, tmp_path, packing, kinds
):
    bake = module("operators.bake")
    given = {"normal": (0.2, 0.3, 0.9), "orm": (0.1, 0.6, 0.0), "masks": (0.25, 0.5, 0.75)}

    def maps(obj, size):
        made = {}
        for kind in ("basecolor", *given):
            made[kind] = bpy.data.images.new(kind, 4, 4, is_data=kind != "basecolor")
            color = (*given.get(kind, (0.5, 0.4, 0.3)), 1.0)
            made[kind].pixels.foreach_set(np.tile(np.float32(color), 16))
        return made, None

    monkeypatch.setattr(bake, "bake_maps", maps)
    bpy.ops.effigy.bake(directory=str(tmp_path), packing=packing)
    written = {path.stem.removeprefix("Ada_"): path for path in tmp_path.glob("*.png")}
    assert set(written) == kinds
    found = {}
    for kind, path in written.items():
        image = bpy.data.images.load(str(path))
        image.colorspace_settings.name = "Non-Color"
        image.alpha_mode = "CHANNEL_PACKED"
        found[kind] = pixels(image)[0, 0]
    wanted = {
        "roughness": (0.6, 0.6, 0.6, 1),
        "occlusion": (0.1, 0.1, 0.1, 1),
        "subsurface": (0.75, 0.75, 0.75, 1),
        "maskmap": (0, 0.1, 0, 0.4),
        "normal": (0.2, 0.7 if packing == "UNREAL" else 0.3, 0.9, 1),
    }
    for kind in kinds & set(wanted):
        assert found[kind] == pytest.approx(wanted[kind], abs=0.01), kind


def test_baking_says_when_there_is_no_cycles(bpy, built_head, module, tmp_path, monkeypatch):
    import addon_utils

    addon_utils.disable("cycles")
    try:
        with pytest.raises(RuntimeError, match=r"Enable the add-on Cycles"):
            bpy.ops.effigy.bake(directory=str(tmp_path))
    finally:
        addon_utils.enable("cycles")
    with pytest.raises(RuntimeError, match="There is no folder"):
        bpy.ops.effigy.bake(directory=str(tmp_path / "no"))
