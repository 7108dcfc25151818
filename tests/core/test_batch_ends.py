"""A batch in processes of its own that is stopped, killed or left alone: it reports and ends."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = """
import sys
from ml.cli import main
from tests.support.fake_pipeline import fake_heads
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], reconstruct=fake_heads))
"""
# Presses Ctrl-C when MODULE begins to load.
INTERRUPTED = """
import os, runpy, signal, sys
class Finder:
    def find_spec(self, name, *_):
        if name == "MODULE":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
runpy.run_module("ml.cli", run_name="__main__")
"""
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are sent")


def make(folder, *names):
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(name.encode())
    return folder


def start(tmp_path, *arguments, **options):
    around = {**os.environ, "PYTHONPATH": str(ROOT), "EFFIGY_TEST": str(tmp_path)}
    command = [sys.executable, "-c", COMMAND, *map(str, arguments)]
    return subprocess.Popen(
        command, env=around, stderr=subprocess.PIPE, text=True, start_new_session=True, **options
    )


def lines(out):
    path = out / "report.jsonl"
    return path.read_text().splitlines() if path.exists() else []


def until(what):
    for _ in range(600):
        if found := what():
            return found
        time.sleep(0.1)
    raise AssertionError("it never came")


def family(tmp_path):
    """Processes that were started for ``tmp_path`` and still run."""
    mark = f"EFFIGY_TEST={tmp_path}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            ours = mark in path.read_bytes().split(b"\0")
        except OSError:
            continue
        if ours:
            found.append(int(path.parent.name))
    return found


def statuses(out):
    rows = json.loads((out / "report.json").read_text())
    return {Path(row["photo"]).name: row["status"] for row in rows}


@pytest.mark.parametrize(
    ("jobs", "number", "group"),
    [
        (1, signal.SIGINT, False),
        (1, signal.SIGTERM, False),
        (2, signal.SIGTERM, False),
        # A terminal sends Ctrl-C to the children, too.
        (2, signal.SIGINT, True),
    ],
)
def test_a_stopped_batch_says_so_in_one_line(tmp_path, jobs, number, group):
    folder, out = make(tmp_path / "in", "a.jpg", "slow.jpg", "slow2.jpg", "z.jpg"), tmp_path / "out"
    batch = start(tmp_path, folder, "--out", out, "--jobs", jobs)
    until(lambda: lines(out))
    time.sleep(0.3)
    send = os.killpg if group else os.kill
    send(batch.pid, number)
    # An impatient person does not get a traceback.
    for again in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(ProcessLookupError):
            os.kill(batch.pid, again)
    told = batch.communicate(timeout=30)[1]
    assert batch.returncode == 1
    assert len(told.splitlines()) == 2, told
    assert f"4 photos: 1 ok, 3 cancelled. Report: {out}" in told.splitlines()[-1]
    cancelled = dict.fromkeys(("slow.jpg", "slow2.jpg", "z.jpg"), "cancelled")
    assert statuses(out) == {"a.jpg": "ok", **cancelled}
    assert len(lines(out)) == 4
    assert not family(tmp_path)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are counted there")
def test_processes_end_with_a_killed_parent(tmp_path):
    folder, out = make(tmp_path / "in", "a.jpg", "slow.jpg", "slow2.jpg"), tmp_path / "out"
    batch = start(tmp_path, folder, "--out", out, "--jobs", 2)
    until(lambda: lines(out))
    assert len(family(tmp_path)) >= 3
    batch.kill()
    batch.communicate()
    until(lambda: not family(tmp_path))
    assert [json.loads(line)["status"] for line in lines(out)] == ["ok"]


@pytest.mark.parametrize("module", ["ml.settings", "numpy", "ml.results.report"])
def test_ctrl_c_while_it_starts_is_one_line(tmp_path, module):
    folder = make(tmp_path / "in", "a.jpg")
    code = INTERRUPTED.replace("MODULE", module)
    command = [sys.executable, "-c", code, str(folder), "--out", str(tmp_path / "out")]
    around = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=around, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, b"Cancelled\n")
    assert not (tmp_path / "out").exists()


def test_shards_run_at_once_and_a_killed_one_goes_on(tmp_path):
    names = [f"{number}.jpg" for number in range(12)]
    folder, out = make(tmp_path / "in", *names, "noface.jpg"), tmp_path / "out"
    (folder / "slow.jpg").symlink_to(folder / "0.jpg")
    shards = [start(tmp_path, folder, "--out", out, "--shard", f"{n}/3") for n in (1, 2, 3)]
    until(lambda: sum(len(path.read_text().splitlines()) for path in logs(out)) == 16)
    for shard in shards:
        shard.kill()
        shard.communicate()
    (folder / "slow.jpg").unlink()
    (folder / "slow.jpg").write_bytes(b"")
    (folder / "slow.jpg").rename(folder / "12.jpg")
    again = (folder, "--out", out, "--skip-existing")
    shards = [start(tmp_path, *again, "--shard", f"{number}/3") for number in (1, 2, 3)]
    for shard in shards:
        shard.communicate(timeout=60)
    start(tmp_path, "report", "merge", out).communicate(timeout=60)
    ok = dict.fromkeys([*names, "12.jpg"], "ok")
    assert statuses(out) == {**ok, "noface.jpg": "failed"}


def logs(out):
    return list(out.glob("report-*-of-3.jsonl"))


def test_whatever_is_raised_gives_a_row(tmp_path):
    names = ("exits.jpg", "good.jpg", "interrupted.jpg", "killed.jpg", "memory.jpg", "torn.jpg")
    folder, out = make(tmp_path / "in", *names), tmp_path / "out"
    batch = start(tmp_path, folder, "--out", out, "--jobs", 2)
    batch.communicate(timeout=60)
    told = {
        row["photo"].split("/")[-1]: row for row in json.loads((out / "report.json").read_text())
    }
    assert {name for name in names if told[name]["status"] == "failed"} == {*names} - {"good.jpg"}
    assert "not enough memory" in told["memory.jpg"]["error"]
    assert "killed" in told["killed.jpg"]["error"]
    assert not list(out.glob("*/.partial*"))
    assert all(told[name]["hint"] for name in names if name != "good.jpg")


def test_a_closed_stderr_does_not_end_the_batch(tmp_path):
    folder, out = make(tmp_path / "in", "a.jpg", "b.jpg", "noface.jpg"), tmp_path / "out"
    batch = start(tmp_path, folder, "--out", out)
    batch.stderr.close()
    assert batch.wait(timeout=60) == 1
    assert statuses(out) == {"a.jpg": "ok", "b.jpg": "ok", "noface.jpg": "failed"}


def test_names_of_any_bytes_in_any_locale(tmp_path):
    folder, out = make(tmp_path / "in"), tmp_path / "out"
    names = [
        b"ren\xe9e.jpg",
        b"line\nbreak.jpg",
        "\N{GRINNING FACE}.jpg".encode(),
        b"noface\xe9.jpg",
    ]
    for name in names:
        try:
            Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_bytes(name)
        except OSError:
            pytest.skip("this file system has names in UTF-8 only")
    for locale in ({}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}):
        around = {**os.environ, "PYTHONPATH": str(ROOT), **locale}
        command = [sys.executable, "-c", COMMAND, str(folder), "--out", str(out)]
        done = subprocess.run(command, env=around, capture_output=True, timeout=60, check=False)
        assert b"Traceback" not in done.stderr
        rows = json.loads((out / "report.json").read_text())
        assert sorted(row["status"] for row in rows) == ["failed", "ok", "ok", "ok"]
        assert len(lines(out)) == 4
        assert (out / "report.csv").read_bytes().count(b",ok,") == 3
