"""The one list of options: every field has its option, and both command lines read it."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

import pytest

from ml.errors import UsageError
from ml.settings import OPTIONS, Settings, add_options, check_settings, settings_of


def parsed(*words: str) -> Settings:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return settings_of(parser.parse_args(list(words)))


def test_every_field_is_an_option_in_the_same_order():
    assert [item.name for item in OPTIONS] == [field.name for field in fields(Settings)]


def test_defaults_are_among_the_choices_and_valid():
    for item in OPTIONS:
        if item.choices:
            assert str(getattr(Settings(), item.name)) in item.values
    check_settings(Settings())


def test_flags_set_every_field():
    folder = str(Path("clips").absolute())
    first = ("2", "face-alignment", True, 512, "low", "off")
    wanted = Settings(*first, "openai", folder, "pytorch3d", 125, False, False, device="cpu")
    words = "--face 2 --landmarks face-alignment --allow-download --texture-size 512 --level low"
    words += " --detail off --clip openai --clip-folder clips --renderer pytorch3d"
    words += " --likeness 125 --no-hair --no-bust --device cpu"
    assert parsed(*words.split()) == wanted
    assert parsed() == Settings()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (Settings(face="0"), "'0'"),
        (Settings(face="number"), "'number'"),
        (Settings(level="lowest"), "low, base, high"),
        (Settings(renderer="ink"), "builtin, pytorch3d"),
        (Settings(detail="best"), "off, relief, consistent"),
        (Settings(clip="mine"), "face, openai"),
        (Settings(device="tpu"), "auto, cpu, cuda, mps"),
        (Settings(texture_size=63), "64 to 8192"),
        (Settings(texture_size=-1), "64 to 8192"),
        (Settings(likeness=-1), "0 to 150"),
        (Settings(likeness=151), "0 to 150"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_possible(settings: Settings, named: str):
    with pytest.raises(UsageError) as caught:
        check_settings(settings)
    assert named in str(caught.value)
