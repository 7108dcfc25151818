"""The command line's first words: what they load, and what they say."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"numpy", "torch", "cv2", "PIL", "numba", "scipy"}
CODE = """
import sys
from ml.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    print(end.code, *sys.modules)
"""


@pytest.mark.parametrize(
    ("words", "status"), [(["--help"], "0"), (["photo.jpg"], "2"), (["--no-such", "a"], "2")]
)
def test_help_and_wrong_usage_need_no_package(words, status):
    """NumPy alone took longer to load than --help to print."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words], capture_output=True, text=True, check=True, cwd=ROOT
    )
    said, modules = (done.stdout + done.stderr), done.stdout.splitlines()[-1].split()
    assert "--texture-size" in said
    assert modules[0] == status
    assert not HEAVY & set(modules)
