"""The first head of a scene is seen from the front, with its texture."""

from types import SimpleNamespace

import pytest

from tests.support.patched import Patched


@pytest.fixture
def showing(module):
    return module("operators.jobs.showing")


@pytest.fixture
def view(bpy, showing, monkeypatch):
    """A 3D View of a window, which the wheel does not have, and what was framed in it."""
    framed = []

    class Selected:
        def __call__(self):
            framed.append(space.region_3d.view_rotation)

        def poll(self):
            return True

    space = SimpleNamespace(
        region_3d=SimpleNamespace(view_rotation="as it was"),
        shading=SimpleNamespace(type="SOLID"),
    )
    area = SimpleNamespace(type="VIEW_3D", regions=[SimpleNamespace(type="WINDOW")])
    ops = SimpleNamespace(view3d=SimpleNamespace(view_selected=Selected()))
    windowed = Patched(bpy, app=SimpleNamespace(background=False), ops=ops)
    monkeypatch.setattr(showing, "bpy", windowed)
    override = bpy.context.temp_override()
    context = SimpleNamespace(
        area=area, space_data=space, scene=bpy.context.scene, temp_override=lambda **_: override
    )
    return SimpleNamespace(context=context, space=space, framed=framed)


def test_the_first_head_is_framed_from_the_front_with_its_texture(showing, built_head, view):
    showing.show_new_heads(view.context, 1)
    from mathutils import Vector

    (rotation,) = view.framed
    # A view looks along its own -Z; the face looks along -Y. Up stays up.
    assert (rotation @ Vector((0, 0, -1)) - Vector((0, 1, 0))).length < 1e-6
    assert (rotation @ Vector((0, 1, 0)) - Vector((0, 0, 1))).length < 1e-6
    assert view.space.shading.type == "MATERIAL"


def test_later_heads_are_only_framed(bpy, showing, built_head, saved_head, view):
    bpy.ops.effigy.build(directory=str(saved_head.directory))
    showing.show_new_heads(view.context, 1)
    assert view.framed == ["as it was"]
    assert view.space.shading.type == "SOLID"


@pytest.mark.parametrize(("allowed", "before"), [(False, "SOLID"), (True, "RENDERED")])
def test_the_shading_stays_where_it_should(module, showing, built_head, view, allowed, before):
    own = module("operators.runtime").own_preferences()
    own.show_material, view.space.shading.type = allowed, before
    try:
        showing.show_new_heads(view.context, 1)
    finally:
        own.property_unset("show_material")
    assert view.space.shading.type == before
    assert view.framed != ["as it was"]
