"""What those who carry on are given: contributing, issue templates, the same lint everywhere."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml"))
CONTRIBUTING = (ROOT / ".github/CONTRIBUTING.md").read_text(encoding="utf-8")


def goals() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(" ".join(re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)).split())


def test_a_report_of_a_fault_asks_for_blender_engine_and_report_row():
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/bug.yml").read_text(encoding="utf-8"))
    asked = {field["id"]: field for field in form["body"] if "id" in field}
    assert {"blender", "engine", "row", "steps"} <= asked.keys()
    for name in ("blender", "engine", "steps"):
        assert asked[name]["validations"]["required"]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_issue_templates_have_the_form_that_github_reads(path):
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= form.keys()
    for field in form["body"]:
        assert field["type"] in ("markdown", "input", "textarea", "dropdown", "checkboxes")
        assert "value" in field["attributes"] or field["attributes"]["label"]


def test_commits_ci_and_developers_are_linted_by_the_same_ruff():
    requirements = (ROOT / ".ci/requirements.txt").read_text(encoding="utf-8")
    pinned = re.search(r"^ruff==.+$", requirements, re.MULTILINE).group()
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    hooks = yaml.safe_load(text)["repos"][0]["hooks"]
    assert [hook["additional_dependencies"] for hook in hooks] == [[pinned]] * 2
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for hook in hooks:
        assert f"-m {hook['entry'].removesuffix(' --force-exclude')} ." in makefile


def test_workflows_call_goals_of_the_makefile_and_nothing_else_of_ours():
    text = (ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    runs = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    called = [line for run in runs for line in run.splitlines() if line.startswith("make ")]
    named = {
        word for line in called for word in line.split()[1:] if "=" not in word and "$" not in word
    }
    assert {"lint", "types", "test-core", "test-blender", "release"} <= named
    assert {word for word in named if re.fullmatch(r"[\w-]+", word)} <= goals()
    systems = {row["os"].split("-")[0] for row in jobs["test"]["strategy"]["matrix"]["include"]}
    pythons = {row["python"] for row in jobs["test"]["strategy"]["matrix"]["include"]}
    assert systems == {"ubuntu", "macos", "windows"}
    assert pythons == {"3.11", "3.13"}


def test_contributing_names_what_there_is():
    named = set(re.findall(r"\bmake ([a-z][\w-]+)", CONTRIBUTING))
    assert named <= goals()
    folders = r"(?:ml|operators|panels|docs|tests|\.ci|\.github)"
    paths = re.findall(rf"`({folders}/[\w./*]+)`", CONTRIBUTING)
    assert len(paths) > 10
    assert [path for path in paths if not list(ROOT.glob(path))] == []
    assert len(CONTRIBUTING.splitlines()) <= 70  # one page
