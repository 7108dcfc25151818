"""Write the hashes into the engine's lists of packages: python .ci/lock.py.

The versions are edited by hand, in operators/engine/requirements*.txt; this asks pip for the wheels
of every one of them, for every system and Python that the engine supports, and downloads none. The
hashes of PyTorch's builds for the CPU are kept in torch-cpu.sha256, as sha256sum writes them: their
index cannot be reached from everywhere.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from pip._vendor.packaging.markers import Marker

ENGINE = Path(__file__).resolve().parents[1] / "operators/engine"
CPU_WHEELS = Path(__file__).with_name("torch-cpu.sha256")
PYTHONS = ("3.11", "3.12", "3.13")
# pip's names of each system's wheels, newest first, and what markers call the system.
_GLIBC = tuple(f"2_{number}" for number in range(28, 4, -1))
SYSTEMS = {
    **{
        f"linux {machine}": (
            *(f"manylinux_{glibc}_{machine}" for glibc in _GLIBC),
            *(f"manylinux{year}_{machine}" for year in ("2014", "2010", "1")),
        )
        for machine in ("x86_64", "aarch64")
    },
    "darwin arm64": (
        *(f"macosx_{number}_0_arm64" for number in range(14, 10, -1)),
        *("macosx_11_0_universal2", "macosx_10_9_universal2"),
    ),
    "win32 AMD64": ("win_amd64",),
}
_ENTRY = re.compile(
    r"^(?P<name>[\w.-]+)(?P<equal>={2,3})(?P<version>[^\s;\\]+)(?P<marker> ?;[^\\\n]*)?",
    re.MULTILINE,
)
Hashes = dict[tuple[str, str], set[str]]


def main() -> None:
    lists = sorted(ENGINE.glob("requirements*.txt"))
    entries = {entry for path in lists for entry in entries_of(path.read_text(encoding="utf-8"))}
    found: Hashes = defaultdict(set)
    for system in SYSTEMS:
        for python in PYTHONS:
            print(system, python, flush=True)
            for package, digest in wheels(wanted(entries, system, python), system, python):
                found[package].add(digest)
    for line in CPU_WHEELS.read_text(encoding="utf-8").splitlines():
        digest, wheel = line.split()
        found["torch", wheel.split("-")[1].partition("+")[0]].add(digest)
    for path in lists:
        path.write_text(with_hashes(path.read_text(encoding="utf-8"), found), encoding="utf-8")


def entries_of(text: str) -> Iterator[tuple[str, str, str]]:
    """Name, version and marker of every package of a list."""
    for entry in _ENTRY.finditer(text):
        yield entry["name"], entry["version"], (entry["marker"] or "").strip(" ;")


def wanted(entries: set[tuple[str, str, str]], system: str, python: str) -> list[str]:
    """What of ``entries`` is installed there, as pip takes it: no other build of a version."""
    platform, machine = system.split()
    there = {"sys_platform": platform, "platform_machine": machine, "python_version": python}
    there |= {"platform_system": platform.title(), "extra": ""}
    kept = ((n, v) for n, v, marker in entries if not marker or Marker(marker).evaluate(there))
    return sorted(f"{name}==={version}" for name, version in set(kept))


def wheels(packages: list[str], system: str, python: str) -> Iterator[tuple[tuple[str, str], str]]:
    """(name, version) and SHA-256 of the wheels that pip would take. Exits where one is missing."""
    where = [word for tag in SYSTEMS[system] for word in ("--platform", tag)]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed"]
        command += ["--no-deps", "--only-binary=:all:", "--quiet", "--report", str(report)]
        command += ["--target", folder, "--python-version", python, *where, *packages]
        if subprocess.run(command, check=False).returncode:
            sys.exit(f"pip found no wheel of something for {system}, Python {python}: see above")
        for item in json.loads(report.read_text(encoding="utf-8"))["install"]:
            about = item["metadata"]
            digest = item["download_info"]["archive_info"]["hashes"]["sha256"]
            yield (normal(about["name"]), about["version"]), digest


def with_hashes(text: str, found: Hashes) -> str:
    """A list with its comments and packages, and their hashes as ``found``."""
    lines = []
    for line in text.splitlines():
        entry = _ENTRY.match(line)
        if entry is None:
            lines += [] if line.lstrip().startswith("--hash=") else [line]
            continue
        digests = sorted(found[normal(entry["name"]), entry["version"]])
        hashes = (f"    --hash=sha256:{digest}" for digest in digests)
        lines.append(" \\\n".join([line.rstrip("\\ "), *hashes]))
    return "\n".join(lines) + "\n"


def normal(name: str) -> str:
    """A package's name, as indexes spell it."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
