"""Make a release in dist/: python .ci/release.py [--out DIR] [--without-site].

effigy-VERSION.zip, the extension; repository/, a static extension repository (index.json, the zip
and a page with a link to drag into Blender), to be served as it is; site/, the manual. The zip is
checked by the validators of the Blenders in BLENDERS; one that is not there is named.
--fetch-validators gets them: out of bpy's wheels, of which only that one script is kept.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VALIDATORS = ROOT / "build" / "validators"
PAGE = Path(__file__).with_name("repository.html")
SCRIPT = "scripts/addons_core/bl_pkg/cli/blender_ext.py"
# Blender's versions with long support, and the Python of their wheels.
BLENDERS = {"4.2": "3.11", "4.5": "3.11", "5.0": "3.11", "5.2": "3.13"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist", metavar="DIR")
    parser.add_argument("--without-site", action="store_true", help="leave the manual out")
    parser.add_argument(
        "--fetch-validators", action="store_true", help="only get Blender's scripts"
    )
    parsed = parser.parse_args()
    if parsed.fetch_validators:
        sys.exit(fetch(VALIDATORS))
    out = parsed.out.absolute()
    if not parsed.without_site:
        # First: the extension's zip holds the manual.
        run([sys.executable, str(ROOT / ".ci/docs.py")])
        replace(ROOT / "manual", out / "site")
    run([sys.executable, str(ROOT / ".ci/build_extension.py"), "--out", str(out)])
    archive = out / f"effigy-{version()}.zip"
    checked = check(archive, dict(found_validators()))
    make_repository(archive, out / "repository", checked)
    announce(out)


def version() -> str:
    """Effigy's version: the manifest's, as everywhere."""
    text = (ROOT / "blender_manifest.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["version"])


def found_validators() -> Iterator[tuple[str, Path]]:
    """Blender's versions and their ``blender_ext.py``: fetched ones, and that of the bpy wheel."""
    for path in sorted(VALIDATORS.glob("*/blender_ext.py")):
        yield path.parent.name, path
    spec = importlib.util.find_spec("bpy")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        for path in Path(place).glob(f"*/{SCRIPT}"):
            yield path.relative_to(place).parts[0], path


def check(archive: Path, validators: dict[str, Path]) -> Path:
    """Validate the zip with each Blender's own script; the newest one. Exits where one refuses."""
    used: list[Path] = []
    for blender in BLENDERS:
        if blender not in validators:
            print(f"Blender {blender}: NOT CHECKED, its validator is not here: make validators")
            continue
        run([sys.executable, str(validators[blender]), "validate", str(archive)], quiet=True)
        print(f"Blender {blender}: {archive.name} is valid")
        used.append(validators[blender])
    if not used:
        sys.exit("No validator was found at all: make validators")
    return used[-1]


def make_repository(archive: Path, folder: Path, script: Path) -> None:
    """The folder of a static extension repository that holds this zip alone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy2(archive, folder)
    page = ["--html", "--html-template", str(PAGE)]
    run(
        [sys.executable, str(script), "server-generate", "--repo-dir", str(folder), *page],
        quiet=True,
    )


def fetch(folder: Path) -> int:
    """Keep ``blender_ext.py`` of bpy's wheel of every Blender; how many could not be had."""
    missing = 0
    for blender, python in BLENDERS.items():
        target = folder / blender / "blender_ext.py"
        if not target.exists() and not fetch_one(blender, python, target):
            missing += 1
            print(f"Blender {blender}: pip found no wheel of bpy for Python {python}")
    return missing


def fetch_one(blender: str, python: str, target: Path) -> bool:
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--python-version", python]
    # In build/: such a wheel has 350 MB, and the system's temporary folder may be small.
    folder = target.parents[1]
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as wheels:
        pip = [sys.executable, "-m", "pip", "download", *options, "-d", wheels]
        done = subprocess.run([*pip, f"bpy=={blender}.*"], check=False)
        for path in Path(wheels).glob("*.whl"):
            target.parent.mkdir(exist_ok=True)
            with zipfile.ZipFile(path) as wheel:
                target.write_bytes(wheel.read(f"bpy/{blender}/{SCRIPT}"))
    return done.returncode == 0 and target.exists()


def replace(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def announce(out: Path) -> None:
    headings = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    if not any(line.startswith(f"## [{version()}] ") for line in headings):
        print(f"CHANGELOG.md has no section [{version()}] yet: this release is a rehearsal")
    for path in sorted(out.iterdir()):
        print(path)


def run(command: list[str], *, quiet: bool = False) -> None:
    """Run a program; exit with its status and what it said where it fails."""
    output = subprocess.PIPE if quiet else None
    around = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, env=around, stdout=output, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        print(done.stdout or "", file=sys.stderr)
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
