"""A reconstruction is opened by its folder or by one of its files, chosen or dropped."""

from types import SimpleNamespace

import pytest

from ml.results.person import SamePerson, save_index
from tests.support.synthetic_head import write_synthetic


def heads(bpy):
    return [obj for obj in bpy.data.objects if obj.type == "MESH"]


@pytest.mark.parametrize("chosen", ["reconstruction.json", "reconstruction.npz", "", "/"])
def test_a_file_of_the_result_is_as_good_as_its_folder(bpy, saved_head, chosen):
    path = f"{saved_head.directory}/{chosen}" if chosen != "/" else f"{saved_head.directory}/"
    assert bpy.ops.effigy.build(filepath=path) == {"FINISHED"}
    assert [obj["effigy"]["photo"]["name"] for obj in heads(bpy)] == ["Ada.jpg"]


def test_the_index_of_a_person_opens_the_person(bpy, tmp_path):
    folders = [tmp_path / name for name in ("one", "two")]
    written = tuple(write_synthetic(folder, name=f"{folder.name}.jpg") for folder in folders)
    photos = tuple(tmp_path / f"{folder.name}.jpg" for folder in folders)
    index = save_index(SamePerson(photos, written), folders, tmp_path)
    assert bpy.ops.effigy.build(filepath=str(index)) == {"FINISHED"}
    (head,) = heads(bpy)
    assert len(head["effigy_photos"]) == 1


def test_another_json_is_refused_by_its_name(bpy, tmp_path):
    other = tmp_path / "package.json"
    other.write_text("{}")
    with pytest.raises(RuntimeError, match=r"package\.json is not a reconstruction of Effigy"):
        bpy.ops.effigy.build(filepath=str(other))
    with pytest.raises(RuntimeError, match="No reconstruction was chosen"):
        bpy.ops.effigy.build()
    assert heads(bpy) == []


def test_what_was_dropped_opens_at_once_and_else_the_browser_asks(bpy, module, saved_head, home):
    """Blender without a window executes what it should invoke, so a stand-in is invoked."""
    kind, asked = module("operators.build").EFFIGY_OT_build, []
    manager = SimpleNamespace(fileselect_add=lambda operator: asked.append(operator.filepath))
    context = SimpleNamespace(scene=bpy.context.scene, window_manager=manager)

    def invoke(path):
        operator = SimpleNamespace(filepath=path, directory="", execute=lambda _: "opened")
        operator.guarded = lambda action: action()
        operator._browse = lambda context: kind._browse(operator, context)
        return kind.invoke(operator, context, None)

    assert invoke(str(saved_head.directory / "reconstruction.json")) == "opened"
    assert invoke("") == {"RUNNING_MODAL"}
    (home / "Effigy").mkdir()
    assert invoke("") == {"RUNNING_MODAL"}
    assert asked == ["", f"{home}/Effigy/"]


def test_a_drop_knows_photos_and_results(bpy):
    handlers = {cls.bl_import_operator: cls for cls in bpy.types.FileHandler.__subclasses__()}
    assert handlers["effigy.build"].bl_file_extensions == ".json"
    assert ".jpg" in handlers["effigy.reconstruct"].bl_file_extensions.split(";")
    assert all(
        handlers[name].bl_label.startswith("Effigy")
        for name in ("effigy.build", "effigy.reconstruct")
    )


def test_the_next_opening_asks_anew(bpy, saved_head):
    """What was opened before must not be opened again without a question."""
    bpy.ops.effigy.build(filepath=str(saved_head.directory))
    properties = bpy.ops.effigy.build.get_rna_type().properties
    assert properties["filepath"].is_skip_save
    assert properties["directory"].is_skip_save
