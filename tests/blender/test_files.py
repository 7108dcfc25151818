"""Where results lie, and how .blend files name them."""

import json
import re
import shutil

import pytest


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def save(bpy, path, **how):
    bpy.ops.wm.save_as_mainfile(filepath=str(path), **how)


def test_results_lie_beside_the_saved_file(bpy, fake_engine, photos, project, module):
    save(bpy, project / "shot.blend")
    photo = photos("ok.jpg") / "ok.jpg"
    bpy.ops.effigy.reconstruct(filepath=str(photo))
    assert (project / "shot heads/ok/reconstruction.json").exists()
    obj = bpy.context.object
    assert obj["effigy"]["directory"] == "//shot heads/ok"
    assert bpy.context.scene.effigy.photo == "//../photos/ok.jpg"
    assert module("operators.scene.metadata").directory_of(obj) == project / "shot heads/ok"


def test_results_never_lie_in_the_extensions_folder(bpy, module, monkeypatch, tmp_path):
    runtime = module("operators.runtime")
    own = runtime.user_folder("")
    assert not runtime.results_folder(bpy.context).is_relative_to(own)
    monkeypatch.setattr(runtime, "_preference", lambda name: str(tmp_path / "chosen"))
    assert runtime.results_folder(bpy.context) == tmp_path / "chosen"


@pytest.mark.parametrize("copy", [False, True])
def test_saving_elsewhere_keeps_paths_right(bpy, built_head, saved_head, project, module, copy):
    obj, name = built_head, built_head.name
    scene = bpy.context.scene.effigy
    scene.photo = str(saved_head.directory / "photo.jpg")
    save(bpy, saved_head.directory.parent / "first.blend")
    assert obj["effigy"]["directory"] == "//Ada"
    assert scene.photo == "//Ada/photo.jpg"
    save(bpy, project / "second.blend", copy=copy)
    assert obj["effigy"]["directory"] == ("//Ada" if copy else "//../Ada")
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}
    bpy.ops.wm.open_mainfile(filepath=str(project / "second.blend"))
    found = module("operators.scene.metadata").directory_of(bpy.data.objects[name])
    assert found == saved_head.directory
    assert bpy.context.scene.effigy.photo == "//../Ada/photo.jpg"


def test_a_file_holds_no_path_with_the_persons_name(bpy, saved_head, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "jane"))
    shutil.move(saved_head.directory, tmp_path / "jane/Ada")
    bpy.context.preferences.filepaths.use_file_compression = False
    for blend in (tmp_path / "jane/head.blend", tmp_path / "head.blend"):
        bpy.ops.wm.read_homefile(use_empty=True)
        bpy.context.scene.effigy.photo = str(tmp_path / "jane/Ada/photo.jpg")
        bpy.ops.effigy.build(directory=str(tmp_path / "jane/Ada"))
        save(bpy, blend, compress=False)
        held = blend.read_bytes()
        at = held.find(b"jane/Ada")
        assert at < 0, held[at - 80 : at + 40]
        # Nothing else that lay in memory before may follow a path either.
        assert len(re.findall(rb"//Ada albedo [0-9a-f]{8}\.png\0/{900,1023}\0", held)) == 2
        assert bpy.ops.effigy.rebuild() == {"FINISHED"}


def test_results_that_moved_with_their_file_are_found(bpy, built_head, saved_head, project):
    name = built_head.name
    save(bpy, project / "shot.blend")
    shutil.move(saved_head.directory, project / "shot heads/Ada")
    moved = project.with_name("moved")
    project.rename(moved)
    bpy.ops.wm.open_mainfile(filepath=str(moved / "shot.blend"))
    bpy.context.view_layer.objects.active = bpy.data.objects[name]
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}


def test_results_of_earlier_versions_are_found(bpy, built_head, saved_head, module):
    old = module("operators.runtime").user_folder("heads") / "Ada"
    shutil.move(saved_head.directory, old)
    assert module("operators.heads").stored_head(built_head).state is not None
    assert bpy.ops.effigy.rebuild() == {"FINISHED"}
    shutil.rmtree(old)


@pytest.mark.parametrize("other", [{"level": "high"}, {"identity": None}])
def test_another_head_of_the_same_photo_does_not_stand_in_for_gone_files(
    bpy, built_head, saved_head, module, other
):
    """Of an earlier run with other settings, or of another face of the photo."""
    place = module("operators.runtime").results_folders()[0] / "Ada"
    shutil.copytree(saved_head.directory, place)
    saved_head.directory.rename(saved_head.directory.with_name("moved"))
    locate = module("operators.heads").locate
    assert locate(built_head) == place
    about = json.loads((place / "reconstruction.json").read_text())
    other = {name: value or [-one for one in about[name]] for name, value in other.items()}
    (place / "reconstruction.json").write_text(json.dumps(about | other))
    assert locate(built_head) == saved_head.directory


def test_documents_are_where_the_desktop_says(module, monkeypatch, home):
    documents = module("operators.folders").documents_folder
    assert documents() == home
    (home / "Dokumente").mkdir()
    (home / ".config").mkdir()
    text = '# a comment\nXDG_DOCUMENTS_DIR="$HOME/Dokumente"\n'
    (home / ".config/user-dirs.dirs").write_text(text)
    assert documents() == home / "Dokumente"


def test_a_file_sent_without_its_results_can_still_be_rigged(bpy, built_head, saved_head, shown):
    shutil.rmtree(saved_head.directory)
    before = shown(built_head)
    assert bpy.ops.effigy.rig() == {"FINISHED"}
    assert set(built_head.parent.data.bones.keys()) >= {"neck", "head", "jaw", "eye.L", "eye.R"}
    assert abs(shown(built_head) - before).max() < 1e-5
    bpy.ops.effigy.expression(which="PHOTO")
