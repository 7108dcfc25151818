"""Compiled code: kept where that can be done; whatever is wrong with the cache, all works."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ml import environment

ROOT = Path(__file__).parents[2]
CODE = """
import sys
sys.path.insert(0, sys.argv[1])
from ml.environment import prepare_process
prepare_process()
import numpy as np
from ml.rendering.zbuffer import fill
points = np.array([[0, 0, 1], [8, 0, 1], [0, 8, 1]], np.float32)
face, depth = np.full((8, 8), -1, np.int32), np.full((8, 8), np.inf, np.float32)
weights = np.zeros((8, 8, 3), np.float32)
fill(points, np.array([[0, 1, 2]], np.int32), face, weights, depth)
print((face == 0).sum(), sum(fill.stats.cache_hits.values()), fill.stats.cache_path)
"""


@pytest.fixture
def package(tmp_path):
    """A copy of what one compiled loop needs."""
    for name in ("rendering", "geometry"):
        shutil.copytree(
            ROOT / "ml" / name,
            tmp_path / "tree/ml" / name,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    for path in (ROOT / "ml").glob("*.py"):
        shutil.copy(path, tmp_path / "tree/ml" / path.name)
    return tmp_path / "tree"


def draw(tree: Path, **around: str) -> tuple[int, int, str]:
    """Pixels drawn by the loop in a process of its own, loops found in the cache, and its place."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")} | around
    command = [sys.executable, "-B", "-c", CODE, str(tree)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    pixels, hits, place = done.stdout.split(maxsplit=2)
    return int(pixels), int(hits), place.strip()


def test_a_damaged_cache_is_made_anew(package, tmp_path):
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    first = draw(package, **cache)
    assert first[0] > 20
    assert draw(package, **cache)[:2] == (first[0], 1)
    for pattern in ("*.nbi", "*.nbc"):
        for content in (lambda whole: whole[: len(whole) // 2], lambda whole: b""):
            for path in (tmp_path / "cache").rglob(pattern):
                path.write_bytes(content(path.read_bytes()))
            assert draw(package, **cache)[:2] == (first[0], 0)
        # Mended: the next process finds it.
        assert draw(package, **cache)[:2] == (first[0], 1)


@pytest.mark.skipif(os.name == "nt", reason="folders under a file are told apart by their errors")
def test_without_any_place_for_compiled_code_all_works(package, tmp_path):
    """A file where folders should be: nothing can be made there, whoever asks."""
    (package / "ml/rendering/__pycache__").write_text("")
    (tmp_path / "file").write_text("")
    nowhere = str(tmp_path / "file" / "x")
    around = dict.fromkeys(("NUMBA_CACHE_DIR", "HOME", "XDG_CACHE_HOME"), nowhere)
    pixels, hits, _ = draw(package, **around)
    assert pixels > 20
    assert hits == 0


def test_compiled_code_goes_to_the_user_cache_or_to_a_private_temporary_folder(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(environment.os, "access", lambda path, mode: True)
    assert environment.compiled_code_folder() is None
    monkeypatch.setattr(environment.os, "access", lambda path, mode: False)
    (tmp_path / "file").write_text("")
    caches = "LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME"
    monkeypatch.setenv(caches, str(tmp_path / "cache"))
    monkeypatch.setattr(environment.tempfile, "gettempdir", lambda: str(tmp_path))
    assert environment.compiled_code_folder() == tmp_path / "cache/effigy"
    monkeypatch.setenv(caches, str(tmp_path / "file/x"))
    folder = environment.compiled_code_folder()
    assert folder.parent == tmp_path
    monkeypatch.setattr(environment.tempfile, "gettempdir", lambda: str(tmp_path / "file"))
    assert environment.compiled_code_folder() is None


@pytest.mark.skipif(os.name == "nt", reason="POSIX rights")
def test_a_folder_that_others_can_write_to_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(environment.os, "access", lambda path, mode: False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(environment.tempfile, "gettempdir", lambda: str(tmp_path / "absent/file"))
    (tmp_path / "effigy").mkdir()
    (tmp_path / "effigy").chmod(0o777)
    (tmp_path / "absent").write_text("")
    assert environment.compiled_code_folder() is None
    (tmp_path / "effigy").rmdir()
    (tmp_path / "mine").mkdir(mode=0o700)
    (tmp_path / "effigy").symlink_to(tmp_path / "mine")
    assert environment.compiled_code_folder() is None


def test_a_choice_of_the_user_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "compiled_code_folder", lambda: tmp_path)
    monkeypatch.setenv("NUMBA_CACHE_DIR", "mine")
    environment.prepare_process()
    assert os.environ["NUMBA_CACHE_DIR"] == "mine"
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    environment.prepare_process()
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path)
