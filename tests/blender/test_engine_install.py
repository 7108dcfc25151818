"""Install engine: asks, obeys the offline setting, makes an environment, cleans up after itself."""

import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest


@pytest.fixture
def install(module):
    return module("operators.engine.install")


@pytest.fixture
def package(tmp_path):
    """A wheel on disk, so that nothing is fetched from anywhere."""
    name, info = "effigy_probe-1.0", "effigy_probe-1.0.dist-info"
    path = tmp_path / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("effigy_probe.py", "ANSWER = 42\n")
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: effigy-probe\nVersion: 1.0\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


def requirements(tmp_path, text):
    path = tmp_path / "requirements.txt"
    path.write_text(text)
    return path


def finish(job):
    while not job.step():
        time.sleep(0.02)


def test_it_makes_an_environment_that_the_extension_then_finds(install, module, package, tmp_path):
    folder = tmp_path / "user/engine"
    listed = requirements(tmp_path, f"{package}\n")
    job = install.InstallJob(install.suitable_python(), folder, listed, ["--no-index"])
    finish(job)
    assert job.fraction == 1.0
    location = module("operators.engine.location")
    found = location.find_engine("", {}, folder)
    code = "import effigy_probe; print(effigy_probe.ANSWER)"
    done = subprocess.run([found.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "42"
    assert "effigy-probe" in (folder.parent / install.LOG_NAME).read_text()


def test_a_failed_installation_says_so_and_leaves_nothing(install, module, tmp_path):
    folder = tmp_path / "user/engine"
    listed = requirements(tmp_path, "there-is-no-such-package==1\n")
    job = install.InstallJob(install.suitable_python(), folder, listed, ["--no-index"])
    errors = module("ml.errors")
    with pytest.raises(errors.EngineUnavailable, match="No matching distribution") as caught:
        finish(job)
    assert install.LOG_NAME in caught.value.hint
    assert not folder.exists()


def test_cancelling_removes_what_was_begun(install, package, tmp_path):
    folder = tmp_path / "user/engine"
    listed = requirements(tmp_path, f"{package}\n")
    job = install.InstallJob(install.suitable_python(), folder, listed, ["--no-index"])
    while not folder.exists():
        assert not job.step()
    job.cancel()
    assert not folder.exists()


def test_the_chosen_python_is_of_a_supported_version(install, module, monkeypatch):
    done = subprocess.run(
        [install.suitable_python(), "-c", "import sys; print(*sys.version_info[:2])"],
        capture_output=True,
        text=True,
    )
    assert tuple(map(int, done.stdout.split())) in install.SUPPORTED
    monkeypatch.setattr(install, "SUPPORTED", ((2, 7),))
    errors = module("ml.errors")
    with pytest.raises(errors.EngineUnavailable, match=r"versions? .*was found"):
        install.suitable_python()


def test_offline_blender_refuses_and_says_where_to_allow_it(bpy):
    assert not bpy.app.online_access
    with pytest.raises(RuntimeError, match="Allow Online Access"):
        bpy.ops.effigy.install_engine(agree=True)


def test_nothing_is_installed_without_agreement(bpy, module, monkeypatch):
    monkeypatch.setattr(module("operators.engine.operators"), "_check_online", lambda: None)
    with pytest.raises(RuntimeError, match="did not agree"):
        bpy.ops.effigy.install_engine()
    assert not module("operators.runtime").engine_folder().exists()


def test_every_requirement_is_pinned(install):
    lines = install.REQUIREMENTS.read_text().splitlines()
    packages = [line for line in lines if line and not line.startswith("#")]
    assert packages
    assert all("==" in line.split(";")[0] for line in packages)
    assert Path(sys.prefix) not in install.REQUIREMENTS.parents
