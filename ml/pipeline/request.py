"""The parts of a request to the engine, checked: it comes from another process."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..pins.pins import Pins
from ..settings import Settings, check_settings


def parsed(line: str) -> dict[str, Any]:
    """The request in ``line``. UsageError: it is none."""
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise misunderstood(repr(error)) from error
    if not isinstance(request, dict):
        raise misunderstood("it is no object")
    return request


def settings_in(data: Mapping[str, Any]) -> Settings:
    """The settings of a request. UsageError: unknown, of another type or out of range."""
    given = data.get("settings") or {}
    kinds = {item.name: type(item.default) for item in fields(Settings)}
    for name, value in given.items() if isinstance(given, dict) else [("settings", given)]:
        if kinds.get(name) is not type(value):
            raise misunderstood(f"{str(name)[:40]} is {str(value)[:40]!r}")
    settings = Settings(**given)
    check_settings(settings)
    return settings


def path_in(text: object) -> Path:
    """A path in a request. UsageError: it is none."""
    if not isinstance(text, str) or not text or "\0" in text:
        raise misunderstood(f"{str(text)[:40]!r} is no path")
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        raise misunderstood(f"{text[:40]!r} is no path") from error
    return Path(text)


def paths_in(value: object, what: str) -> list[Path]:
    """The paths in a request. UsageError: it has none; ``what`` they are of."""
    if not isinstance(value, list) or not value:
        raise misunderstood(f"it names no {what}")
    return [path_in(text) for text in value]


def pins_in(data: Mapping[str, Any]) -> Pins | None:
    """The pins of a request; None where it has none. UsageError: they are damaged."""
    from ..pins.shipped import pins_given

    given = data.get("pins")
    return None if given is None else pins_given(given)


def misunderstood(why: str) -> UsageError:
    """The error for a request that says something else than the engine expects."""
    return UsageError(f"A request was not understood ({why})", "Restart Blender")
