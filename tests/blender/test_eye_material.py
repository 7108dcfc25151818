"""Eyes are wet and smooth on top."""

import pytest


def shader_of(bpy, module, kind):
    material = module("operators.scene.material")
    image = bpy.data.images.new("albedo", 8, 8)
    made = material.new_material(kind, material.SURFACES[kind], image)
    return next(node for node in made.node_tree.nodes if node.type == "BSDF_PRINCIPLED")


@pytest.mark.parametrize("kind", ["eye", "iris", "pupil"])
def test_eyes_are_under_tears(bpy, module, kind):
    inputs = shader_of(bpy, module, kind).inputs
    assert inputs["Coat Weight"].default_value == 1
    assert inputs["Coat Roughness"].default_value <= 0.03
    assert inputs["Coat IOR"].default_value == pytest.approx(1.376)
    assert inputs["Base Color"].links[0].from_node.type == "TEX_IMAGE"  # exporters see it
    # An exporter takes any image that leads to these for a normal map.
    assert not inputs["Coat Normal"].is_linked
    assert not inputs["Normal"].is_linked
