"""Install packages with pip, with PyTorch's build for the CPU where there is one.

    python -I pip_install.py [--cpu-index URL] [--proxy URL] -r requirements.txt [pip's own options]

A script for the Python that is installed into; standard library only. A list with hashes has all
that is needed, and nothing else is installed. PyPI's Linux builds of PyTorch bring 4 GB of CUDA.
PyTorch's own index has the same versions for the CPU: it is used if it answers. If it does not, the
ordinary build comes, for it works without a GPU, too: by the list of it beside requirements.txt,
or, where there is none, with what it needs and without hashes. With pip's --no-index and
--find-links what comes is what lies in that folder; on Linux only PyTorch's build for the CPU is
checked by its hash there, of several that there are.
"""

from __future__ import annotations

import argparse
import os
import re
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
# Only finished packages: nothing is compiled or run while installing.
OPTIONS = ("--only-binary=:all:", "--no-input", "--disable-pip-version-check")
# A question must not wait as long as a download may.
QUESTION = ("--timeout", "10", "--retries", "0", "--no-input", "--disable-pip-version-check")
# pip's names of the option for a folder of wheels.
_LINKS = ("-f", "--find-links")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--cpu-index", default=CPU_INDEX, help="an index with PyTorch for the CPU")
    parser.add_argument("-r", dest="requirements", type=Path, required=True)
    parser.add_argument("--proxy", help="for everything that pip does")
    arguments, options = parser.parse_known_args()
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    if arguments.proxy:
        os.environ["PIP_PROXY"] = arguments.proxy
    with tempfile.TemporaryDirectory() as folder:
        listed = arguments.requirements
        version = pinned("torch", listed)
        if version and sys.platform == "linux":
            build = cpu_build(f"{version}+cpu", arguments, options)
            wanted = whole(exact(listed, version, folder)) if build else ordinary(listed)
        else:
            wanted = whole(listed)
        sys.argv = ["pip", "install", *OPTIONS, *wanted, *options]
        sys.stdout.flush()
        # In this process: whoever stops this script stops pip.
        runpy.run_module("pip", run_name="__main__", alter_sys=True)


def _end_with_parent(parent: int) -> None:
    """A Blender that was killed must not leave pip writing where the next one installs.

    On Windows a process does not see its parent's end: there the files in use are in the way.
    """
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGINT)  # pip removes its temporary files
    time.sleep(10)
    os._exit(1)


def cpu_build(build: str, arguments: argparse.Namespace, options: list[str]) -> bool:
    """Whether pip sees this ``build`` of PyTorch, if need be after a change of its ``options``."""
    if "--no-index" in options:
        return holds_cpu_build(options)
    print("Looking for PyTorch's build for the CPU", flush=True)
    for more in ([], ["--extra-index-url", arguments.cpu_index]):
        if build in _versions("torch", more):
            options += more
            return True
    print(f"torch {build} was not found; the ordinary build may bring CUDA (4 GB)")
    return False


def exact(requirements: Path, version: str, folder: str) -> Path:
    """A copy of the list that names the build for the CPU.

    pip would rather take the ordinary build, because it knows the hashes of PyPI's files before it
    fetches them.
    """
    text = requirements.read_text(encoding="utf-8")
    copy = Path(folder) / requirements.name
    copy.write_text(text.replace(f"torch=={version}", f"torch=={version}+cpu"), encoding="utf-8")
    return copy


def ordinary(requirements: Path) -> list[str]:
    """pip's options for the build of PyTorch that PyPI has."""
    nvidia = requirements.with_name("requirements-nvidia.txt")
    return whole(nvidia) if nvidia.exists() else without_hashes(requirements)


def whole(requirements: Path) -> list[str]:
    """pip's options for the list; where it has hashes, nothing besides is installed."""
    alone = ["--no-deps"] if "--hash=" in requirements.read_text(encoding="utf-8") else []
    return ["-r", str(requirements), *alone]


def holds_cpu_build(options: list[str]) -> bool:
    """Whether the folder of ``options`` has PyTorch's build for the CPU: pip prefers it there."""
    folders = [Path(after) for name, after in pairwise(options) if name in _LINKS]
    return any(any(folder.glob("torch-*+cpu-*.whl")) for folder in folders)


def pinned(package: str, requirements: Path) -> str | None:
    """The version that ``requirements`` asks for; None where it is no package of the list."""
    for line in without_hashes(requirements):
        name, _, version = line.split(";")[0].strip().partition("==")
        if name == package and version[0] != "=":  # "===": that build and no other
            return version
    return None


def without_hashes(requirements: Path) -> list[str]:
    """The packages that are listed, with versions and conditions."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    kept = (line.partition("--hash=")[0].strip(" \\") for line in lines)
    return [line for line in kept if line and not line.startswith(("#", "-"))]


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
