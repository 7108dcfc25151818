"""Batches on a Dask cluster: the same rows as without one, whatever dies meanwhile."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ml.cli import main
from ml.pipeline import cluster as cluster_module
from ml.pipeline.cluster import LOCAL, Cluster, run_on_cluster
from tests.support.cluster_pipeline import deadly_heads

ROOT = Path(__file__).resolve().parents[2]


def photos(folder, *names):
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(name.encode())
    return folder


def run(source, out, *options):
    given = [str(source), "--out", str(out), *options]
    return main(given, reconstruct=deadly_heads)


def rows(out):
    """Without what differs between any two runs."""
    known = {}
    for row in json.loads((out / "report.json").read_text()):
        row.pop("seconds")
        row["heads"] = [Path(head).relative_to(out).as_posix() for head in row["heads"]]
        known[Path(row["photo"]).name] = row
    return known


def test_rows_are_those_of_a_run_without_a_cluster(tmp_path):
    names = [f"{number:02d}.jpg" for number in range(11)] + ["wall.jpg"]
    source = photos(tmp_path / "in", *names)
    assert run(source, tmp_path / "alone") == 1
    assert run(source, tmp_path / "cluster", "--cluster", "local", "--jobs", "2") == 1
    assert rows(tmp_path / "cluster") == rows(tmp_path / "alone")
    for name in names[:-1]:
        assert (tmp_path / "cluster" / name[:2] / "reconstruction.json").is_file()


def test_the_photo_that_ends_workers_is_found_and_the_others_are_done(tmp_path):
    names = [f"{number:02d}.jpg" for number in range(9)] + ["poison.jpg"]
    source, out = photos(tmp_path / "in", *names), tmp_path / "out"
    assert run(source, out, "--cluster", "local", "--jobs", "2") == 1
    found = rows(out)
    assert {name: row["status"] for name, row in found.items()} == {
        **dict.fromkeys(names, "ok"),
        "poison.jpg": "failed",
    }
    assert "ended 2 workers" in found["poison.jpg"]["error"]


@pytest.fixture
def scheduler(tmp_path, monkeypatch, request):
    """A scheduler with two workers, each a process of its own: address, and the processes.

    The parameter: who of them can import Effigy.
    """
    knowing = getattr(request, "param", ("scheduler", "workers"))
    places = {who: str(ROOT) if who in knowing else "" for who in ("scheduler", "workers")}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    monkeypatch.setenv("DASK_TEMPORARY_DIRECTORY", str(tmp_path / "scratch"))
    envs = {who: {**os.environ, "PYTHONPATH": place} for who, place in places.items()}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    processes = [subprocess.Popen(command, env=envs["scheduler"], **quiet)]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address]
    worker += ["--nthreads", "1", "--no-dashboard", "--nworkers", "2", "--memory-limit", "0"]
    worker += ["--local-directory", str(tmp_path / "scratch")]
    processes.append(subprocess.Popen(worker, env=envs["workers"], **quiet))
    yield address, processes
    # A worker says goodbye to its scheduler, if that is still there.
    for process in reversed(processes):
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def test_a_scheduler_elsewhere_is_used_and_its_loss_is_said(tmp_path, scheduler, capsys):
    address, processes = scheduler
    few = photos(tmp_path / "few", "a.jpg", "b.jpg", "wall.jpg")
    assert run(few, tmp_path / "out", "--cluster", address) == 1
    assert {name: row["status"] for name, row in rows(tmp_path / "out").items()} == {
        "a.jpg": "ok",
        "b.jpg": "ok",
        "wall.jpg": "failed",
    }
    many = photos(tmp_path / "many", *(f"slow{number:03d}.jpg" for number in range(300)))
    out = tmp_path / "lost"

    def end() -> None:
        until = time.monotonic() + 60
        while not list(out.glob("*/reconstruction.json")) and time.monotonic() < until:
            time.sleep(0.05)
        processes[0].kill()

    ending = threading.Thread(target=end)
    ending.start()
    assert run(many, out, "--cluster", address) == 1
    ending.join()
    told = capsys.readouterr().err
    assert f"The cluster {address} cannot be reached" in told
    assert "--skip-existing" in told
    states = {row["status"] for row in rows(out).values()}
    assert len(rows(out)) == 300
    assert "cancelled" in states


@pytest.mark.parametrize(
    ("scheduler", "who"),
    [(("scheduler",), "The worker tcp://"), (("workers",), "The scheduler")],
    indirect=["scheduler"],
)
def test_who_lacks_effigy_is_named_and_not_ended_by_what_it_cannot_import(
    tmp_path, scheduler, who, capsys
):
    address, processes = scheduler
    source = photos(tmp_path / "in", "a.jpg", "b.jpg")
    assert run(source, tmp_path / "out", "--cluster", address) == 1
    told = capsys.readouterr().err
    assert f"error: {who}" in told
    assert "of the cluster does not have Effigy" in told
    assert "PYTHONPATH" in told
    assert {row["status"] for row in rows(tmp_path / "out").values()} == {"cancelled"}
    assert [process.poll() for process in processes] == [None, None]


def test_what_is_no_cluster_is_refused(tmp_path, capsys):
    source = photos(tmp_path / "in", "a.jpg")
    assert run(source, tmp_path / "out", "--cluster", "somewhere") == 2
    assert "is no cluster" in capsys.readouterr().err
    assert run(source, tmp_path / "out", "--cluster", "local", "--same-person") == 2
    assert "does not go with" in capsys.readouterr().err


def test_a_missing_package_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    source = photos(tmp_path / "in", "a.jpg")
    assert run(source, tmp_path / "out", "--cluster", "local") == 1
    assert 'pip install "dask[distributed]"' in capsys.readouterr().err


def test_no_items_need_no_cluster(monkeypatch):
    monkeypatch.setattr(cluster_module, "load_distributed", lambda: 1 / 0)
    assert list(run_on_cluster([], Cluster(LOCAL, 1), deadly_heads)) == []


def test_failed_photos_can_be_left_to_the_report(tmp_path):
    source = photos(tmp_path / "in", "a.jpg", "wall.jpg")
    assert run(source, tmp_path / "out", "--accept-failures") == 0
    assert rows(tmp_path / "out")["wall.jpg"]["status"] == "failed"
    taken = tmp_path / "file"
    taken.write_text("")
    assert run(source, taken, "--accept-failures") == 2
