"""Coefficients in one file of columns instead of heads, and heads of some of its rows."""

import json
import os
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.cli import main
from ml.commands import build
from ml.errors import HeadError, UsageError
from ml.pipeline.built import read_estimates
from ml.results import joined, store
from ml.results.columns import NpzColumns
from ml.results.estimate import COLUMNS
from ml.results.files import locked
from ml.results.origin import statement_of_many
from ml.results.reconstruction import load_reconstruction
from ml.settings import Settings
from ml.version import effigy_version
from tests.support.fake_pipeline import fake_estimates, tiny_head

KINDS = ["npz", "parquet"]


@pytest.fixture(params=KINDS)
def kind(request):
    if request.param == "parquet":
        pytest.importorskip("pyarrow.parquet", exc_type=ImportError)
    return request.param


@pytest.fixture
def album(tmp_path):
    folder = tmp_path / "album"
    for name in ("a.jpg", "deep/a.jpg", "deep/two.jpg", "noface.jpg", "z-longer.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def run(album, out, *more, estimating=fake_estimates):
    given = [album, "--recursive", "--face", "all", "--out", out, "--write", "coefficients", *more]
    return main([str(word) for word in given], estimating=estimating)


def rows(out):
    return {
        Path(row["photo"]).name: row["status"]
        for row in json.loads((out / "report.json").read_text())
    }


def trust(out):
    names = ("photo", "confidence", "quality", "quality_reason")
    return [[row[name] for name in names] for row in json.loads((out / "report.json").read_text())]


def told(path):
    columns = joined.open_columns(path)
    numbers = np.arange(columns.count)
    found = {name: columns.read(name, numbers).tolist() for name in COLUMNS} | columns.about
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}Z", found["provenance"].pop("date"))
    return found


def test_a_file_has_a_row_for_every_face_and_no_heads_are_written(album, tmp_path, kind):
    out = tmp_path / "out"
    assert run(album, out, "--columns", kind) == 1
    path = out / f"coefficients.{kind}"
    reports = {"report.json", "report.csv", "report.jsonl", "report.html"}
    assert {item.name for item in out.iterdir()} == {
        *reports,
        "report.json.provenance.json",
        path.name,
    }
    found = told(path)
    photos = ["a.jpg", "deep/a.jpg", "deep/two.jpg", "deep/two.jpg", "z-longer.jpg"]
    assert found["photo"] == photos
    assert (found["face"], found["faces"]) == ([1, 1, 1, 2, 1], [1, 1, 2, 2, 1])
    assert found["quality"] == [1 / 3] * 5
    assert (found["settings"]["face"], len(found["expression_names"])) == ("all", 52)
    settings = Settings(face="all")
    names = dict.fromkeys(album / name for name in photos)
    expected = [face for name in names for face in fake_estimates(name, settings)]
    assert found["provenance"] == statement_of_many(effigy_version())
    for estimate, row in zip(expected, read_estimates(path, range(5)), strict=True):
        for name in ("identity", "expression"):
            values = [getattr(one.coefficients, name) for one in (estimate, row)]
            np.testing.assert_array_equal(*values)
        assert row.provenance == replace(estimate.provenance, model_licence=licence(path))
        for name in ("intrinsics", "rotation", "translation"):
            np.testing.assert_array_equal(getattr(row.camera, name), getattr(estimate.camera, name))
        assert (row.face_box, row.face) == (estimate.face_box, estimate.face)


def licence(path):
    return joined.open_columns(path).about["model"]["licence"]


def test_anyone_reads_the_columns_with_numpy(album, tmp_path):
    run(album, tmp_path / "out")
    with np.load(tmp_path / "out/coefficients.npz", allow_pickle=False) as archive:
        assert set(archive.files) == {*COLUMNS, "about.json"}
        assert archive["photo"][1] == "deep/a.jpg"
        assert archive["landmarks_478"].shape == (5, 478, 2)


def test_a_resumed_file_is_that_of_an_undisturbed_run(album, tmp_path, kind, monkeypatch):
    monkeypatch.setattr(store, "PART", 2)
    whole, out = tmp_path / "whole", tmp_path / "out"
    run(album, whole, "--columns", kind)
    done = []

    def killed(photo, settings):
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(photo)
        return fake_estimates(photo, settings)

    assert run(album, out, "--columns", kind, estimating=killed) == 1
    assert not (out / f"coefficients.{kind}").exists()
    # What a killed run was writing.
    (out / "coefficients.parts/new").write_bytes(b"PK")
    (out / "coefficients.parts/00000099.npz").write_bytes(b"PK")
    again = []

    def counting(photo, settings):
        again.append(photo)
        return fake_estimates(photo, settings)

    assert run(album, out, "--columns", kind, "--skip-existing", estimating=counting) == 1
    assert len(again) == 2
    assert sorted(rows(out).values()) == ["failed", "ok", "skipped", "skipped"]
    assert trust(out) == trust(whole)
    assert told(out / f"coefficients.{kind}") == told(whole / f"coefficients.{kind}")
    assert not (out / "coefficients.parts").exists()


def test_a_note_about_consent_is_kept_and_goes_into_the_heads_that_are_built(album, tmp_path, kind):
    out = tmp_path / "out"
    run(album, out, "--columns", kind, "--consent", "Ada, 2026")
    before = told(path := out / f"coefficients.{kind}")
    # It is no setting that coefficients depend on.
    run(album, out, "--columns", kind, "--skip-existing")
    assert sorted(rows(out).values()) == ["failed", "skipped", "skipped", "skipped"]
    assert told(path) == before
    assert before["provenance"]["consent"] == "Ada, 2026"
    (estimate,) = read_estimates(path, [0])
    assert estimate.provenance.to_json()["provenance"]["consent"] == "Ada, 2026"


def test_changed_photos_and_other_settings_are_done_anew(album, tmp_path):
    out = tmp_path / "out"
    run(album, out)
    before = told(out / "coefficients.npz")
    (album / "a.jpg").write_bytes(b"another")
    (album / "z-longer.jpg").rename(album / "noface2.jpg")
    run(album, out, "--skip-existing")
    after = told(out / "coefficients.npz")
    assert after["photo"] == ["a.jpg", "deep/a.jpg", "deep/two.jpg", "deep/two.jpg"]
    assert after["sha256"][0] != before["sha256"][0]
    assert after["sha256"][1] == before["sha256"][1]
    run(album, out, "--skip-existing", "--level", "low")
    assert "skipped" not in rows(out).values()
    assert told(out / "coefficients.npz")["settings"]["level"] == "low"


def test_shards_write_files_of_their_own(album, tmp_path):
    whole, out = tmp_path / "whole", tmp_path / "out"
    run(album, whole)
    for number in (1, 2):
        run(album, out, "--shard", f"{number}/2")
    parts = [told(path) for path in sorted(out.glob("coefficients-*-of-2.npz"))]
    faces = [pair for part in parts for pair in zip(part["photo"], part["face"], strict=True)]
    one = told(whole / "coefficients.npz")
    assert sorted(faces) == sorted(zip(one["photo"], one["face"], strict=True))


def test_two_runs_do_not_write_one_file(album, tmp_path, capsys):
    out = tmp_path / "out"
    (out / "coefficients.parts").mkdir(parents=True)
    with locked(out / "coefficients.parts"):
        assert run(album, out) == 2
    assert "Wait until it has ended" in capsys.readouterr().err
    assert not (out / "report.jsonl").exists()


@pytest.mark.parametrize("writer", ["write_npz", "write_joined"])
def test_a_full_disk_ends_the_run_and_keeps_what_was_there(
    album, tmp_path, monkeypatch, capsys, writer
):
    out = tmp_path / "out"
    run(album, out)
    before = (out / "coefficients.npz").read_bytes()

    def full(path, *_):
        path.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, writer, full)
    assert run(album, out) == 1
    assert "The disk is full" in capsys.readouterr().err
    assert (out / "coefficients.npz").read_bytes() == before
    assert not list(out.rglob("new")) + list(out.rglob("joined"))


@pytest.mark.parametrize(
    "more",
    [
        ["--write", "poems"],
        ["--columns", "csv"],
        ["--preview"],
        ["--pins", "pins.json"],
        ["--same-person", "--face", "prominent"],
    ],
)
def test_what_does_not_go_together_is_refused(album, tmp_path, more, capsys):
    assert run(album, tmp_path / "out", *more) == 2
    assert "error: " in capsys.readouterr().err


def test_parquet_without_its_package_is_refused_with_the_remedy(
    album, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    assert run(album, tmp_path / "out", "--columns", "parquet") == 1
    assert "pip install pyarrow" in capsys.readouterr().err
    assert not list((tmp_path / "out").iterdir())
    (tmp_path / "some.parquet").write_bytes(b"PAR1")
    assert main(["build", str(tmp_path / "some.parquet"), "--out", str(tmp_path / "heads")]) == 2
    assert "pip install pyarrow" in capsys.readouterr().err


def test_rows_are_read_where_they_lie(tmp_path, monkeypatch):
    """However many rows a file has, some of them are read without the others."""
    count = 50_000
    layouts = {"photo": np.array(["a"] * count), "landmarks_478": np.zeros((count, 478, 2), "f4")}
    layouts["landmarks_478"][:, 0, 0] = np.arange(count)
    path = tmp_path / "many.npz"
    given = {
        name: (joined.Layout(values.dtype, values.shape[1:]), [values])
        for name, values in layouts.items()
    }
    store.write_npz(path, given, count, {})
    import tracemalloc

    tracemalloc.start()
    columns = NpzColumns(path)
    picked = columns.read("landmarks_478", np.array([3, 49_999]))
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
    assert picked[:, 0, 0].tolist() == [3, 49_999]


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"no archive at all"])
def test_a_damaged_file_is_named(tmp_path, damage, capsys):
    path = tmp_path / "coefficients.npz"
    path.write_bytes(damage)
    with pytest.raises(HeadError, match="no whole file of coefficients"):
        joined.open_columns(path)
    assert main(["build", str(path), "--out", str(tmp_path / "out")]) == 2
    assert main(["build", str(tmp_path / "gone.npz"), "--out", str(tmp_path / "out")]) == 2
    assert "--write coefficients" in capsys.readouterr().err


def test_a_cut_file_is_refused(album, tmp_path):
    run(album, tmp_path / "out")
    whole = (tmp_path / "out/coefficients.npz").read_bytes()
    for size in (len(whole) // 2, len(whole) - 30):
        (tmp_path / "cut.npz").write_bytes(whole[:size])
        with pytest.raises(HeadError, match="no whole file"):
            joined.open_columns(tmp_path / "cut.npz")


def test_rows_by_number():
    assert build.rows_in("3,1-2, 2", 4).tolist() == [1, 2, 3]
    assert build.rows_in("all", 2).tolist() == [0, 1]
    for text in ("4", "2-1", "a", "", "-1", "1,,2", "0-4"):
        with pytest.raises(UsageError, match="has 4 rows"):
            build.rows_in(text, 4)


class Building:
    """Makes tiny heads and remembers the rows that they are of."""

    def __init__(self, heads):
        self.heads = heads

    def __call__(self, photo, settings):
        return tuple(
            replace(tiny_head(photo), confidence=row / 8, settings=settings)
            for row in self.heads.rows[photo]
        )


def test_build_makes_whole_photos_into_the_folders_of_a_run(album, tmp_path, kind):
    out, heads = tmp_path / "out", tmp_path / "heads"
    run(album, out, "--columns", kind)
    given = [str(out / f"coefficients.{kind}"), "--out", str(heads)]
    assert build.main([*given, "--rows", "3,0"], Building) == 0
    names = {"a": 0, "two": 2, "two_face2": 3}
    assert {item.name for item in heads.iterdir() if item.is_dir()} == set(names)
    for name, row in names.items():
        assert load_reconstruction(heads / name).confidence == row / 8
    assert rows(heads) == {"a.jpg": "ok", "two.jpg": "ok"}
    assert build.main([*given, "--rows", "0-3", "--skip-existing"], Building) == 0
    table = json.loads((heads / "report.json").read_text())
    assert [row["status"] for row in table] == ["skipped", "ok", "skipped"]


def test_build_says_where_to_look_for_photos_that_are_gone(album, tmp_path):
    out, heads = tmp_path / "out", tmp_path / "heads"
    run(album, out)
    shutil.move(album, tmp_path / "moved")
    (tmp_path / "moved/z-longer.jpg").write_bytes(b"another photo")
    given = ["build", str(out / "coefficients.npz"), "--out", str(heads)]
    assert main([*given, "--rows", "0"]) == 1
    row = json.loads((heads / "report.json").read_text())[0]
    assert (row["status"], "--photos" in row["hint"]) == ("failed", True)
    assert os.fspath(album / "a.jpg") in row["error"]
