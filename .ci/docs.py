"""Build the manual out of docs/ into manual/: python .ci/docs.py. A dead link is an error.

In an environment of its own, build/docs, with the packages of the group "docs" in pyproject.toml.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / "build" / "docs"
# Without a network make extension must not wait long for what it can do without.
HASTY = ("--retries", "1", "--timeout", "10")


def main() -> None:
    python = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["dependency-groups"]["docs"]
    # Written last: an environment without it was left half made.
    mark, wanted = ENVIRONMENT / ".ready", "\n".join(packages)
    if not (mark.exists() and mark.read_text(encoding="utf-8") == wanted):
        run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)])
        run([str(python), "-m", "pip", "install", "--quiet", *HASTY, *packages])
        mark.write_text(wanted, encoding="utf-8")
    run(
        [str(python), "-m", "mkdocs", "build", "--quiet", "--config-file", str(ROOT / "mkdocs.yml")]
    )
    print(ROOT / "manual" / "index.html")


def run(command: list[str]) -> None:
    around = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, env=around, check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
