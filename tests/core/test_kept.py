"""Arrays kept between runs: made once for the same inputs and code, and anew whatever is wrong."""

import os

import numpy as np
import pytest

from ml.assets import kept as module
from ml.assets.kept import MOST_FILES, kept
from ml.environment import CACHE_VARIABLE

INPUTS = {"mean": np.arange(6, dtype=np.float32).reshape(2, 3)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


class Maker:
    """Makes arrays, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self):
        self.times += 1
        return {"face": np.full((3, 2), self.times, np.int32), "depth": np.ones(2, np.float32)}


def test_the_same_inputs_are_made_once(folder):
    make = Maker()
    first, again = kept("map", INPUTS, make), kept("map", INPUTS, make)
    assert make.times == 1
    for name, array in first.items():
        np.testing.assert_array_equal(again[name], array)
        assert again[name].dtype == array.dtype


@pytest.mark.parametrize(
    "other",
    [
        {"mean": INPUTS["mean"] + 1},
        {"mean": INPUTS["mean"].astype(np.float64)},
        {"mean": INPUTS["mean"].reshape(3, 2)},
        {"centre": INPUTS["mean"]},
    ],
)
def test_other_inputs_are_made_anew(folder, other):
    make = Maker()
    kept("map", INPUTS, make)
    assert kept("map", other, make)["face"][0, 0] == 2


def test_other_code_makes_anew(folder, tmp_path, monkeypatch):
    make = Maker()
    code = tmp_path / "code/room/module.py"
    code.parent.mkdir(parents=True)
    code.write_text("a = 1\n")
    monkeypatch.setattr(module, "PACKAGE", tmp_path / "code")
    for text in ("a = 1\n", "a = 2\n"):
        code.write_text(text)
        facts = code.stat()
        os.utime(code, ns=(facts.st_atime_ns, facts.st_mtime_ns + len(text) * int(text[4])))
        module._code_state.cache_clear()
        kept("map", INPUTS, make)
    module._code_state.cache_clear()
    assert make.times == 2


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_damaged_file_is_made_anew(folder, content):
    make = Maker()
    kept("map", INPUTS, make)
    (file,) = folder.glob("*.npz")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if content is None else content)
    assert kept("map", INPUTS, make)["face"][0, 0] == 2
    assert kept("map", INPUTS, make)["face"][0, 0] == 2


def test_where_nothing_can_be_written_it_is_made_each_time(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    make = Maker()
    for time in (1, 2):
        assert kept("map", INPUTS, make)["face"][0, 0] == time


def test_old_files_of_a_name_are_removed(folder):
    for number in range(MOST_FILES + 3):
        kept("map", {"mean": np.full(3, number)}, Maker())
        kept("map-of-hair", INPUTS, Maker())
    assert len(list(folder.glob("map-*.npz"))) == MOST_FILES + 1
    assert not list(folder.glob("*.tmp"))
