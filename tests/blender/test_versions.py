"""Heads of an older head model: what still works, and what is refused with a remedy."""

from types import SimpleNamespace

import pytest

from tests.support.synthetic_head import write_synthetic


def test_a_head_of_an_older_model_is_built_as_it_was_saved(bpy, module, tmp_path):
    old = write_synthetic(tmp_path / "Ada", model=("effigy-head", "1.0.0"))
    reports = []
    build = module("operators.build").EFFIGY_OT_build
    stand_in = SimpleNamespace(
        folder=lambda: tmp_path / "Ada",
        collection="",
        match_render=False,
        select=True,
        report=lambda kind, text: reports.append((kind, text)),
    )
    assert build.run(stand_in, bpy.context) == {"FINISHED"}
    obj = bpy.context.object
    assert len(obj.data.vertices) == len(old.mesh.vertices)
    assert obj["effigy"]["model"]["version"] == "1.0.0"
    assert reports[0][0] == {"WARNING"}
    assert "by effigy-head 1.0.0. This Effigy has effigy-head" in reports[0][1]
    bpy.ops.effigy.expression(which="PHOTO")  # its own keys and values: nothing is mixed
    wanted = float(old.coefficients.expression[0])
    assert obj.data.shape_keys.key_blocks[1].value == pytest.approx(wanted)


@pytest.mark.parametrize("name", ["rebuild", "rig"])
def test_what_needs_the_head_model_refuses_another_version(bpy, tmp_path, name):
    write_synthetic(tmp_path / "Ada", model=("effigy-head", "1.0.0"))
    bpy.ops.effigy.build(directory=str(tmp_path / "Ada"))
    before = len(bpy.data.objects), len(bpy.data.meshes)
    message = r"Ada\.jpg was made with effigy-head 1\.0\.0, .*Reconstruct the photo again"
    with pytest.raises(RuntimeError, match=message):
        getattr(bpy.ops.effigy, name)()
    assert (len(bpy.data.objects), len(bpy.data.meshes)) == before
