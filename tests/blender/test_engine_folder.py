"""Install from folder: the engine out of wheels on disk, without an index; and the proxy."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.core.test_environment import write_wheel

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def operators(module, tmp_path, monkeypatch):
    """The module of the operators, whose engine is two packages and lies in user/engine."""
    found = module("operators.engine.operators")
    lists = [tmp_path / name for name in ("requirements.txt", "requirements-torch.txt")]
    for path, text in zip(lists, ("effigy_probe==1.0\n", "torch==9.9\n"), strict=True):
        path.write_text(text)
    names = ("effigy_probe", "torch")
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path))  # constraints of this computer's pip
    monkeypatch.setattr(found, "REQUIREMENTS", tuple(lists))
    monkeypatch.setattr(found, "Plan", partial(found.Plan, packages=names, worker=False))
    monkeypatch.setattr(found, "engine_folder", lambda: tmp_path / "user/engine")
    return found


@pytest.fixture
def wheels(tmp_path):
    """A folder with the wheels of both; torch as its build for the CPU is called."""
    folder = tmp_path / "wheels"
    write_wheel(folder, "effigy_probe", "1.0")
    write_wheel(folder, "torch", "9.9+cpu")
    return folder


def test_the_engine_is_installed_out_of_a_folder_while_blender_is_offline(
    bpy, operators, module, wheels, tmp_path
):
    assert not bpy.app.online_access
    bpy.ops.effigy.install_engine_from_folder(directory=str(wheels))
    location = module("operators.engine.location")
    python = location.find_engine("", {}, tmp_path / "user/engine").executable
    code = "from importlib.metadata import version; print(version('torch'))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "9.9+cpu"
    log = (tmp_path / "user/engine-install.log").read_text()
    assert "Looking for PyTorch's build" not in log  # there is no index to be asked


def test_a_folder_that_lacks_a_package_is_told_so_and_nothing_is_left(
    bpy, operators, wheels, tmp_path
):
    next(wheels.glob("torch*")).unlink()
    with pytest.raises(RuntimeError, match=r"package is missing.*torch.*Add it to the folder"):
        bpy.ops.effigy.install_engine_from_folder(directory=str(wheels))
    assert not (tmp_path / "user/engine").exists()


def test_a_folder_without_wheels_is_refused(bpy, operators, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RuntimeError, match=r"no wheels in .*empty"):
        bpy.ops.effigy.install_engine_from_folder(directory=str(tmp_path / "empty"))


def test_the_proxy_of_the_preferences_goes_to_pip(bpy, operators, module, monkeypatch):
    own, plans = module("operators.runtime").own_preferences(), []

    def note(base, folder, plan):
        plans.append(plan.options)
        raise module("ml.errors").UsageError("noted")

    monkeypatch.setattr(operators, "_check_online", lambda: None)
    monkeypatch.setattr(operators, "InstallJob", note)
    try:
        for own.proxy in ("", "http://proxy.test:3128"):
            with pytest.raises(RuntimeError, match="noted"):
                bpy.ops.effigy.install_engine(agree=True)
    finally:
        own.proxy = ""
    assert plans == [(), ("--proxy", "http://proxy.test:3128")]


def test_pip_is_given_the_proxy_for_questions_and_downloads(tmp_path):
    listed = tmp_path / "requirements.txt"
    listed.write_text("effigy-absent==1.0\n")
    script = ROOT / "operators/engine/pip_install.py"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    kept |= {"PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "1", "PIP_TIMEOUT": "2"}
    command = [sys.executable, "-I", script, "--proxy", "http://127.0.0.1:9", "-r", listed]
    done = subprocess.run(command, env=kept, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert "proxy" in (done.stdout + done.stderr).lower()
