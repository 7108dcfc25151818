"""Whose folder is whose: names, faces, other photos of one name, finished heads, results."""

import csv
import json
import os
from dataclasses import replace

import pytest

from ml import batch
from ml.cli import main
from ml.errors import UsageError, WeightsMissing
from ml.results import files, folder, report
from ml.results.plan import collect_photos, plan
from ml.results.reconstruction import load_reconstruction
from ml.results.report import Row, RowLog, write_report
from ml.settings import check_face
from tests.support.fake_pipeline import fake_heads, tiny_head


def run(*arguments):
    return main([str(argument) for argument in arguments], reconstruct=fake_heads)


def photo(where, name, content=None):
    where.mkdir(parents=True, exist_ok=True)
    (where / name).write_bytes(content or str(where / name).encode())
    return where / name


def statuses(out):
    return [row["status"] for row in json.loads((out / "report.json").read_text())]


def names(photos, out):
    return [task.folder.name for task in plan(photos, out)]


def test_no_photo_gets_the_folder_of_another_ones_face(tmp_path):
    out = tmp_path / "out"
    for given in (("two.jpg", "two_face2.jpg"), ("two_face2.jpg", "two.jpg")):
        taken = names([tmp_path / name for name in given], out)
        assert taken == [given[0][:-4], f"{given[1][:-4]}_jpg"]
    photos = [photo(tmp_path / "in", name) for name in ("two.jpg", "two_face2.jpg")]
    assert run(*photos, "--out", out, "--face", "all") == 0
    heads = [row["heads"] for row in json.loads((out / "report.json").read_text())]
    assert len({name for several in heads for name in several}) == 4
    for several, one in zip(heads, photos, strict=True):
        for head in several:
            assert load_reconstruction(out / head).provenance.photo_name == one.name


def test_a_later_run_leaves_the_heads_of_other_photos(tmp_path):
    out = tmp_path / "out"
    first, other = photo(tmp_path / "one", "two.jpg"), photo(tmp_path / "other", "two.jpg")
    named = photo(tmp_path / "one", "two_face2.jpg")
    run(first, "--out", out, "--face", "all")
    assert names([first], out) == ["two"]
    assert names([other], out) == ["two_jpg"]
    assert names([named], out) == ["two_face2_jpg"]
    run(other, "--out", out)
    assert [names([one], out) for one in (first, other)] == [["two"], ["two_jpg"]]
    # The second face's folder would be the other photo's own.
    run(named, "--out", tmp_path / "late")
    assert names([first], tmp_path / "late") == ["two_jpg"]


def test_long_names_are_shortened(tmp_path):
    long = "\N{LATIN SMALL LETTER E WITH ACUTE}" * 125
    photos = [photo(tmp_path / "in", f"two{long[2:]}.jpg", b"a"), tmp_path / f"{long}.jpeg"]
    namesakes = [tmp_path / "other" / one.name for one in photos]
    taken = names([*photos, *namesakes], tmp_path)
    assert len(set(taken)) == 4
    assert all(len(os.fsencode(f"{name}_face999")) <= 255 for name in taken)
    assert run(photos[0], "--out", tmp_path / "out", "--face", "all") == 0


def test_names_that_a_file_system_takes_for_one(tmp_path):
    composed, apart = "Jos\N{LATIN SMALL LETTER E WITH ACUTE}", "Jose\N{COMBINING ACUTE ACCENT}"
    assert names([tmp_path / f"{composed}.jpg", tmp_path / f"{apart}.jpg"], tmp_path) == [
        composed,
        f"{apart}_jpg",
    ]
    assert names([tmp_path / "report.jsonl.png"], tmp_path) == ["report.jsonl_png"]


@pytest.mark.parametrize(
    "other",
    [
        ["--level", "high"],
        ["--detail", "off"],
        ["--texture-size", "512"],
        ["--landmarks", "face-alignment"],
        ["--renderer", "pytorch3d"],
        ["--preview"],
        ["--face", "all"],
    ],
)
def test_other_settings_are_not_finished(tmp_path, other):
    given = (photo(tmp_path / "in", "two.jpg"), "--out", tmp_path / "out", "--skip-existing")
    for arguments, status in (([], "ok"), ([], "skipped"), (other, "ok"), (other, "skipped")):
        assert run(*given, *arguments) == 0
        assert statuses(tmp_path / "out") == [status]


def test_another_photo_of_the_same_name_is_not_finished(tmp_path):
    out = tmp_path / "out"
    run(photo(tmp_path / "one", "me.jpg"), "--out", out)
    assert run(photo(tmp_path / "other", "me.jpg"), "--out", out, "--skip-existing") == 0
    assert statuses(out) == ["ok"]
    assert [(out / name).is_dir() for name in ("me", "me_jpg")] == [True, True]


@pytest.mark.parametrize("gone", ["two_face2", "two/albedo.png", "two/reconstruction.npz"])
def test_what_is_missing_is_made_again(tmp_path, gone):
    out = tmp_path / "out"
    given = (photo(tmp_path / "in", "two.jpg"), "--out", out, "--face", "all", "--skip-existing")
    assert run(*given) == 0
    (out / gone).rename(tmp_path / "gone")
    assert run(*given) == 0
    assert statuses(out) == ["ok"]
    assert (out / gone).exists()


@pytest.mark.parametrize(
    "text",
    [
        '{"status": "ok", "model": null}',
        '{"status": "ok", "model": [], "face": {"of": 1}, "photo": 3}',
        '{"status": "ok", "face": {"of": 1e99}, "images": 3}',
        '{"status": "ok", "face": {"of": true}, "model": {"id": {}}}',
        "[" * 100_000,
        "\ud800",
        "",
        "null",
    ],
)
def test_a_damaged_record_is_made_anew(tmp_path, text):
    out = tmp_path / "out"
    given = (photo(tmp_path / "in", "me.jpg"), photo(tmp_path / "in", "z.jpg"))
    (out / "me").mkdir(parents=True)
    (out / "me/reconstruction.json").write_text(text, errors="surrogatepass")
    assert run(*given, "--out", out, "--skip-existing") == 0
    assert statuses(out) == ["ok", "ok"]
    load_reconstruction(out / "me")


def test_a_missing_card_fails_the_photo_and_not_the_batch(tmp_path, monkeypatch):
    out, one = tmp_path / "out", photo(tmp_path / "in", "me.jpg")
    run(one, "--out", out)

    def missing():
        raise WeightsMissing("The card is missing", "Install Effigy again")

    monkeypatch.setattr(folder, "current_model", missing)
    assert run(one, "--out", out, "--skip-existing") == 1
    assert statuses(out) == ["failed"]


def test_results_are_never_photos(tmp_path):
    inside = tmp_path / "in"
    photo(inside / "deep", "a.jpg")
    photo(inside, "b.jpg")
    for out in (inside / "heads", inside, inside / "heads"):
        assert run(inside, "--recursive", "--out", out, "--preview") == 0
        assert len(statuses(out)) == 2
    # Also where there is no record: what a killed run left, and pictures of another kind.
    (inside / "heads/a/reconstruction.json").unlink()
    photo(inside / "b" / files.PARTIAL, "albedo.png")
    photo(inside / "heads/renders", "render.png")
    assert len(collect_photos([inside], recursive=True, out=inside / "heads")) == 2
    # Photos within the folder of results are photos, and so is what is named itself.
    photo(tmp_path / "all/photos", "c.jpg")
    assert len(collect_photos([tmp_path / "all/photos"], out=tmp_path / "all")) == 1
    assert collect_photos([inside / "b/photo.jpg"]) == [inside / "b/photo.jpg"]


def test_an_unreadable_source_is_named(tmp_path, monkeypatch, capsys):
    source = tmp_path / "private"
    source.mkdir()

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("ml.results.plan.os.scandir", refuse)
    with pytest.raises(UsageError, match=r"Access to .*private is not allowed"):
        collect_photos([source])
    assert run(source, "--out", tmp_path / "out") == 2
    assert "error: " in capsys.readouterr().err


def test_a_face_of_thousands_of_digits_is_refused():
    for face in ("9" * 5000, "0" * 5000, "-1", ""):
        with pytest.raises(UsageError, match="choice of face"):
            check_face(face)


def test_a_report_never_raises_and_never_loses_the_earlier_one(tmp_path, monkeypatch, caplog):
    rows = [Row("a\udce9.jpg", "ok"), Row("line\nbreak.jpg", "failed", error="why, \udce9")]
    path = write_report(rows, tmp_path)
    assert [row["photo"] for row in json.loads(path.read_text())] == [row.photo for row in rows]
    with (tmp_path / "report.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["photo"] for row in table] == ["a\\udce9.jpg", "line\nbreak.jpg"]

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for owner, name in ((files.os, "replace"), (report.json, "dumps"), (report, "replacing")):
        monkeypatch.setattr(owner, name, full)
        assert write_report(rows[:1], tmp_path) is None
        monkeypatch.undo()
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    (tmp_path / "report.jsonl").mkdir()
    log = RowLog(tmp_path)
    for row in rows:
        log.add(row)
    assert sum("report.jsonl is a folder" in text for text in caplog.messages) == 1


def test_a_batch_goes_on_where_its_report_cannot_be_written(tmp_path, capsys):
    out = tmp_path / "out"
    (out / "report.json").mkdir(parents=True)
    assert run(photo(tmp_path / "in", "a.jpg"), "--out", out) == 0
    assert f"The report cannot be written to {out}" in capsys.readouterr().err
    assert json.loads((out / "report.jsonl").read_text())["status"] == "ok"


def test_a_full_disk_fails_the_photo_and_leaves_its_earlier_head(tmp_path, monkeypatch):
    out, one = tmp_path / "out", photo(tmp_path / "in", "a.jpg")
    run(one, "--out", out)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder, "write_files", full)
    assert run(one, "--out", out, "--level", "high") == 1
    assert statuses(out) == ["failed"]
    assert load_reconstruction(out / "a").confidence == 0.75
    monkeypatch.undo()
    assert run(one, "--out", out, "--skip-existing") == 0
    assert statuses(out) == ["skipped"]


def test_a_person_that_cannot_be_written_leaves_the_earlier_one(tmp_path, monkeypatch):
    from ml.results.person import SamePerson, photo_folders
    from ml.results.plan import Task

    out = tmp_path / "out"
    photos = tuple(photo(tmp_path / "in", name) for name in ("a.jpg", "b.jpg"))
    heads = tuple(tiny_head(path) for path in photos)
    tasks = [Task(path, out / path.stem) for path in photos]
    batch.write_person(SamePerson(photos, heads), tasks, out)
    real, calls = folder.write_files, []

    def second_fails(head, directory):
        calls.append(directory)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        real(head, directory)

    monkeypatch.setattr(folder, "write_files", second_fails)
    later = tuple(replace(head, confidence=0.1) for head in heads)
    with pytest.raises(OSError, match="No space"):
        batch.write_person(SamePerson(photos, later), tasks, out)
    assert photo_folders(out) == [out / "a", out / "b"]
    assert [load_reconstruction(out / name).confidence for name in "ab"] == [0.75, 0.75]
