"""The hashes in the engine's lists of packages, as .ci/lock.py writes them."""

import importlib.util
import json
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LISTS = sorted((ROOT / "operators/engine").glob("requirements*.txt"))
LINUX = 'cuda===1.0; sys_platform == "linux"'
TEXT = f"""# Two comments
# in a row.
old==1.0; python_version < "3.13" \\
    --hash=sha256:stale
{LINUX}
"""


@pytest.fixture
def lock():
    spec = importlib.util.spec_from_file_location("lock", ROOT / ".ci/lock.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_the_lists_are_as_they_would_be_written_again(lock, path):
    text, found = path.read_text(encoding="utf-8"), defaultdict(set)
    name = ""
    for line in text.splitlines():
        if entry := next(lock.entries_of(line), None):
            name = lock.normal(entry[0]), entry[1]
        elif digest := re.fullmatch(r"    --hash=sha256:([0-9a-f]{64})(?: \\)?", line):
            found[name].add(digest[1])
    assert found
    assert lock.with_hashes(text, found) == text


def test_hashes_take_the_place_of_stale_ones(lock):
    found = {("old", "1.0"): {"b", "a"}, ("cuda", "1.0"): {"c"}}
    written = lock.with_hashes(TEXT, found)
    assert "stale" not in written
    assert '"3.13" \\\n    --hash=sha256:a \\\n    --hash=sha256:b\ncuda===' in written
    assert written.endswith('"linux" \\\n    --hash=sha256:c\n')
    assert written.startswith("# Two comments\n# in a row.\nold==1.0")


def test_each_system_and_python_gets_its_own_packages(lock):
    entries = set(lock.entries_of(TEXT))
    assert lock.wanted(entries, "linux x86_64", "3.11") == ["cuda===1.0", "old===1.0"]
    assert lock.wanted(entries, "linux aarch64", "3.13") == ["cuda===1.0"]
    assert lock.wanted(entries, "win32 AMD64", "3.12") == ["old===1.0"]


def test_the_wheels_are_those_that_pip_would_take(lock, monkeypatch):
    def pip(command, check):
        assert {"--dry-run", "--no-deps", "macosx_14_0_arm64", "3.11", "x===1"} <= {*command}
        report = Path(command[command.index("--report") + 1])
        item = {
            "metadata": {"name": "X_Y.z", "version": "1"},
            "download_info": {"archive_info": {"hashes": {"sha256": "ab"}}},
        }
        report.write_text(json.dumps({"install": [item]}))
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(lock.subprocess, "run", pip)
    assert [*lock.wheels(["x===1"], "darwin arm64", "3.11")] == [(("x-y-z", "1"), "ab")]


def test_pytorchs_builds_for_the_cpu_are_listed_for_every_python_on_linux(lock):
    listed = (ROOT / "operators/engine/requirements-torch.txt").read_text(encoding="utf-8")
    (version,) = {entry[1] for entry in lock.entries_of(listed)}
    lines = lock.CPU_WHEELS.read_text(encoding="utf-8").splitlines()
    wheels = {line.split()[1]: line.split()[0] for line in lines}
    assert set(wheels) == {
        f"torch-{version}+cpu-cp{python}-cp{python}-manylinux_2_28_{machine}.whl"
        for python in ("311", "312", "313")
        for machine in ("x86_64", "aarch64")
    }
    assert all(digest in listed for digest in wheels.values())


def test_opencv_comes_once():
    """Two packages of it would write into the same folder."""
    names = {line.split("==")[0] for path in LISTS for line in path.read_text().splitlines()}
    assert {name for name in names if name.startswith("opencv")} == {"opencv-python-headless"}
