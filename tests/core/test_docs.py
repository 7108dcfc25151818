"""The pages and the assets' cards name only files, modules and commands that exist."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# What was tried in the past keeps the names of that time; only its links must lead somewhere.
LOG = sorted((ROOT / "docs" / "log").glob("*.md"))
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
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("card", CARDS, ids=name)
def test_cards_name_commands_that_exist(card):
    command = json.loads(card.read_text(encoding="utf-8"))["command"]
    assert modules_in(command)
    assert [module for module in sorted(modules_in(command)) if not runs(module)] == []
    assert [path for path in sorted(paths_in(command)) if not is_there(path)] == []


def test_what_is_missing_is_noticed():
    text = "See `ml/nowhere.py`, ml/regressor/assets/*.toml. Run python -m ml.nowhere or -m ml.cli."
    assert {path for path in paths_in(text) if not is_there(path)} == {
        "ml/nowhere.py",
        "ml/regressor/assets/*.toml",
    }
    assert not any(runs(module) for module in modules_in(text) | {"ml.data", "ml.geometry"})
    assert runs("ml.cli")
    assert runs("ml.evaluation")
