"""What a head's file says of its origin, after it went through Blender, and the note on a head."""

import json
import sys
from pathlib import Path

import pytest

from ml.results import origin
from tests.core.test_origin import read_glb

NOTE = "Ada: „ja“, 2026"


@pytest.fixture
def noted(bpy, built_head):
    """A head on which consent was noted."""
    bpy.ops.effigy.note_consent(note=NOTE)
    return built_head


def said(head, exported=None):
    """What a file of ``head`` has to say; exported: the date, which is the file's own."""
    about = head["effigy"]
    found = origin.made_statement(about["effigy_version"], about["photo"]["sha256"], consent=NOTE)
    return found | {"exported": exported}


def test_the_note_stays_through_rebuilding_and_can_be_changed(bpy, module, noted):
    metadata = module("operators.scene.metadata")
    assert noted["effigy"]["provenance"]["consent"] == NOTE
    bpy.ops.effigy.rebuild()
    assert metadata.consent_of(bpy.context.object) == NOTE
    assert metadata.record_of(bpy.context.object)["provenance"]["consent"] == NOTE
    bpy.ops.effigy.note_consent(note="no longer")
    assert metadata.consent_of(bpy.context.object) == "no longer"


def test_a_head_of_an_earlier_file_takes_a_note(bpy, module, built_head):
    del built_head["effigy"]["provenance"]
    bpy.ops.effigy.note_consent(note=NOTE)
    found = module("operators.scene.metadata").record_of(built_head)["provenance"]
    assert found["consent"] == NOTE
    assert found["digitalSourceType"] == origin.OF_A_PHOTO


def test_a_glb_says_where_the_head_comes_from_and_opens(bpy, noted, tmp_path):
    path = tmp_path / "head.glb"
    bpy.ops.effigy.export(filepath=str(path), format="GLB")
    found = read_glb(path)[0]["asset"]["extras"]["effigy"]
    assert found == said(noted, found["exported"])
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(path))
    assert any(obj.type == "MESH" for obj in bpy.data.objects)


def test_an_fbx_has_it_beside_it(bpy, noted, tmp_path):
    bpy.ops.effigy.export(filepath=str(tmp_path / "head.fbx"), format="FBX")
    found = json.loads((tmp_path / "head.fbx.provenance.json").read_text("utf-8"))
    assert found == said(noted, found["exported"])


@pytest.mark.parametrize("name", ["head.usdc", "head.usdz"])
def test_a_usd_holds_it_where_blender_has_usds_python_and_else_has_it_beside_it(
    bpy, module, noted, tmp_path, monkeypatch, name
):
    path, beside = tmp_path / name, tmp_path / f"{name}.provenance.json"
    with monkeypatch.context() as without:
        without.setattr(module("operators.scene.stamp"), "_usd_has_python", lambda: False)
        bpy.ops.effigy.export(filepath=str(path), format="USD")
    found = json.loads(beside.read_text("utf-8"))
    assert found == said(noted, found["exported"])
    local = Path(bpy.utils.resource_path("LOCAL"))
    bundled = [path for path in local.glob("python/lib/*/site-packages") if (path / "pxr").is_dir()]
    if not bundled:
        pytest.skip("this Blender has no Python for USD")
    # Blender itself has it there; the module finds it where it is asked to.
    monkeypatch.setattr(sys, "path", [*sys.path, *map(str, bundled)])
    bpy.ops.effigy.export(filepath=str(path), format="USD")
    assert not beside.exists()
    from pxr import Usd

    stage = Usd.Stage.Open(str(path))  # the layer lives no longer than it
    found = stage.GetRootLayer().customLayerData["effigy"]
    assert dict(found) == said(noted, found["exported"])
    assert not hasattr(bpy.types, "EFFIGY_UH_stamp")
