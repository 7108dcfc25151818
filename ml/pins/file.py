"""Pins as a file, ``pins.json``::

    {"format": 1, "model": {"id": "effigy-head", "version": "2"}, "mirror": false,
     "expression": true,
     "photos": [{"name": "ada.jpg", "sha256": "...", "width": 1200, "height": 1600, "pins": [
       {"landmark": 152, "position": [610.5, 1204.0], "locked": false},
       {"vertices": [10, 11, 42], "weights": [0.2, 0.3, 0.5], "position": [300.0, 800.0],
        "locked": true}]}]}

Positions are pixels of the photo, upright, with (0, 0) at the top left corner. A landmark is an
index into the landmark set "dense", whose first 478 are MediaPipe's; any other point is given by
three vertices of the base mesh and barycentric weights.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import HeadError, UsageError, explained
from ..head.model import HeadModel
from ..results.checks import read_json
from ..results.files import replacing
from .pins import LANDMARKS, PhotoPins, Pin, Pins

FORMAT = 1
MOST_PINS, MOST_PHOTOS = 1000, 200
_FARTHEST = 1e6
_LONGEST_NAME = 1024


def pins_as_json(pins: Pins, model: HeadModel) -> dict[str, Any]:
    """The contents of ``pins.json``, as plain Python values."""
    return {
        "format": FORMAT,
        "model": {"id": model.model_id, "version": model.version},
        "mirror": pins.mirror,
        "expression": pins.expression,
        "photos": [
            {
                "name": photo.name,
                "sha256": photo.sha256,
                "width": photo.width,
                "height": photo.height,
                "pins": [_pin_as_json(pin) for pin in photo.pins],
            }
            for photo in pins.photos
        ],
    }


def pins_of(about: Mapping[str, Any], model: HeadModel) -> Pins:
    """The pins in the contents of a ``pins.json``.

    Raises
    ------
    UsageError: a later Effigy wrote them, or they are of another head model.
    ValueError: they are damaged; says where.
    """
    version = about.get("format")
    if type(version) is not int or version < 1:
        raise ValueError(f"its format is {str(version)[:20]!r}")
    if version > FORMAT:
        raise UsageError(
            f"The pins have the format {version}, and this Effigy reads up to {FORMAT}",
            "Update Effigy",
        )
    made_with = _part(about, "model", dict)
    if (made_with.get("id"), made_with.get("version")) != (model.model_id, model.version):
        raise UsageError(
            f"The pins are of the head model {str(made_with.get('id'))[:40]} "
            f"{str(made_with.get('version'))[:20]}, but this is {model.model_id} {model.version}",
            "Place them again",
        )
    photos = _part(about, "photos", list)
    if not 1 <= len(photos) <= MOST_PHOTOS:
        raise ValueError(f"it has {len(photos)} photos")
    found = tuple(_photo_of(photo, model) for photo in photos)
    return Pins(found, _part(about, "mirror", bool), _part(about, "expression", bool))


def read_pins(path: Path, model: HeadModel) -> Pins:
    """Read ``pins.json``.

    Raises
    ------
    HeadError: it cannot be read, is damaged, or was made for another head model; it is named.
    """
    try:
        return pins_of(read_json(path), model)
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", error.hint) from error
    except OSError as error:
        raise explained(error, path) from error
    except ValueError as error:
        raise HeadError(
            f"{path} holds no pins that can be read ({error})",
            "Save them again: Save pins in Blender",
        ) from error


def write_pins(pins: Pins, model: HeadModel, path: Path) -> None:
    """Write ``pins.json``; an earlier file is replaced in one go. Raises OSError."""
    with replacing(path) as file:
        json.dump(pins_as_json(pins, model), file, indent=1)


def _pin_as_json(pin: Pin) -> dict[str, Any]:
    position = [round(float(value), 4) for value in pin.position]
    place: dict[str, Any] = {"landmark": pin.landmark}
    if pin.landmark is None:
        weights = [float(value) for value in pin.weights]
        place = {"vertices": [int(corner) for corner in pin.corners], "weights": weights}
    return {**place, "position": position, "locked": pin.locked}


def _photo_of(about: Any, model: HeadModel) -> PhotoPins:
    if not isinstance(about, dict):
        raise ValueError("a photo is no object")
    name, digest = (_part(about, key, str)[:_LONGEST_NAME] for key in ("name", "sha256"))
    sides = [_part(about, key, int) for key in ("width", "height")]
    if not all(0 < side < _FARTHEST for side in sides):
        raise ValueError(f"the photo {name!r} has no size")
    rows = _part(about, "pins", list)
    if len(rows) > MOST_PINS:
        raise ValueError(f"the photo {name!r} has {len(rows)} pins, {MOST_PINS} at most")
    pins = list[Pin]()
    for number, row in enumerate(rows, start=1):
        pin = _pin_of(row, number, model)
        if any(pin.is_at(other) for other in pins):
            raise ValueError(f"pin {number} of {name!r} holds a point that has a pin already")
        pins.append(pin)
    return PhotoPins(name, digest, sides[0], sides[1], tuple(pins))


def _pin_of(about: Any, number: int, model: HeadModel) -> Pin:
    try:
        if not isinstance(about, dict):
            raise ValueError("it is no object")
        position = _numbers(about, "position", 2)
        locked = _part(about, "locked", bool)
        where = position[0], position[1]
        if "landmark" in about:
            landmark = _part(about, "landmark", int)
            if not 0 <= landmark < len(model.landmark_sets[LANDMARKS]):
                raise ValueError(f"there is no landmark {landmark}")
            return Pin(where, landmark, locked=locked)
        corners, weights = _part(about, "vertices", list), _numbers(about, "weights", 3)
        known = [c for c in corners if type(c) is int and 0 <= c < model.vertex_count]
        if len(known) != 3 or len(corners) != 3:
            raise ValueError("its vertices are not three of the head's")
        if min(weights) < -1e-6 or abs(sum(weights) - 1) > 1e-4:
            raise ValueError("its weights are not barycentric")
        triangle, shares = (known[0], known[1], known[2]), (weights[0], weights[1], weights[2])
        return Pin(where, None, triangle, shares, locked)
    except ValueError as error:
        raise ValueError(f"pin {number}: {error}") from error


def _part(about: Mapping[str, Any], name: str, kind: type) -> Any:
    value = about.get(name)
    if type(value) is not kind:
        raise ValueError(f"{name!r} is {'missing' if value is None else 'of another kind'}")
    return value


def _numbers(about: Mapping[str, Any], name: str, count: int) -> list[float]:
    values = _part(about, name, list)
    good = [float(value) for value in values if type(value) in (int, float)]
    if len(good) != count or len(values) != count or not all(map(_is_near, good)):
        raise ValueError(f"{name!r} is not {count} finite numbers")
    return good


def _is_near(value: float) -> bool:
    return math.isfinite(value) and abs(value) < _FARTHEST
