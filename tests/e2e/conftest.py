"""The zip that people install, in a Blender of its own for each test."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def extension_zip(tmp_path_factory):
    """Built by the same command as a release; the packager's validation has passed."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, ROOT / ".ci/build_extension.py", "--out", folder]
    subprocess.run(command, check=True, timeout=120)
    return next(folder.glob("effigy-*.zip"))


@pytest.fixture
def run_installed(extension_zip, tmp_path):
    """Installs the zip into a fresh Blender and runs a script of this folder there.

    The script's arguments are strings; it prints one JSON value on its last line. ``zip``: another
    than the one that was built. Later calls of one test use the same Blender.
    """

    def run(script, *arguments, zip=extension_zip, **environment):
        user = tmp_path / "blender"
        user.mkdir(exist_ok=True)
        around = {**os.environ, "BLENDER_USER_RESOURCES": str(user), **environment}
        command = [sys.executable, "installed.py", zip, script, *arguments]
        done = subprocess.run(
            [str(part) for part in command],
            cwd=Path(__file__).parent,
            env=around,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return json.loads(done.stdout.strip().splitlines()[-1])

    return run
