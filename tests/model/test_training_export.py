"""Cards of trained weights: their commands can be repeated with the programs as they are."""

import argparse
import json
import re
import shlex
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from ml.training.detector import export as detector
from ml.training.perception import export as perception
from ml.training.regressor import export as regressor
from ml.training.surface import export as surface

ROOT = Path(__file__).parents[2]
SHIPPED = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))["command"].split(" && ")
    for path in sorted((ROOT / "ml").rglob("*.card.json"))
}
WRITTEN = {
    part.__name__: [
        command.format(checkpoint="out/checkpoint.pt")
        for command in (*part.TEXT.before, *part.TEXT.after)
    ]
    for part in (regressor, surface, detector, perception)
}
# What others published is taken as it is: tests/core/test_docs.py sees to the command.
COMMANDS = sorted(
    command
    for command in {
        each for known in (SHIPPED, WRITTEN) for part in known.values() for each in part
    }
    if not command.startswith("npm pack ")
)


class Accepted(Exception):  # no error
    """The arguments of a command are in order."""


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_cards_are_accepted(command, monkeypatch):
    python, option, module, *words = shlex.split(command)
    assert (python, option) == ("python", "-m")
    if find_spec(module).submodule_search_locations:
        module = f"{module}.__main__"
    parse = argparse.ArgumentParser.parse_args

    def stop(self, *arguments, **options):
        parse(self, *arguments, **options)
        raise Accepted

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    monkeypatch.setattr(sys, "argv", [module, *words])
    with pytest.raises(Accepted):
        import_module(module).main()


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_cards_need_nothing_but_the_data_and_the_repository(command):
    words = shlex.split(command)
    assert set(re.findall(r"\b[A-Z]{3,}\b", command)) <= {"DATA"}
    for word in words:
        assert not Path(word).is_absolute()
        if word.startswith("ml/"):
            assert (ROOT / word).is_file()


def test_shipped_weights_have_cards():
    assert {"regressor.card", "surface.card", "detector.card"} <= SHIPPED.keys()
