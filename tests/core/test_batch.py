"""Many photos from the command line: what is written, reported and returned."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.cli import main
from ml.errors import HeadError, UsageError
from ml.head.storage import load_head_model
from ml.results.person import read_view
from ml.results.plan import collect_photos, plan
from ml.results.provenance import check_same_model, current_model, is_current
from ml.results.reconstruction import load_reconstruction, save_reconstruction
from ml.settings import Settings
from tests.support.fake_pipeline import fake_heads, tiny_head


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments], reconstruct=fake_heads)


def photos(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"x")
    return folder


def rows(out):
    return {
        row["photo"].split("/")[-1]: row for row in json.loads((out / "report.json").read_text())
    }


def test_all_succeed(tmp_path):
    out = tmp_path / "out"
    assert run(photos(tmp_path / "in", "b.jpg", "A.PNG", "notes.txt"), "--out", out) == 0
    told = rows(out)
    assert set(told) == {"A.PNG", "b.jpg"}
    assert told["b.jpg"]["status"] == "ok"
    assert told["b.jpg"]["confidence"] == 0.75
    assert (out / "b" / "reconstruction.npz").exists()
    with (out / "report.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [row["status"] for row in table] == ["ok", "ok"]


def test_no_name_leads_out_of_the_folder(tmp_path):
    names = ["...jpg", ".hidden.png", "dots...jpg", "report.json.jpg"]
    folders = [task.folder for task in plan([tmp_path / name for name in names], tmp_path / "out")]
    assert [folder.name for folder in folders] == ["photo", "hidden", "dots", "report.json_jpg"]
    assert {folder.parent for folder in folders} == {tmp_path / "out"}


def test_no_folder_is_called_as_a_device_of_windows(tmp_path):
    names = ["CON.jpg", "nul.x.png", "com1.jpg", "Lpt9.jpg", "context.jpg", "com10.jpg"]
    folders = [task.folder.name for task in plan([tmp_path / name for name in names], tmp_path)]
    reserved = ["photo_CON", "photo_nul.x", "photo_com1", "photo_Lpt9"]
    assert folders == [*reserved, "context", "com10"]


def test_links_that_lead_to_one_folder_do_not_mix_two_photos(tmp_path):
    folder, out = photos(tmp_path / "in", "a.jpg", "b.jpg"), tmp_path / "out"
    (folder / "b.jpg").write_bytes(b"another person")
    (out / "one").mkdir(parents=True)
    for name in "ab":
        (out / name).symlink_to(out / "one")
    assert run(folder, "--out", out) == 0
    told = rows(out)
    assert [told[name]["heads"] for name in told] == [[str(out / "a")], [str(out / "b_jpg")]]
    assert load_reconstruction(out / "one").provenance.photo_name == "a.jpg"


def test_a_photo_is_done_once_however_its_path_is_spelled(tmp_path, monkeypatch):
    folder = photos(tmp_path / "in", "a.jpg", "b.jpg")
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    spelled = [Path("in/a.jpg"), tmp_path / "in/../in/a.jpg", tmp_path / "link/a.jpg", Path("in")]
    assert collect_photos(spelled) == [Path("in/a.jpg"), Path("in/b.jpg")]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_folder_that_cannot_be_written_fails_its_own_photo(tmp_path, jobs):
    out = tmp_path / "out"
    out.mkdir()
    (out / "blocked").write_bytes(b"a file where the folder should be")
    assert run(photos(tmp_path / "in", "blocked.jpg", "good.jpg"), "--out", out, "--jobs", jobs)
    told = rows(out)
    assert told["blocked.jpg"]["error"].startswith(f"{out / 'blocked'} is no folder")
    assert "rename it" in told["blocked.jpg"]["hint"]
    assert told["good.jpg"]["status"] == "ok"


def test_failures_do_not_stop_the_batch(tmp_path, capsys):
    out = tmp_path / "out"
    folder = photos(tmp_path / "in", "noface.jpg", "good.jpg", "crash.jpg")
    assert run(folder, "--out", out) == 1
    told = rows(out)
    assert told["good.jpg"]["status"] == "ok"
    assert told["noface.jpg"]["code"] == "no_face"
    assert told["noface.jpg"]["hint"] == "Use another photo"
    assert "ZeroDivisionError" in told["crash.jpg"]["error"]
    assert (told["crash.jpg"]["code"], told["crash.jpg"]["hint"]) == (
        "unexpected",
        "Please report this with the log above",
    )
    failed = json.loads((out / "noface" / "reconstruction.json").read_text())
    assert failed["status"] == "failed"
    assert "noface.jpg" in failed["error"]["message"]
    assert "1 ok, 2 failed" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--out", "out"],
        ["in"],
        ["nowhere", "--out", "out"],
        ["in", "--out", "out", "--jobs", "0"],
        ["in", "--out", "out", "--landmarks", "magic"],
        ["in", "--out", "out", "--texture-size", "7"],
        ["in", "--out", "out", "--face", "first"],
        ["in", "--out", "out", "--level", "finest"],
        ["in", "--out", "out", "--detail", "finest"],
        ["empty", "--out", "out"],
    ],
)
def test_wrong_usage_is_two(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    photos(tmp_path / "in", "a.jpg")
    (tmp_path / "empty").mkdir()
    try:
        status = run(*arguments)
    except SystemExit as stop:
        status = stop.code
    assert status == 2
    assert not (tmp_path / "out" / "a").exists()


def test_photos_of_one_name_get_folders_of_their_own(tmp_path):
    names = [tmp_path / name for name in ("a.jpg", "a.png", "A.webp", "b.jpg")]
    folders = [task.folder.name for task in plan(names, tmp_path / "out")]
    assert folders == ["a", "a_png", "A_webp", "b"]


def test_collecting_photos(tmp_path):
    folder = photos(tmp_path / "in", "b.JPG", "a.tiff", "c.txt")
    photos(folder / "deep", "d.jpg")
    assert [p.name for p in collect_photos([folder])] == ["a.tiff", "b.JPG"]
    assert len(collect_photos([folder], recursive=True)) == 3
    # A file named by the person is taken at its word; named twice it is done once.
    assert len(collect_photos([folder / "c.txt", folder / "c.txt"])) == 1
    with pytest.raises(UsageError, match="nowhere"):
        collect_photos([tmp_path / "nowhere"])


def test_several_faces_get_folders_beside_the_first(tmp_path):
    out = tmp_path / "out"
    assert run(photos(tmp_path / "in", "two.jpg"), "--out", out, "--face", "all") == 0
    assert load_reconstruction(out / "two").confidence == 0.75
    assert load_reconstruction(out / "two_face2").confidence == 0.5


def test_finished_heads_are_kept(tmp_path):
    out = tmp_path / "out"
    folder = photos(tmp_path / "in", "noface.jpg")
    head = replace(tiny_head(folder / "noface.jpg"), settings=Settings())
    save_reconstruction(head, out / "noface")
    assert run(folder, "--out", out, "--skip-existing") == 0
    assert rows(out)["noface.jpg"]["status"] == "skipped"
    assert rows(out)["noface.jpg"]["confidence"] == 0.75
    assert run(folder, "--out", out) == 1
    assert load_reconstruction(out / "noface").confidence == 0.75


def test_heads_of_another_model_are_made_again(tmp_path):
    out = tmp_path / "out"
    folder = photos(tmp_path / "in", "me.jpg")
    old = tiny_head(folder / "me.jpg")
    model_id, _ = current_model()
    old = replace(old, provenance=replace(old.provenance, model_version="1"), confidence=0.25)
    save_reconstruction(old, out / "me")
    assert run(folder, "--out", out, "--skip-existing") == 0
    assert rows(out)["me.jpg"]["status"] == "ok"
    again = load_reconstruction(out / "me")
    assert (again.confidence, again.provenance.model_id) == (0.75, model_id)
    assert is_current(again.provenance)


def test_results_of_other_models_are_told_apart(tmp_path):
    origin = tiny_head(tmp_path / "me.jpg").provenance
    model_id, version = current_model()
    check_same_model(origin)
    for old in (replace(origin, model_version="1.0.0"), replace(origin, model_id="ict-facekit")):
        assert not is_current(old)
        with pytest.raises(UsageError, match=f"head of me.jpg .* has {model_id} {version}") as no:
            check_same_model(old)
        assert no.value.hint == "Reconstruct the photo again"
    assert current_model() == (load_head_model().model_id, load_head_model().version)


def test_a_result_of_the_first_version_can_be_read(tmp_path):
    """It has its own mesh; its .json names no level and its .npz no masks or joints."""
    save_reconstruction(tiny_head(tmp_path / "photo.jpg"), tmp_path)
    with np.load(tmp_path / "reconstruction.npz") as archive:
        arrays = {k: v for k, v in archive.items() if not k.startswith(("mask", "joint"))}
    np.savez(tmp_path / "reconstruction.npz", **arrays)
    about = json.loads((tmp_path / "reconstruction.json").read_text())
    assert about["format"] == 2
    del about["level"], about["format"]
    about["model"]["version"] = "1.0.0"
    (tmp_path / "reconstruction.json").write_text(json.dumps(about))
    old = load_reconstruction(tmp_path)
    assert (old.provenance.model_version, old.provenance.level) == ("1.0.0", "base")
    assert (len(old.mesh.vertices), old.mesh.masks) == (4, {})


def test_a_killed_process_costs_one_photo(tmp_path):
    out = tmp_path / "out"
    names = ("a.jpg", "killed.jpg", "b.jpg", "c.jpg")
    assert run(photos(tmp_path / "in", *names), "--out", out, "--jobs", "2") == 1
    told = rows(out)
    assert told["killed.jpg"]["status"] == "failed"
    assert "was killed" in told["killed.jpg"]["error"]
    assert [told[name]["status"] for name in ("a.jpg", "b.jpg", "c.jpg")] == ["ok"] * 3


def test_a_result_comes_back_as_it_was_written(tmp_path):
    head = tiny_head(tmp_path / "photo.jpg")
    save_reconstruction(head, tmp_path / "head")
    again = load_reconstruction(tmp_path / "head" / "reconstruction.json")
    for name in ("vertices", "vertices_expressed", "quads", "shape_keys", "landmarks_478"):
        np.testing.assert_array_equal(getattr(again.mesh, name), getattr(head.mesh, name))
    np.testing.assert_allclose(
        again.coefficients.expression, head.coefficients.expression, atol=1e-6
    )
    assert again.provenance == head.provenance
    assert {path.name for path in (tmp_path / "head").iterdir()} == {
        "reconstruction.npz",
        "reconstruction.json",
        "albedo.png",
        "photo.jpg",
    }


def test_the_files_keep_their_contract(tmp_path):
    save_reconstruction(tiny_head(tmp_path / "photo.jpg"), tmp_path)
    with np.load(tmp_path / "reconstruction.npz", allow_pickle=False) as arrays:
        assert set(arrays.files) == {
            "vertices",
            "vertices_expressed",
            "quads",
            "uv",
            "uv_quads",
            "part",
            "part_names",
            "landmarks_68",
            "landmarks_478",
            "shape_keys",
            "shape_key_names",
            "masks",
            "mask_names",
            "joints",
            "joint_names",
        }
    about = json.loads((tmp_path / "reconstruction.json").read_text())
    assert {
        "status",
        "model",
        "level",
        "photo",
        "face_box",
        "identity",
        "expression",
        "camera",
        "landmarks_68",
        "landmarks_478",
        "confidence",
        "detail",
        "timings_ms",
    } <= set(about)
    assert len(about["expression"]) == 52
    assert set(about["camera"]) == {"intrinsics", "rotation", "translation"}
    assert {"width", "height", "sha256"} <= set(about["photo"])


@pytest.mark.parametrize("missing", ["reconstruction.npz", "reconstruction.json"])
def test_an_incomplete_result_is_refused(tmp_path, missing):
    save_reconstruction(tiny_head(tmp_path / "photo.jpg"), tmp_path)
    (tmp_path / missing).write_bytes(b"{")
    with pytest.raises(HeadError, match="not a complete reconstruction"):
        load_reconstruction(tmp_path)


@pytest.mark.parametrize("number", [3, 0, "2", None])
def test_a_result_of_an_unknown_format_is_refused(tmp_path, number):
    save_reconstruction(tiny_head(tmp_path / "photo.jpg"), tmp_path)
    path = tmp_path / "reconstruction.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": number}))
    for read in (load_reconstruction, read_view):
        with pytest.raises(HeadError, match="format") as refused:
            read(tmp_path)
        assert "Update Effigy" in refused.value.hint


def test_a_folder_that_is_gone_is_named_and_not_its_parent(tmp_path):
    with pytest.raises(HeadError) as refused:
        load_reconstruction(tmp_path / "gone")
    assert refused.value.message.startswith(f"{tmp_path / 'gone'} is not a complete")
