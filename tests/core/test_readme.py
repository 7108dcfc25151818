"""README: one screen, with a picture, commands that exist, and what it says of Blender's menus."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_fits_on_one_screen_and_begins_with_a_picture():
    lines = README.splitlines()
    assert len(lines) <= 50
    picture = re.search(r"^!\[.+\]\((.+)\)$", README, re.MULTILINE)
    assert lines.index(picture.group()) < 10
    assert (ROOT / picture.group(1)).stat().st_size > 10_000


def test_its_commands_are_goals_that_run_programs_that_are_there():
    commands = re.findall(r"^    (make [\w-]+)", README, re.MULTILINE)
    assert commands == ["make demo", "make extension"]
    for command in (*commands, "make help"):
        assert command in README
        words = ["make", "--dry-run", "PYTHON=python3", command.split()[1]]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        scripts = re.findall(r"[\w./]+\.py", done.stdout)
        assert scripts
        assert [script for script in scripts if not (ROOT / script).is_file()] == []


def test_the_help_that_it_names_prints_the_commands(tmp_path):
    command = [sys.executable, ROOT / ".ci/make_help.py", ROOT / "Makefile"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "make demo " in said
    assert "make extension " in said


def test_what_it_says_of_versions_and_files_is_so():
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    oldest = ".".join(manifest["blender_version_min"].split(".")[:2])
    release = (ROOT / ".ci/release.py").read_text(encoding="utf-8")
    newest = re.findall(r'"(\d\.\d)": "3\.\d+"', release)[-1]
    assert f"Blender {oldest} to {newest}" in README
    assert f"dist/{manifest['id']}-<version>.zip" in README
    assert manifest["license"][0] == "SPDX:GPL-3.0-or-later"


def test_the_buttons_that_it_names_are_there():
    named = set(re.findall(r"\*(?:[^*]+ ▸ )?([^*▸]+)\*", README))
    labels = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "operators").rglob("*.py")
    )
    for label in ("Install engine", "Reconstruct"):
        assert label in named
        assert f'bl_label = "{label}' in labels
