"""A release: one version, a changelog in its form, a zip that validators checked."""

import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ml.version import effigy_version

ROOT = Path(__file__).resolve().parents[2]
# Keep a Changelog's kinds, in its order.
KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
SECTION = re.compile(r"\[(Unreleased|\d+\.\d+\.\d+)\](?: - \d{4}-\d\d-\d\d)?")
MANIFEST = """schema_version = "1.0.0"
id = "probe"
version = "{version}"
name = "Probe"
tagline = "A probe of the release"
maintainer = "Nobody"
type = "add-on"
blender_version_min = "4.2.0"
license = ["SPDX:GPL-3.0-or-later"]
"""


@pytest.fixture
def release():
    spec = importlib.util.spec_from_file_location("release", ROOT / ".ci/release.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def validators(release):
    found = dict(release.found_validators())
    if not found:
        pytest.skip("there is no wheel of Blender for Linux on ARM")
    return found


@pytest.fixture
def archive(tmp_path):
    """Makes a tiny extension's zip of this version."""

    def make(version="1.2.3"):
        path = tmp_path / "probe-1.2.3.zip"
        with zipfile.ZipFile(path, "w") as written:
            written.writestr("blender_manifest.toml", MANIFEST.format(version=version))
            written.writestr("__init__.py", "def register(): pass\ndef unregister(): pass\n")
        return path

    return make


def problems(text: str) -> list[str]:
    """What in a changelog is not in its form."""
    found, seen = [], []
    for line in text.splitlines():
        if line.startswith("## "):
            match = SECTION.fullmatch(line[3:])
            named = match and (line.endswith("[Unreleased]") or " - " in line)
            found += [] if named else [line]
            seen = []
        elif line.startswith("### "):
            place = KINDS.index(line[4:]) if line[4:] in KINDS else -1
            found += [line] if place < 0 or [kind for kind in seen if kind >= place] else []
            seen.append(place)
        elif line and seen and not line.startswith(("- ", "  ")):
            found.append(line)
    return found


def test_the_changelog_has_the_form_of_keep_a_changelog():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert problems(text) == []
    sections = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    assert sections[0] == "Unreleased"
    assert len({*sections}) == len(sections)


def test_what_is_wrong_with_a_changelog_is_seen():
    wrong = "# C\n\n## 1.0\n\n### Fixed\n\n- a\n  b\nc\n\n### Added\n\n### News\n\n## [1.0.0]\n"
    assert problems(wrong) == ["## 1.0", "c", "### Added", "### News", "## [1.0.0]"]
    assert problems("## [1.0.0] - 2026-01-31\n\n### Added\n\n- a\n\n### Fixed\n\n- b\n") == []


def test_the_version_stands_in_the_manifest_alone_and_is_semantic():
    assert re.fullmatch(r"\d+\.\d+\.\d+", effigy_version())
    for name in ("pyproject.toml", "setup.py", "mkdocs.yml", "README.md", "ml/version.py"):
        path = ROOT / name
        assert not path.exists() or effigy_version() not in path.read_text(encoding="utf-8"), name


def test_a_validator_that_is_not_there_is_named(release, validators, archive, capfd):
    here = next(iter(validators))
    release.check(archive(), {here: validators[here]})
    said = capfd.readouterr().out.splitlines()
    assert f"Blender {here}: probe-1.2.3.zip is valid" in said
    for blender in {*release.BLENDERS} - {here}:
        assert any(f"Blender {blender}: NOT CHECKED" in line for line in said)


def test_a_release_ends_where_a_validator_refuses_or_there_is_none(
    release, validators, archive, capfd
):
    with pytest.raises(SystemExit) as caught:
        release.check(archive(version="one"), validators)
    assert caught.value.code
    assert "version" in capfd.readouterr().err
    with pytest.raises(SystemExit, match="make validators"):
        release.check(archive(), {})


def test_the_repository_lists_the_zip_and_its_page_can_be_dragged_from(
    release, validators, archive, tmp_path
):
    folder, path = tmp_path / "repository", archive()
    (folder / "left over").mkdir(parents=True)
    release.make_repository(path, folder, [*validators.values()][-1])
    assert {each.name for each in folder.iterdir()} == {"index.json", "index.html", path.name}
    listed = json.loads((folder / "index.json").read_text(encoding="utf-8"))["data"]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert [(each["id"], each["archive_hash"]) for each in listed] == [
        ("probe", f"sha256:{digest}")
    ]
    page = (folder / "index.html").read_text(encoding="utf-8")
    # Blender takes a link for an extension by this query.
    assert f'href="./{path.name}?repository=.%2Findex.json&blender_version_min=4.2.0"' in page
    assert "Drag the link" in page


def test_make_help_names_every_goal():
    command = [sys.executable, ROOT / ".ci/make_help.py", ROOT / "Makefile"]
    around = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    said = subprocess.run(command, env=around, capture_output=True, text=True, check=True).stdout
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    goals = re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    named = re.findall(r"^make ([\w-]+) +\S", said, re.MULTILINE)
    assert sorted(named) == sorted(" ".join(goals).split())
