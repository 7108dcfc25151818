"""Results that cannot be written: the command line and the engine name the place and a remedy."""

import errno
import io
import json
import os
import shutil

import pytest

from ml import batch
from ml.cli import main
from ml.results import files
from ml.worker import Worker
from tests.support.fake_pipeline import fake_heads, tiny_head


def as_file(out):
    out.write_bytes(b"a file")


def under_a_file(out):
    out.parent.rmdir()
    out.parent.write_bytes(b"a file")


def as_broken_link(out):
    out.symlink_to(out.parent / "nowhere" / "at all")


def as_link_to_itself(out):
    out.symlink_to(out)


PLACES = {
    as_file: "is no folder: a file or a broken link",
    under_a_file: "is no folder: a file or a broken link",
    as_broken_link: "is no folder: a file or a broken link",
    as_link_to_itself: "is no folder: a file or a broken link",
}
NUMBERS = {
    errno.EACCES: "Access to {place} is not allowed",
    errno.EROFS: "{place} is on a disk that is read-only",
    errno.ENOSPC: "The disk is full: {place} could not be written",
    errno.ENAMETOOLONG: "The path {place} is too long",
}


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "in/me.jpg"
    path.parent.mkdir()
    path.write_bytes(b"x")
    return path


@pytest.fixture
def out(tmp_path):
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk/out"


def ask_worker(photo, out):
    """The engine's answer to a request for a head in ``out``."""
    data = {"photo": str(photo), "out": str(out)}
    request = json.dumps({"id": 1, "type": "reconstruct", "data": data})
    answers = io.StringIO()
    Worker(io.StringIO(request + "\n"), answers, lambda p, *_: (tiny_head(p),)).run()
    return json.loads(answers.getvalue().splitlines()[-1])


def refusing(number):
    def refuse(path, *_, **__):
        raise OSError(number, os.strerror(number), str(path))

    return refuse


@pytest.mark.parametrize("make", PLACES)
def test_a_place_that_is_no_folder_is_named(photo, out, make, capsys):
    make(out)
    assert main([str(photo), "--out", str(out)], reconstruct=fake_heads) == 2
    said = capsys.readouterr().err
    answer = ask_worker(photo, out)["data"]
    for text in (said, answer["message"]):
        assert f"{out} {PLACES[make]}" in text
    assert "choose another folder" in said
    assert "choose another folder" in answer["hint"]
    assert "Traceback" not in said


@pytest.mark.parametrize("number", NUMBERS)
def test_a_folder_that_cannot_be_made_is_named(photo, out, number, capsys, monkeypatch):
    monkeypatch.setattr("pathlib.Path.mkdir", refusing(number))
    assert main([str(photo), "--out", str(out)], reconstruct=fake_heads) == 2
    words = NUMBERS[number].format(place=out)
    assert f"error: {words}" in capsys.readouterr().err
    assert words in ask_worker(photo, out)["data"]["message"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EFBIG])
def test_what_ends_in_the_middle_names_the_folder_that_stays(photo, out, number, monkeypatch):
    path = "pathlib.Path.write_text"
    assert main([str(photo), "--out", str(out)], reconstruct=fake_heads) == 0
    before = (out / "me/reconstruction.json").read_bytes()
    monkeypatch.setattr(path, refusing(number))
    assert main([str(photo), "--out", str(out)], reconstruct=fake_heads) == 1
    (row,) = json.loads((out / "report.json").read_text())
    assert str(out / "me") in row["error"]
    assert files.PARTIAL not in row["error"]
    assert row["hint"]
    assert files.PARTIAL not in ask_worker(photo, out / "me")["data"]["message"]
    assert (out / "me/reconstruction.json").read_bytes() == before


def test_a_folder_removed_in_mid_run_costs_one_photo_at_most(photo, out):
    (photo.parent / "next.jpg").write_bytes(b"y")

    def removing(path, settings):
        heads = fake_heads(path, settings)
        if path.stem == "me":
            shutil.rmtree(out)
        return heads

    assert main([str(photo.parent), "--out", str(out)], reconstruct=removing) == 0
    assert [row["status"] for row in json.loads((out / "report.json").read_text())] == ["ok", "ok"]


def test_what_is_removed_while_it_is_written_is_named(photo, out, monkeypatch):
    def removing(heads, folder, **how):
        shutil.rmtree(out)
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(folder / "x"))

    monkeypatch.setattr(batch, "write_heads", removing)
    assert main([str(photo), "--out", str(out)], reconstruct=fake_heads) == 1
    (row,) = json.loads((out / "report.json").read_text())
    assert row["error"] == f"{out / 'me' / 'x'} is not there"


def test_a_folder_that_must_not_be_entered_fails_its_photo_alone(photo, out, monkeypatch):
    (photo.parent / "next.jpg").write_bytes(b"y")
    closed = out / "me"
    closed.mkdir(parents=True)
    stat, make = os.stat, files.tempfile.mkdtemp

    def refuse(path, *arguments, **how):
        if isinstance(path, str | os.PathLike) and str(path).startswith(f"{closed}{os.sep}"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, *arguments, **how)

    def making(**how):
        return refusing(errno.EACCES)(how["dir"]) if how["dir"] == closed else make(**how)

    monkeypatch.setattr(os, "stat", refuse)
    monkeypatch.setattr(files.tempfile, "mkdtemp", making)
    arguments = [str(photo.parent), "--out", str(out), "--skip-existing"]
    assert main(arguments, reconstruct=fake_heads) == 1
    rows = json.loads((out / "report.json").read_text())
    assert [row["error"] for row in rows] == [f"Access to {closed} is not allowed", ""]
