"""The extension as people get it: built, validated, installed, used."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ml.head.arkit import EXPRESSION_NAMES
from ml.head.storage import load_head_model
from tests.support.synthetic_head import write_synthetic

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def fake_engine(tmp_path):
    """An executable that stands for the engine's Python, and the head that it always finds."""
    write_synthetic(tmp_path / "template")
    script = tmp_path / "python"
    worker = ROOT / "tests/support/fake_worker.py"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{worker}" "{tmp_path / "template"}"\n')
    script.chmod(0o755)
    return str(script)


@pytest.fixture
def portrait(tmp_path):
    """scikit-image's astronaut as a file."""
    from PIL import Image
    from skimage import data

    path = tmp_path / "astronaut.jpg"
    Image.fromarray(data.astronaut()).save(path, quality=95)
    return path


def check_head(facts, *more):
    """A head with the keys of all expressions, and with ``more``."""
    assert facts["keys"] == ["Basis", *EXPRESSION_NAMES, *more]
    assert set(facts["glb_keys"]) - {"Basis"} == {*EXPRESSION_NAMES, *more}
    assert facts["error"] <= 1e-5
    assert facts["glb_size_error"] <= 1e-5
    assert facts["module"].startswith("bl_ext.user_default.effigy")


def test_the_zip_holds_what_is_needed_and_no_more(extension_zip):
    names = set(zipfile.ZipFile(extension_zip).namelist())
    assert {"blender_manifest.toml", "LICENSE", "operators/engine/requirements.txt"} <= names
    # The manual is in it where make docs was run before.
    assert {name.split("/")[0] for name in names} - {"manual"} == {
        "blender_manifest.toml",
        "__init__.py",
        "LICENSE",
        "README.md",
        "ml",
        "operators",
        "panels",
    }
    unwanted = ("ml/training", "ml/evaluation", "__pycache__", ".pyc")
    assert not [name for name in names if any(part in name for part in unwanted)]


def test_everything_the_engine_loads_is_in_the_zip(extension_zip):
    names = set(zipfile.ZipFile(extension_zip).namelist())
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "ml").rglob("*")
        if path.is_file() and "assets" in path.parts and path.suffix != ".pyc"
    }
    assert wanted <= names


def test_installed_with_an_engine_a_photo_becomes_a_glb(run_installed, fake_engine, tmp_path):
    photo = tmp_path / "ok.jpg"
    photo.write_bytes(b"photo")
    facts = run_installed("photo_to_glb.py", photo, tmp_path / "out", EFFIGY_PYTHON=fake_engine)
    check_head(facts)
    assert facts["photo"] == "ok.jpg"
    assert (tmp_path / "out/head.blend").exists()


def test_a_real_photo_becomes_a_head(run_installed, portrait, tmp_path):
    facts = run_installed(
        "photo_to_glb.py", portrait, tmp_path / "out", EFFIGY_PYTHON=sys.executable
    )
    check_head(facts, "Detail")
    assert facts["values"]["Detail"] == 1
    identity = np.array(facts["identity"], np.float32)
    again, _ = load_head_model().person(identity)
    assert np.abs(np.load(tmp_path / "out/rest.npy") - again).max() <= 1e-5
    width, depth, height = facts["size"]
    assert 0.12 < width < 0.25
    assert 0.15 < depth < 0.35
    assert 0.2 < height < 0.45
    assert max(facts["values"][name] for name in ("mouthSmileLeft", "mouthSmileRight")) > 0.2


def test_the_command_line_writes_files_and_tells_success(run_installed, fake_engine, tmp_path):
    for name in ("ok.jpg", "noface.jpg"):
        (tmp_path / name).write_bytes(b"photo")
    out = tmp_path / "out"

    def command(*arguments):
        return run_installed("command.py", *arguments, EFFIGY_PYTHON=fake_engine)

    good, bad = tmp_path / "ok.jpg", tmp_path / "noface.jpg"
    formats = ("--blend", "--glb", "--fbx", "--usd")
    asked = ("--face", "2", "--level", "low", *formats)
    assert command("reconstruct", good, "--out", out, *asked) == 0
    assert {path.name for path in (out / "ok").iterdir()} >= {
        "ok.blend",
        "ok.glb",
        "ok.fbx",
        "ok.usdc",
        "reconstruction.npz",
    }
    sent = json.loads((out / "ok/request.json").read_text())["settings"]
    assert (sent["face"], sent["level"]) == ("2", "low")
    assert command("reconstruct", good, bad, "--out", out) == 1
    assert [row["status"] for row in json.loads((out / "report.json").read_text())] == [
        "ok",
        "failed",
    ]
    person = tmp_path / "person"
    assert command("reconstruct", good, bad, "--out", person, "--same-person", "--blend") == 1
    assert (person / "person.blend").is_file()
    assert command("batch", tmp_path / "nowhere", "--output", out) == 2
    assert command("reconstruct", good) == 2
    assert command("reconstruct", good, "--output", out, "--face", "nose") == 2
    assert command("reconstruct", good, "--output", out, "--level", "finest") == 2


def test_without_an_engine_the_command_line_says_what_to_do(run_installed, tmp_path):
    photo = tmp_path / "ok.jpg"
    photo.write_bytes(b"photo")
    gone = str(tmp_path / "gone")
    arguments = ("reconstruct", photo, "--output", tmp_path / "out")
    assert run_installed("command.py", *arguments, EFFIGY_PYTHON=gone) == 1


def test_the_example_script_works_from_a_clone(fake_engine, tmp_path):
    photo = tmp_path / "ok.jpg"
    photo.write_bytes(b"photo")
    out = tmp_path / "out"
    script = ROOT / "examples/reconstruct.py"
    around = {
        **os.environ,
        "BLENDER_USER_RESOURCES": str(tmp_path / "blender"),
        "EFFIGY_PYTHON": fake_engine,
    }

    def example(photo):
        command = [sys.executable, script, photo, "--out", out]
        return subprocess.run(command, env=around, capture_output=True, text=True, timeout=120)

    done = example(photo)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {"head.blend", "head.glb"} <= {path.name for path in out.iterdir()}
    assert json.loads((out / "request.json").read_text())["preview"] is True
    failed = example(tmp_path / "gone.jpg")
    assert failed.returncode == 1
    assert "Choose an image file" in failed.stderr
