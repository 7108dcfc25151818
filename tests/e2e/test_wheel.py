"""The core as people install it with pip, used where there is no clone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ml.version import effigy_version

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples/python"
# Stands for trimesh, as far as the example goes.
TRIMESH = """
import numpy as np


class Trimesh:
    def __init__(self, vertices, faces, process=True):
        self.vertices, self.faces = np.asarray(vertices), np.asarray(faces)

    @property
    def extents(self):
        return np.ptp(self.vertices, axis=0)

    def export(self, path):
        np.savetxt(path, self.vertices)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder that pip installed the wheel into, without its dependencies."""
    wheels, site = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = [*pip, "wheel", str(ROOT), "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "-w", str(wheels)], check=True)
    (wheel,) = wheels.iterdir()
    assert wheel.name.startswith(f"effigy_ml-{effigy_version()}-")
    install = [*pip, "install", "--no-index", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True)
    return site


@pytest.fixture
def run(installed, tmp_path):
    """Runs a program of Python that finds the installed package and nothing of the clone."""

    def run(*arguments, status=0):
        around = {**os.environ, "PYTHONPATH": f"{installed}{os.pathsep}{tmp_path / 'more'}"}
        command = [sys.executable, *map(str, arguments)]
        done = subprocess.run(command, cwd=tmp_path, env=around, capture_output=True, text=True)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture
def portrait(tmp_path):
    from PIL import Image
    from skimage import data

    path = tmp_path / "astronaut.jpg"
    Image.fromarray(data.astronaut()).save(path, quality=95)
    return path


def test_the_wheel_holds_one_package_with_its_assets_and_no_training(installed, run):
    packages = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert packages - {"bin", "Scripts"} == {"effigy_ml"}
    wanted = {
        path.relative_to(ROOT / "ml")
        for path in (ROOT / "ml").rglob("*")
        if path.is_file() and "assets" in path.parts and "__pycache__" not in path.parts
    }
    package = installed / "effigy_ml"
    assert {path for path in wanted if not (package / path).is_file()} == set()
    assert not (package / "training").exists()
    assert not (package / "evaluation").exists()
    code = "import effigy_ml; print(effigy_ml.__version__, effigy_ml.__file__)"
    version, file = run("-c", code).split(maxsplit=1)
    assert version == effigy_version()
    assert Path(file.strip()).parent == package


def test_the_command_is_called_as_people_type_it(installed, run):
    command = next(installed.glob("[bS]*/effigy*"))
    said = run(command, "--help")
    assert said.startswith("usage: effigy ")
    assert "python -m" not in said
    assert "usage: effigy build" in run(command, "build", "--help")


def test_the_examples_run(run, portrait, tmp_path):
    said = run(EXAMPLES / "one_photo.py", portrait, tmp_path / "one")
    assert "vertices, quality 0." in said or "quality 1.0" in said
    assert (tmp_path / "one/reconstruction.json").is_file()
    (tmp_path / "more").mkdir()
    (tmp_path / "more/trimesh.py").write_text(TRIMESH, encoding="utf-8")
    said = run(EXAMPLES / "coefficients_to_mesh.py", tmp_path / "one", tmp_path / "head.ply")
    assert "triangles" in said
    assert (tmp_path / "head.ply").is_file()
    twice = [portrait, portrait.with_name("again.jpg")]
    twice[1].write_bytes(portrait.read_bytes())
    said = run(EXAMPLES / "several_photos.py", tmp_path / "several", *twice)
    assert "The main photo is" in said
    assert (tmp_path / "several/again/reconstruction.json").is_file()
    (tmp_path / "nothing.jpg").write_bytes(b"no photo")
    said = run(EXAMPLES / "one_photo.py", tmp_path / "nothing.jpg", tmp_path / "none", status=1)
    assert "nothing.jpg" in said
