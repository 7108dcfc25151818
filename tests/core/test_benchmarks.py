"""What all benchmarks share: the registry, their options, the people kept out, and the clock."""

import argparse
import json
import re
from pathlib import Path

import pytest

from ml.errors import UsageError
from ml.evaluation import __main__ as commands
from ml.evaluation.benchmark import Benchmark, Outcome, outcome_of
from ml.evaluation.registry import COMMANDS
from ml.evaluation.speed.clock import milliseconds
from ml.evaluation.synthetic import heads
from ml.evaluation.synthetic.kept_out import KeptOut

ROOT = Path(__file__).parents[2]
# The options that a command cannot do without.
NEEDED = {
    "one": ["photo.jpg", "folder"],
    "sheet": ["wild", "--data", "d"],
    "calibration": [],
    "rendering": [],
    "sliders": [],
    "speed": ["--photo", "photo.jpg"],
    "likeness": ["--photos", "d", "--recogniser", "python"],
} | {name: ["--data", "d", "--results", "r"] for name in ("realy", "now", "facescape")}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_a_benchmark_that_takes_its_options(command):
    benchmark = command.benchmark()
    assert isinstance(benchmark, Benchmark)
    words = [command.name, *NEEDED.get(command.name, ["--data", "d"])]
    parsed = commands._parser(words).parse_args(words)
    assert parsed.benchmark is benchmark


def test_commands_in_the_documents_exist():
    """Every option that a page names is one, too."""
    named = set()
    for page in (ROOT / "docs").rglob("*.md"):
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        named |= set(re.findall(r"python -m ml\.evaluation ([a-z][^\n`]*)", text))
    assert {words.split()[0] for words in named} >= {"portraits", "report", "ablation"}
    for words in named:
        name = words.split()[0]
        (command,) = (command for command in COMMANDS if command.name == name)
        parser = argparse.ArgumentParser()
        command.benchmark().add_arguments(parser)
        known = {flag for action in parser._actions for flag in action.option_strings}
        assert set(re.findall(r"--[a-z-]+", words)) <= known, words


def test_a_command_loads_what_it_needs_and_no_more(run_code):
    """What the time of a new process is measured with must not import the data engine."""
    run_code(
        "import sys, ml.evaluation.__main__ as m; m._parser(['one']); "
        "assert 'ml.evaluation.speed.one' in sys.modules; "
        "assert 'torch' not in sys.modules; assert 'ml.training' not in sys.modules"
    )


def test_figures_are_printed_and_written(tmp_path, monkeypatch, capsys):
    found = outcome_of({"share": 12.345}, "{:8} {:7.1f}")
    monkeypatch.setattr(heads, "run", lambda arguments: found)
    path = tmp_path / "new" / "figures.json"
    assert commands.main(["synthetic", "--data", "d", "--json", str(path)]) == 0
    assert capsys.readouterr().out == "share       12.3\n"
    assert json.loads(path.read_text()) == {"summary": {"share": 12.345}}
    monkeypatch.setattr(heads, "run", lambda arguments: Outcome(""))
    assert commands.main(["synthetic", "--data", "d"]) == 0
    assert capsys.readouterr().out == ""


def test_who_is_kept_out_needs_what_training_makes(tmp_path):
    kept_out = KeptOut(tmp_path, tmp_path / "reference.npz", tmp_path / "fits.npz", 3)
    assert not kept_out.can_be_rendered
    for name in ("reference.npz", "fits.npz"):
        with pytest.raises(UsageError, match=f"{name} is needed") as caught:
            kept_out.check()
        assert "docs/training.md" in caught.value.hint
        (tmp_path / name).touch()
    kept_out.check()
    assert kept_out.can_be_rendered


@pytest.mark.parametrize(
    "command", ["head", "synthetic", "same-person", "texture", "detail", "ablation"]
)
def test_without_what_training_makes_commands_say_what_to_do(command, tmp_path, capsys):
    nowhere = str(tmp_path / "nowhere.npz")
    assert commands.main([command, "--data", str(tmp_path), "--reference", nowhere]) == 1
    assert "nowhere.npz is needed" in capsys.readouterr().err


def test_options_of_people_become_one_value():
    parser = argparse.ArgumentParser()
    heads.add_arguments(parser)
    parsed = parser.parse_args(["--data", "d", "--fits", "f", "--people", "5"])
    assert KeptOut.of(parsed) == KeptOut(Path("d"), Path("out/head/reference.npz"), Path("f"), 5)


def test_the_first_call_is_not_timed():
    calls = []
    spent = milliseconds(lambda: calls.append(None), 3)
    assert spent.shape == (3,)
    assert len(calls) == 4
    assert (spent >= 0).all()
