"""The pages and the assets' cards name only files, modules and commands that exist."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("manual/*.md"))]
# What was tried in the past keeps the names of that time; only its links must lead somewhere.
LOG = sorted((DOCS / "log").glob("*.md"))
CARDS = sorted((ROOT / "ml").rglob("*.card.json"))
FOLDERS = r"(?:ml|operators|panels|examples|docs|tests|\.ci|\.github)"


def paths_in(text: str) -> set[str]:
    """Paths of this repository, from its root; "*" stands for any name."""
    found = re.findall(rf"(?<![\w./-])({FOLDERS}/[\w./*-]+)", text)
    return {path.rstrip("./") for path in found}


def modules_in(text: str) -> set[str]:
    """Modules that a command runs: ``python -m ml.cli``."""
    return set(re.findall(r"python(?:3\.11)? -m (ml[\w.]*\w)", text))


def is_there(path: str) -> bool:
    return bool(list(ROOT.glob(path))) if "*" in path else (ROOT / path).exists()


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether a link of ``page`` is to a file that exists, and to a heading that it has."""
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return target.exists() and (not anchor or anchor in headings(target))


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as MkDocs and GitHub call them where both agree."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in found)
    return {re.sub(r"[-\s]+", "-", heading) for heading in plain}


def runs(module: str) -> bool:
    """Whether ``python -m`` finds something to run under this name."""
    file = ROOT / (module.replace(".", "/") + ".py")
    if file.is_file():
        return '__name__ == "__main__"' in file.read_text(encoding="utf-8")
    return (file.with_suffix("") / "__main__.py").is_file()


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_paths_and_commands_in_pages_exist(page):
    text = page.read_text(encoding="utf-8")
    assert [path for path in sorted(paths_in(text)) if not is_there(path)] == []
    assert [module for module in sorted(modules_in(text)) if not runs(module)] == []


@pytest.mark.parametrize("page", [*PAGES, *LOG], ids=name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)\s]+)\)", text)
    assert [link for link in links if not leads_somewhere(page, link)] == []


def test_the_manual_has_every_page_in_its_navigation_and_every_picture_in_a_page():
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = re.findall(r"^ *- (?:\w+: )?([\w/]+\.md)$", config, re.MULTILINE)
    there = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert sorted(listed) == sorted(there)
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [path.name for path in (DOCS / "manual/images").iterdir() if path.name not in text] == []


@pytest.mark.parametrize("card", CARDS, ids=name)
def test_cards_name_commands_that_exist(card):
    command = json.loads(card.read_text(encoding="utf-8"))["command"]
    # What others published is taken as it is, from a package of a fixed version.
    taken = re.fullmatch(r"npm pack @?[\w/-]+@\d+\.\d+\.\d+", command)
    assert taken or modules_in(command)
    assert [module for module in sorted(modules_in(command)) if not runs(module)] == []
    assert [path for path in sorted(paths_in(command)) if not is_there(path)] == []


def test_what_is_missing_is_noticed():
    text = "See `ml/nowhere.py`, ml/regressor/assets/*.toml. Run python -m ml.nowhere or -m ml.cli."
    assert {path for path in paths_in(text) if not is_there(path)} == {
        "ml/nowhere.py",
        "ml/regressor/assets/*.toml",
    }
    page = DOCS / "manual/first_head.md"
    assert leads_somewhere(page, "../trust.md")
    assert leads_somewhere(page, "#without-a-photo")
    assert not leads_somewhere(page, "../distrust.md")
    assert not leads_somewhere(page, "pins.md#without-a-photo")
    assert not any(runs(module) for module in modules_in(text) | {"ml.data", "ml.geometry"})
    assert runs("ml.cli")
    assert runs("ml.evaluation")
