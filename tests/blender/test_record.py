"""What is stored on a head: reconstruction.json's own schema, and heads of earlier files."""

import json

import numpy as np
import pytest

from tests.support.layout import draw

NOT_STORED = {"status", "face_box", "landmarks_68", "landmarks_478", "timings_ms"}
NOT_STORED |= {"settings", "face", "images"}


def in_file(directory):
    """What reconstruction.json says, as the record holds it."""
    about = json.loads((directory / "reconstruction.json").read_text())
    kept = {name: value for name, value in about.items() if name not in NOT_STORED}
    return kept | {"directory": str(directory)}


def earlier_record(directory, fields):
    """The record as version 0.1 wrote it: flat names, cameras row after row."""
    about = in_file(directory)
    camera = about["camera"]
    every = {
        "effigy_version": about["effigy_version"],
        "model_id": about["model"]["id"],
        "model_version": about["model"]["version"],
        "model_licence": about["model"]["licence"],
        "level": about["level"],
        "detail": about["detail"],
        "photo_name": about["photo"]["name"],
        "photo_sha256": about["photo"]["sha256"],
        "photo_size": [about["photo"]["width"], about["photo"]["height"]],
        "identity": about["identity"],
        "expression": about["expression"],
        "camera": {
            "intrinsics": np.ravel(camera["intrinsics"]).tolist(),
            "rotation": np.ravel(camera["rotation"]).tolist(),
            "translation": camera["translation"],
        },
        "confidence": about["confidence"],
        "directory": about["directory"],
    }
    return {name: every[name] for name in fields or every}


def reopened(bpy, path, name):
    """The object of this name, made active, after saving to ``path`` and opening that file."""
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    bpy.context.view_layer.objects.active = bpy.data.objects[name]
    return bpy.data.objects[name]


@pytest.fixture
def person(bpy, fake_engine, photos, tmp_path):
    """The head of one person from two photos; the engine opened the jaw in the second, b.jpg."""
    folder, out = photos("a.jpg", "b.jpg"), tmp_path / "out"
    files = [{"name": name} for name in ("a.jpg", "b.jpg")]
    bpy.ops.effigy.reconstruct(
        directory=f"{folder}/", files=files, output=str(out), same_person=True
    )
    return bpy.context.object


def test_the_record_survives_saving_as_the_file_says_it(
    bpy, built_head, saved_head, module, tmp_path
):
    name = built_head.name
    obj = reopened(bpy, tmp_path / "head.blend", name)
    metadata = module("operators.scene.metadata")
    assert metadata.record_of(obj) == in_file(saved_head.directory)
    camera, wanted = metadata.photo_camera(obj), saved_head.head.camera
    assert (camera.width, camera.height) == (wanted.width, wanted.height)
    for field in ("intrinsics", "rotation", "translation"):
        assert getattr(camera, field) == pytest.approx(getattr(wanted, field), abs=1e-6)
    # Scripts read it without Effigy's help.
    assert obj["effigy"]["model"]["licence"] == "CC0-1.0"
    assert obj["effigy"]["photo"]["sha256"] == saved_head.head.provenance.photo_sha256
    assert bpy.data.images[f"{name} albedo"].packed_file is not None


def test_other_photos_are_recorded_in_the_same_schema(bpy, person, module, tmp_path):
    obj = reopened(bpy, tmp_path / "person.blend", person.name)
    about = in_file(tmp_path / "out/a")
    wanted = {name: about[name] for name in ("photo", "expression", "camera", "directory")}
    wanted["photo"] = {name: about["photo"][name] for name in ("name", "width", "height")}
    assert module("operators.scene.metadata").record_of(obj, 1) == wanted


def test_a_head_of_an_earlier_file_still_works(bpy, person, module, tmp_path):
    metadata, sidebar = module("operators.scene.metadata"), module("panels.sidebar")
    now = [metadata.record_of(person, photo) for photo in (0, 1)]
    for later in ("focal_source", "focal_refused"):
        del now[0]["photo"][later]
    del now[0]["provenance"]
    person["effigy"] = earlier_record(tmp_path / "out/b", None)
    other = ("photo_name", "photo_size", "expression", "camera", "directory")
    person["effigy_photos"] = [earlier_record(tmp_path / "out/a", other)]
    assert "photo_name" in person["effigy"]
    obj = reopened(bpy, tmp_path / "old.blend", person.name)
    assert [metadata.record_of(obj, photo) for photo in (0, 1)] == now
    assert metadata.photo_names(obj) == ["b.jpg", "a.jpg"]
    labels = [entry[1] for entry in draw(sidebar.EFFIGY_PT_head, bpy.context)]
    assert labels[0] == "b.jpg"
    assert sidebar.EFFIGY_PT_photos.poll(bpy.context)
    for photo, opened in ((1, 0.0), (0, 0.25)):
        assert bpy.ops.effigy.photo_view(photo=photo, match_render=True) == {"FINISHED"}
        assert bpy.context.scene.camera == metadata.camera_object(obj, photo)
        assert bpy.context.scene.render.resolution_x == 600
        bpy.ops.effigy.expression(which="PHOTO", photo=photo)
        assert obj.data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(opened)
    assert bpy.ops.effigy.rig() == {"FINISHED"}
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}
    assert obj["effigy"]["photo"]["name"] == "b.jpg"  # written anew, in today's schema


def test_the_first_heads_had_neither_level_nor_detail(bpy, built_head, saved_head, module):
    record = earlier_record(saved_head.directory, None)
    del record["level"], record["detail"]
    built_head["effigy"] = record
    found = module("operators.scene.metadata").record_of(built_head)
    assert (found["level"], found["detail"]) == ("base", "off")
    labels = [entry[1] for entry in draw(module("panels.sidebar").EFFIGY_PT_head, bpy.context)]
    assert any(text.startswith("Mesh Base, ") for text in labels)
