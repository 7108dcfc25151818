"""A batch in shards: which photos are whose, and one report of all in the end."""

import json
from pathlib import Path

import pytest

from ml.cli import main
from ml.errors import UsageError
from ml.results import plan as planning
from ml.results.plan import plan, plan_part
from ml.results.reconstruction import load_reconstruction
from ml.results.report import NAME, Row, write_report
from ml.results.shard import Shard, relative_names, shard_of
from tests.support.fake_pipeline import fake_heads


def run(*arguments):
    return main([str(argument) for argument in arguments], reconstruct=fake_heads)


@pytest.fixture
def album(tmp_path):
    """Photos in folders within, some of one name, some of one content, one without a face."""
    folder = tmp_path / "album"
    names = [f"{where}/{name}.jpg" for where in "ab" for name in ("me", "two", "x1", "x2", "x3")]
    for name in (*names, "noface.jpg", "me.jpg", "me.png", "a/me.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name[-6:].encode())
    return folder


def report(out):
    rows = json.loads((out / "report.json").read_text())
    return [{**row, "seconds": 0, "heads": relative(row["heads"], out)} for row in rows]


def relative(heads, out):
    return [Path(head).relative_to(out).as_posix() for head in heads]


def in_shards(count, album, out, *more):
    for number in range(1, count + 1):
        run(album, "--recursive", "--out", out, "--shard", f"{number}/{count}", *more)


def test_every_photo_is_of_one_shard_and_keeps_it_when_others_come():
    names = [f"folder/{number}.jpg" for number in range(400)]
    parts = [Shard(number, 4) for number in range(1, 5)]
    owners = [[part.number for part in parts if part.holds(name)] for name in names]
    assert {len(owner) for owner in owners} == {1}
    assert all(60 < sum(owner == [number] for owner in owners) < 140 for number in range(1, 5))
    # By what was computed once: a shard must be the same on every machine and in every version.
    first = [letter for letter in "abcdefghij" if Shard(1, 4).holds(f"{letter}.jpg")]
    assert first == ["d", "i", "j"]
    # macOS spells names with accents in another way.
    spelled = [Shard(1, 2).holds(name) for name in ("ren\u00e9.jpg", "rene\u0301.jpg")]
    assert spelled[0] == spelled[1]
    assert any(part.holds("bytes\udce9.jpg") for part in parts)


def test_the_relative_path_decides_wherever_the_folder_lies(tmp_path):
    for folder in (tmp_path / "one", tmp_path / "elsewhere/two"):
        (folder / "deep").mkdir(parents=True)
        named = relative_names([folder / "deep/a.jpg", Path("b.jpg")], [folder, Path("b.jpg")])
        assert named == ["deep/a.jpg", "b.jpg"]


def test_names_below_as_many_folders_as_photos_are_found_without_trying_each(tmp_path, monkeypatch):
    folders = [tmp_path / str(number) for number in range(60)]
    for folder in folders:
        folder.mkdir()
    photos = [folder / "me.jpg" for folder in folders] + [tmp_path / "7/deep/me.jpg"]
    calls, real = [], Path.relative_to
    counted = lambda path, *other: calls.append(path) or real(path, *other)  # noqa: E731
    monkeypatch.setattr(Path, "relative_to", counted)
    named = relative_names(photos, [*folders, tmp_path])
    assert named == ["me.jpg"] * 60 + ["deep/me.jpg"]
    assert len(calls) == len(photos)
    # Of a folder in a folder, the one that was named first counts.
    assert relative_names(photos[-1:], [tmp_path, *folders]) == ["7/deep/me.jpg"]


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "1/0", "a/b", "1/-4", "1/4/2", ""])
def test_a_shard_that_cannot_be_is_refused(text, tmp_path, capsys):
    with pytest.raises(UsageError, match="such as 1/4"):
        shard_of(text)
    (tmp_path / "a.jpg").write_bytes(b"x")
    assert run(tmp_path, "--out", tmp_path / "out", "--shard", text) == 2
    assert "--shard" in capsys.readouterr().err


def test_merged_shards_are_one_undisturbed_run(album, tmp_path):
    one, parts = tmp_path / "one", tmp_path / "parts"
    assert run(album, "--recursive", "--out", one, "--face", "all") == 1
    in_shards(3, album, parts, "--face", "all")
    assert run("report", "merge", parts) == 1
    assert report(parts) == report(one)
    assert len(report(parts)) == 14
    for row in report(one):
        for head in row["heads"]:
            names = [load_reconstruction(out / head).provenance for out in (one, parts)]
            assert names[0] == names[1]


def test_shards_of_nothing_and_of_everything_merge_too(album, tmp_path):
    in_shards(1, album, tmp_path / "one")
    assert run("report", "merge", tmp_path / "one") == 1
    assert len(report(tmp_path / "one")) == 14
    single = tmp_path / "single"
    single.mkdir()
    (single / "a.jpg").write_bytes(b"x")
    in_shards(5, single, tmp_path / "out")
    assert run("report", "merge", tmp_path / "out") == 0
    assert [row["status"] for row in report(tmp_path / "out")] == ["ok"]


def test_a_resumed_shard_reports_what_the_first_run_made(album, tmp_path):
    one, parts = tmp_path / "one", tmp_path / "parts"
    run(album, "--recursive", "--out", one)
    in_shards(3, album, parts)
    log = parts / "report-2-of-3.jsonl"
    # As a killed run leaves it: fewer rows, and half of one.
    lines = log.read_text().splitlines()
    log.write_text("\n".join(lines[:2]) + "\n" + lines[2][:30])
    assert run("report", "merge", parts) == 1
    in_shards(3, album, parts, "--skip-existing")
    assert run("report", "merge", parts) == 1
    assert {row["status"] for row in report(parts)} <= {"ok", "failed", "skipped"}
    assert [row for row in report(parts) if row["status"] != "skipped"] == [
        row
        for row, other in zip(report(one), report(parts), strict=True)
        if other["status"] != "skipped"
    ]
    # Nobody knows any more what was in the lines that were lost.
    assert sum(row["status"] == "skipped" for row in report(parts)) == len(lines) - 2
    in_shards(3, album, parts, "--skip-existing")
    assert len(report(parts)) == 14


def test_what_lacks_is_named_with_its_remedy(album, tmp_path, capsys):
    out = tmp_path / "out"
    in_shards(3, album, out)
    (out / "report-1-of-3.jsonl").unlink()
    log = out / "report-2-of-3.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:-1]))
    assert run("report", "merge", out) == 1
    told = capsys.readouterr().err
    assert "Shard 1 of 3 has not begun: run it with --shard 1/3" in told
    assert "run it with --shard 2/3 --skip-existing" in told
    (out / "report-1-of-2.jsonl").write_text("")
    assert run("report", "merge", out) == 2
    assert "Remove the report-*-of-* files" in capsys.readouterr().err
    assert run("report", "merge", album) == 2
    assert run("report", "merge", tmp_path / "nowhere") == 2


def test_a_later_run_of_a_shard_counts_only_the_photos_that_are_left(album, tmp_path):
    out = tmp_path / "out"
    in_shards(2, album, out)
    (album / "b/x3.jpg").unlink()
    in_shards(2, album, out, "--skip-existing")
    assert run("report", "merge", out) == 1
    rows = report(out)
    assert len(rows) == 13
    assert {row["status"] for row in rows} == {"ok", "failed"}


def test_a_shard_leaves_heads_of_other_photos_and_finds_its_own_again(album, tmp_path):
    out = tmp_path / "out"
    other = tmp_path / "other/x1.jpg"
    other.parent.mkdir()
    other.write_bytes(b"somebody else")
    run(other, "--out", out)
    before = (out / "x1/reconstruction.json").read_bytes()
    for _ in range(2):
        in_shards(2, album, out, "--skip-existing")
    assert (out / "x1/reconstruction.json").read_bytes() == before
    run("report", "merge", out)
    heads = {Path(row["photo"]).relative_to(album).as_posix(): row["heads"] for row in report(out)}
    assert heads["a/x1.jpg"][0].startswith("x1_")
    assert len(heads["a/x1.jpg"][0]) == len("x1_") + 12
    assert heads["b/x1.jpg"] == ["x1_jpg"]


def test_names_of_many_photos_of_one_name_are_found_in_one_go(tmp_path, monkeypatch):
    photos = [tmp_path / str(number) / "img.jpg" for number in range(400)]
    calls, real = [], planning._key
    monkeypatch.setattr(planning, "_key", lambda name: calls.append(name) or real(name))
    folders = [task.folder.name for task in plan(photos, tmp_path / "out")]
    assert folders[:3] + folders[-1:] == ["img", "img_jpg", "img_2", "img_399"]
    assert len(set(folders)) == 400
    assert len(calls) < 20 * len(photos)
    mine = {photos[7]: "7/img.jpg"}
    assert [task.folder.name for task in plan_part(photos, tmp_path / "out", mine)] == ["img_7"]


def test_a_farm_leaves_failed_photos_to_the_report_but_not_parts_that_are_missing(album, tmp_path):
    out = tmp_path / "out"
    run(album, "--recursive", "--out", out, "--shard", "1/2", "--accept-failures")
    assert run("report", "merge", out, "--accept-failures") == 1
    run(album, "--recursive", "--out", out, "--shard", "2/2", "--accept-failures")
    assert run("report", "merge", out) == 1
    assert run("report", "merge", out, "--accept-failures") == 0


def test_shards_of_different_photos_are_said_and_no_photo_is_listed_twice(album, tmp_path, capsys):
    out, again = tmp_path / "out", "--skip-existing"
    run(album, "--recursive", "--out", out, "--shard", "1/2", "--accept-failures")
    # Below another folder photos have other relative paths, so that they are of other shards.
    run(album / "a", "--out", out, "--shard", "2/2", "--accept-failures")
    assert run("report", "merge", out, "--accept-failures") == 1
    assert "were not run on the same photos" in capsys.readouterr().err
    names = [row["photo"] for row in report(out)]
    assert len(names) == len(set(names))
    in_shards(2, album, out, again)
    assert run("report", "merge", out, "--accept-failures") == 0
    added = album / "a/0-first.jpg"
    added.write_bytes(b"new")
    number = next(n for n in (1, 2) if Shard(n, 2).holds("a/0-first.jpg"))
    run(album, "--recursive", "--out", out, "--shard", f"{number}/2", again, "--accept-failures")
    assert run("report", "merge", out, "--accept-failures") == 1
    assert "run all again with --skip-existing" in capsys.readouterr().err
    in_shards(2, album, out, again)
    assert run("report", "merge", out, "--accept-failures") == 0
    assert len(report(out)) == len(names_of(album))


def names_of(album):
    return [path for path in album.rglob("*") if path.is_file()]


def test_no_photo_gets_the_name_of_a_report(tmp_path):
    names = ["report-1-of-4.json.jpg", "coefficients.npz.jpg", "REPORT.html.png"]
    folders = [task.folder.name for task in plan([tmp_path / name for name in names], tmp_path)]
    assert folders == ["report-1-of-4.json_jpg", "coefficients.npz_jpg", "REPORT.html_png"]


def test_a_report_is_written_a_row_at_a_time_as_before(tmp_path, monkeypatch):
    rows = [Row(f'"{number}"\n\\.jpg', "ok", heads=("a", "b")) for number in range(3)]
    for given in ([], rows[:1], rows):
        path = write_report(given, tmp_path)
        table = [vars(row) for row in given]
        assert path.read_text() == json.dumps(table, indent=1) + "\n"
    assert path.name == f"{NAME}.json"
