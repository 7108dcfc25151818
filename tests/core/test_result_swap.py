"""A result is whole and of one run: after a kill, on a full disk, with two runs at once."""

import errno
import json
import os
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from ml.data import Detail
from ml.errors import HeadError
from ml.results import files, reconstruction
from ml.results.files import Replacement, is_whole, locked, replacing, sweep
from ml.results.folder import is_complete, write_heads
from ml.results.person import photo_folders
from ml.results.reconstruction import load_reconstruction, save_reconstruction
from tests.support.fake_pipeline import tiny_head

# Kills itself at the given call of the given function while it writes the second head.
KILLED = """
import os, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from ml.results import files
from ml.results.folder import write_heads
from tests.support.fake_pipeline import tiny_head
folder, name, step = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
owner, attribute = {"replace": (os, "replace"), "array": (np.lib.format, "write_array"),
    "image": (files, "write_image"), "text": (Path, "write_text")}[name]
real, calls = getattr(owner, attribute), 0
def counted(*a, **k):
    global calls
    calls += 1
    if calls == step:
        os._exit(9)
    return real(*a, **k)
setattr(owner, attribute, counted)
if name == "image":
    from ml.results import reconstruction
    reconstruction.write_image = counted
head = tiny_head(Path("new.jpg"))
mesh = replace(head.mesh, vertices=head.mesh.vertices + 7)
write_heads([replace(head, mesh=mesh, confidence=0.5, albedo=None)], folder)
"""


def other_head(photo):
    head = tiny_head(photo)
    return replace(head, mesh=replace(head.mesh, vertices=head.mesh.vertices + 7), confidence=0.5)


def state(folder):
    """old, new or error; fails on a mixture."""
    try:
        head = load_reconstruction(folder)
    except HeadError as error:
        return "error" if "not a complete reconstruction" in str(error) else str(error)
    old = head.confidence == 0.75
    assert float(head.mesh.vertices.min()) == (0 if old else 7)
    assert (folder / "albedo.png").exists() == old
    assert is_complete(folder)
    return "old" if old else "new"


STEPS = [("array", 1), ("array", 9), ("image", 1), ("text", 1)]
# Each file, the ``.json`` too, is moved twice: what was there aside, and what is new in its place.
MOVED = len(files.RESULT_NAMES) + 1
STEPS += [("replace", step) for step in (1, 2, 3, *range(MOVED - 1, MOVED + 3))]
STEPS += [("replace", step) for step in (2 * MOVED - 1, 2 * MOVED, 2 * MOVED + 1)]


def test_a_kill_at_any_step_leaves_the_old_the_new_or_a_clear_error(tmp_path, run_code):
    seen = []
    for name, step in STEPS:
        folder = tmp_path / f"{name}{step}"
        save_reconstruction(tiny_head(tmp_path / "old.jpg"), folder)
        code = f"import sys; sys.argv[1:] = {[str(folder), name, str(step)]!r}\n"
        run_code(code + KILLED.replace("os._exit(9)", "os._exit(0)"))
        seen.append(state(folder))
        # What was left half written goes with the next run.
        save_reconstruction(tiny_head(tmp_path / "old.jpg"), folder)
        assert state(folder) == "old"
        assert {path.name for path in folder.iterdir()} == {
            "reconstruction.npz",
            "reconstruction.json",
            "albedo.png",
            "photo.jpg",
        }
    assert seen[:5] == ["old"] * 5
    assert set(seen) == {"old", "error", "new"}


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("step", range(1, 17))
def test_a_swap_that_fails_puts_everything_back(tmp_path, monkeypatch, step):
    folder = tmp_path / "head"
    save_reconstruction(tiny_head(tmp_path / "old.jpg"), folder)
    real, calls = os.replace, []

    def counted(source, target):
        calls.append(source)
        return full() if len(calls) == step else real(source, target)

    monkeypatch.setattr(files.os, "replace", counted)
    with pytest.raises(OSError, match="No space"):
        save_reconstruction(replace(other_head(tmp_path / "new.jpg"), albedo=None), folder)
    monkeypatch.undo()
    assert state(folder) == "old"
    assert not list(folder.glob(".partial*"))


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (np.lib.format, "write_array"),
        (reconstruction, "write_image"),
        (reconstruction, "write_maps"),
        (reconstruction.Path, "write_text"),
        (files.tempfile, "mkdtemp"),
    ],
)
def test_a_full_disk_leaves_the_earlier_head(tmp_path, monkeypatch, owner, name):
    folder = tmp_path / "head"
    save_reconstruction(tiny_head(tmp_path / "old.jpg"), folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    head = other_head(tmp_path / "new.jpg")
    head = replace(head, detail=Detail("relief", np.zeros((4, 3), np.float32)))
    monkeypatch.setattr(owner, name, full)
    with pytest.raises(OSError, match="No space"):
        write_heads([head], folder)
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_failing_file_raises_when_no_other_is_being_written():
    done, late = [], threading.Event()

    def slow():
        late.wait(10)
        done.append("slow")

    def second():
        threading.Timer(0.05, late.set).start()
        raise OSError(errno.ENOSPC, "second")

    with pytest.raises(OSError, match="second"):
        files.side_by_side([second, slow, full])
    assert done == ["slow"]
    with pytest.raises(OSError, match="No space"):
        files.side_by_side([slow, full, second])


def test_nothing_of_an_earlier_run_stays(tmp_path):
    maps = np.full((8, 8, 3), 128, np.uint8)
    detail = Detail("relief", np.zeros((4, 3), np.float32), maps, maps.astype(np.uint16))
    write_heads([replace(tiny_head(tmp_path / "a.jpg"), detail=detail)], tmp_path, preview=True)
    (tmp_path / "person.json").write_text("{}")
    (tmp_path / "mine.blend").write_text("the person's own")
    kept = {"reconstruction.npz", "reconstruction.json", "mine.blend"}
    images = {"albedo.png", "photo.jpg", "detail_normal.png", "detail_displacement.png"}
    assert {path.name for path in tmp_path.iterdir()} == {
        *kept,
        *images,
        "preview.png",
        "turntable.js",
        "person.json",
    }
    about = json.loads((tmp_path / "reconstruction.json").read_text())
    assert set(about["images"]) == {*images, "preview.png"}
    write_heads([replace(tiny_head(tmp_path / "a.jpg"), albedo=None, photo_rgb=None)], tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == kept
    assert photo_folders(tmp_path) == [tmp_path]


def test_two_runs_at_once_leave_one_of_them(tmp_path):
    heads = [tiny_head(tmp_path / "a.jpg"), replace(other_head(tmp_path / "b.jpg"), albedo=None)]
    failed = []
    done = threading.Event()

    def write(head):
        try:
            for _ in range(15):
                save_reconstruction(head, tmp_path / "head")
        except OSError as error:
            failed.append(error)

    def read():
        while not done.is_set():
            try:
                head = load_reconstruction(tmp_path / "head")
            except HeadError:
                continue
            if float(head.mesh.vertices.min()) != (0 if head.confidence == 0.75 else 7):
                failed.append("a mixture")

    writers = [threading.Thread(target=write, args=(head,)) for head in heads]
    reader = threading.Thread(target=read)
    for thread in (*writers, reader):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert failed == []
    assert state(tmp_path / "head") in ("old", "new")


def test_a_folder_that_another_run_holds_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LOCK_SECONDS", 0.1)
    with Replacement(tmp_path), pytest.raises(OSError, match="another run") as busy:
        save_reconstruction(tiny_head(tmp_path / "a.jpg"), tmp_path)
    assert busy.value.filename == str(tmp_path)


def test_a_result_that_is_replaced_while_it_is_read_is_refused(tmp_path, monkeypatch):
    save_reconstruction(tiny_head(tmp_path / "a.jpg"), tmp_path)
    real = reconstruction.read_about

    def slow(directory):
        about = real(directory)
        time.sleep(0.01)
        save_reconstruction(other_head(tmp_path / "b.jpg"), tmp_path)
        return about

    monkeypatch.setattr(reconstruction, "read_about", slow)
    with pytest.raises(HeadError, match="replaced while it was read"):
        load_reconstruction(tmp_path)


@pytest.mark.parametrize("name", ["reconstruction.npz", "albedo.png", "photo.jpg"])
def test_a_cut_file_is_not_finished(tmp_path, name):
    save_reconstruction(tiny_head(tmp_path / "a.jpg"), tmp_path)
    assert is_complete(tmp_path)
    whole = (tmp_path / name).read_bytes()
    for length in (0, len(whole) // 2, len(whole) - 1):
        (tmp_path / name).write_bytes(whole[:length])
        assert not is_whole(tmp_path / name)
        assert not is_complete(tmp_path)
    (tmp_path / name).unlink()
    assert not is_complete(tmp_path)


def test_what_a_killed_run_left_is_removed_unless_it_is_alive(tmp_path):
    folder = tmp_path / "me"
    save_reconstruction(tiny_head(tmp_path / "a.jpg"), folder)
    for path in (folder, tmp_path / "me_face2", tmp_path / "other"):
        (path / ".partial-x").mkdir(parents=True)
    with locked(folder):
        sweep(folder)
        assert (folder / ".partial-x").exists()
    sweep(folder)
    assert state(folder) == "old"
    assert not list(folder.glob(".partial*"))
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["me", "other"]
    sweep(tmp_path / "nowhere")


def test_a_text_is_replaced_whole_or_not_at_all(tmp_path):
    target = tmp_path / "report.json"
    target.write_text("old")
    with pytest.raises(UnicodeEncodeError), replacing(target) as file:
        file.write("half" + chr(0xDCE9))
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
    with replacing(target) as file:
        file.write("new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["new"]
