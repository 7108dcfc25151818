"""Make the environment for tests and demo: python3.11 .ci/install.py [FOLDER], by default .venv.

Does nothing where it is complete. A link leads to somebody else's environment: that is used as it
is, and nothing is ever installed into it. Any Python 3 may run this to find that all is ready.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENGINE = ROOT / "operators/engine"
# Each in a run of pip of its own: where one package has a hash, all of that run must have one.
LISTS = (
    ENGINE / "requirements.txt",
    ENGINE / "requirements-torch.txt",
    ENGINE / "requirements-extras.txt",
    ROOT / ".ci/requirements.txt",
)


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / ".venv").absolute()
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if folder.is_symlink():
        if not python.exists():
            sys.exit(f"{folder} is a link, but leads to no environment: {python} does not exist")
        return
    # Written last, with what was installed: an environment without it was left half made.
    mark = folder / ".ready"
    wanted = "".join(path.read_text(encoding="utf-8") for path in LISTS)
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return
    # Blender's wheels exist for these: 4.5 and 5.2.
    if sys.version_info[:2] not in ((3, 11), (3, 13)):
        sys.exit(
            "Effigy needs Python 3.11 or 3.13 for its tests and demo: "
            "make PYTHON=/path/to/python3.11"
        )
    install = [str(python), "-I", str(ENGINE / "pip_install.py"), "--quiet", "-r"]
    make = [sys.executable, "-I", "-m", "venv", str(folder)]
    for command in (make, *([*install, str(path)] for path in LISTS)):
        done = subprocess.run(command, check=False)
        if done.returncode:
            sys.exit(done.returncode)
    mark.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
