"""For all tests: a temporary folder of their own, and a clean way out beside Blender."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ml.environment import prepare_process

ROOT = Path(__file__).resolve().parents[1]

# All of this before NumPy, PyTorch or Blender is loaded; processes that tests start inherit it.
prepare_process()
_TEMPORARY = Path(tempfile.mkdtemp(prefix="effigy-tests-"))
os.environ.update(dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(_TEMPORARY)))
tempfile.tempdir = None
# What others leave there: pytest, PyTorch, and Blender, which is never left by its own exit.
_NOT_OURS = ("pytest-of-", "torchinductor_", "blender_", "effigy-blender-", "effigy-tests-")
_STATUS = pytest.StashKey[int]()


@pytest.fixture(scope="session", autouse=True)
def temporary_folder():
    """Nothing of ours is left in the temporary folder when the tests are over."""
    yield
    assert [path for path in _TEMPORARY.iterdir() if not path.name.startswith(_NOT_OURS)] == []


@pytest.fixture(scope="session")
def run_code():
    """Runs code in a Python of its own that finds ``ml``, whatever PYTHONSAFEPATH says."""

    def run(code, **options):
        around = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run([sys.executable, "-c", code], env=around, check=True, **options)

    return run


def pytest_collection_modifyitems(items):
    if sys.platform == "linux" and platform.machine() != "x86_64":
        skip = pytest.mark.skip(reason="there is no wheel of Blender for Linux on ARM")
        for item in items:
            if item.path.relative_to(ROOT / "tests").parts[0] in ("blender", "e2e"):
                item.add_marker(skip)


def pytest_sessionfinish(session, exitstatus):
    session.config.stash[_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    status = config.stash.get(_STATUS, 0)
    if status == pytest.ExitCode.TESTS_FAILED:
        print(f"Temporary files are kept in {_TEMPORARY}")
    else:
        shutil.rmtree(_TEMPORARY, ignore_errors=True)
    # As long as any class of ours is registered, bpy 4.5 never returns from the interpreter's
    # own exit and bpy 4.2 crashes in it, after all tests have passed. So leave before it.
    if "bpy" in sys.modules or hasattr(config, "workerinput"):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
