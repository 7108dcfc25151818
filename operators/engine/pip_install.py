"""Install packages with pip, with PyTorch's build for the CPU where there is one.

    python -I pip_install.py [--cpu-index URL] [--proxy URL] -r requirements.txt [pip's own options]

A script for the Python that is installed into; standard library only. PyPI's Linux builds of
PyTorch bring 4 GB of CUDA. PyTorch's own index has the same versions for the CPU: it is used if it
answers. If it does not, the installation goes on with the ordinary index. The hashes of a list with
PyTorch, which are PyPI's, are left out then. With pip's --no-index and --find-links what comes is
what lies in that folder.
"""

from __future__ import annotations

import argparse
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
# Only finished packages: nothing is compiled or run while installing.
OPTIONS = ("--only-binary=:all:", "--no-input", "--disable-pip-version-check")
# A question must not wait as long as a download may.
QUESTION = ("--timeout", "10", "--retries", "0", "--no-input", "--disable-pip-version-check")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--cpu-index", default=CPU_INDEX, help="an index with PyTorch for the CPU")
    parser.add_argument("-r", dest="requirements", type=Path, required=True)
    parser.add_argument("--proxy", help="for everything that pip does")
    arguments, options = parser.parse_known_args()
    if arguments.proxy:
        os.environ["PIP_PROXY"] = arguments.proxy
    version = pinned("torch", arguments.requirements)
    wanted = ["-r", str(arguments.requirements)]
    if version and sys.platform == "linux":
        if "--no-index" not in options:
            options += cpu_options(f"{version}+cpu", arguments.cpu_index)
        wanted = without_hashes(arguments.requirements)
    elif version and "--hash=" in arguments.requirements.read_text(encoding="utf-8"):
        # All that PyTorch needs is in the other list: what comes is what is listed.
        options.append("--no-deps")
    sys.argv = ["pip", "install", *OPTIONS, *wanted, *options]
    # In this process: whoever stops this script stops pip.
    runpy.run_module("pip", run_name="__main__", alter_sys=True)


def pinned(package: str, requirements: Path) -> str | None:
    """The exact version that ``requirements`` asks for."""
    for line in without_hashes(requirements):
        name, _, version = line.split(";")[0].strip().partition("==")
        if name == package:
            return version
    return None


def without_hashes(requirements: Path) -> list[str]:
    """The packages that are listed, with versions and conditions."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    kept = (line.strip().removesuffix("\\").strip() for line in lines)
    return [line for line in kept if line and not line.startswith(("#", "-"))]


def cpu_options(version: str, index: str) -> list[str]:
    """pip's options under which it sees this ``version`` of torch: none where it sees it anyway
    (installed already, a folder of wheels, a mirror), or where no option helps."""
    print("Looking for PyTorch's build for the CPU", flush=True)
    for options in ([], ["--extra-index-url", index]):
        if version in _versions("torch", options):
            return options
    print(f"torch {version} was not found; the ordinary build may bring CUDA (4 GB)", flush=True)
    return []


def _versions(package: str, options: list[str]) -> list[str]:
    """What is installed and what pip, as it is set up here, could install; nothing where it gets
    no answer."""
    command = [sys.executable, "-I", "-m", "pip", "index", "versions", package]
    try:
        told = subprocess.run(
            [*command, *QUESTION, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            timeout=60,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return re.findall(r"[^\s,()]+", told.stdout)


if __name__ == "__main__":
    main()
