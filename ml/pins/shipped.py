"""Pins of heads that Effigy's own head model made, from their records alone: what Blender needs.

Records are in the schema of ``reconstruction.json``, one for each photo, the head's own first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import HeadError, UsageError
from ..head.storage import load_head_model
from ..results.camera import camera_as_json, plain
from ..results.folder import photo_digest
from ..results.pinned import NAME
from ..results.provenance import check_same_model, provenance_of
from ..settings import Settings
from ..shape_sliders.shape import on_another
from .estimate import rounded
from .file import pins_as_json, pins_of, read_pins, write_pins
from .heads import Record, estimate_of, pinned_by, pins_for, pins_on
from .pins import Pins
from .settle import settled
from .solve import Solver


def solver_for(records: Sequence[Record]) -> Solver:
    """What moves the head of these records to its pins.

    Raises
    ------
    UsageError: another head model made it. HeadError: the records are damaged.
    """
    check_same_model(provenance_of(dict(records[0])))
    model = load_head_model()
    return Solver(model, estimate_of(records, model))


def stored_pins(records: Sequence[Record]) -> Pins:
    """The pins that a head follows; none where it has none. Raises HeadError: they are damaged."""
    return pins_on(records, load_head_model())


def chosen_pins(path: Path, records: Sequence[Record]) -> Pins:
    """The pins in a file, for the photos of a head.

    Raises
    ------
    HeadError: the file cannot be read or is damaged, or its pins are of other photos.
    """
    return pins_for(read_pins(path, load_head_model()), records)


def save_pins(pins: Pins, path: Path) -> None:
    """Write ``pins.json``. Raises OSError."""
    write_pins(pins, load_head_model(), path)


def pins_as_text(pins: Pins) -> str:
    """The contents of ``pins.json`` in one line."""
    return json.dumps(pins_in_json(pins))


def pins_in_json(pins: Pins) -> dict[str, Any]:
    """The contents of ``pins.json``, as plain Python values."""
    return pins_as_json(pins, load_head_model())


def pins_of_text(text: str) -> Pins:
    """The way back of :func:`pins_as_text`. Raises UsageError: the text is damaged."""
    try:
        return pins_given(json.loads(text))
    except ValueError as error:
        raise _unreadable(error) from error


def pins_given(about: object) -> Pins:
    """The pins in the contents of a ``pins.json``. Raises UsageError: they are damaged."""
    if not isinstance(about, dict):
        raise _unreadable("it is no object")
    try:
        return pins_of(about, load_head_model())
    except ValueError as error:
        raise _unreadable(error) from error


def pins_for_photos(path: Path, photos: Sequence[Path], settings: Settings) -> Pins:
    """The pins in a file, for photos that are to be reconstructed with ``settings``.

    Raises
    ------
    UsageError: they cannot be read, are of none of the photos, or the settings do not go with them.
    """
    if settings.skip_existing or settings.face == "all":
        raise UsageError(
            "--pins does not go with --skip-existing or --face all",
            "Pins are of one face, and make its head anew",
        )
    try:
        pins = read_pins(path, load_head_model())
    except HeadError as error:
        raise UsageError(error.message, error.hint) from error
    if not any(pins_for_photo(pins, photo) for photo in photos):
        names = ", ".join(photo.name for photo in pins.photos)
        raise UsageError(f"{path} holds pins of {names}", "Name the photo that they are of")
    return pins


def pins_for_photo(pins: Pins | None, photo: Path) -> Pins | None:
    """``pins`` where a photo is among those that they are of; else None."""
    if pins is None or pins.of(photo.name, photo_digest(photo)) is None:
        return None
    return pins


def _unreadable(why: object) -> UsageError:
    return UsageError(f"The pins cannot be read ({why})", "Place them again")


def followed(records: Sequence[Record], pins: Pins, solver: Solver | None = None) -> list[Any]:
    """The records of a head that follows ``pins``; ``solver``: of these records, if known.

    Pins hold on the head without shape sliders, which lie over it.

    Raises
    ------
    HeadError: see :func:`solver_for`.
    """
    solver = solver or solver_for(records)
    solution = settled(solver, pins)
    pinned = pinned_by(pins, solver.estimate, solution, solver.model)
    names, changed = solver.model.expression_names, []
    for record, expression, camera in zip(
        records, solution.expressions, solution.cameras, strict=True
    ):
        values = dict(zip(names, plain(expression), strict=True))
        changed.append({**record, "expression": values, "camera": camera_as_json(camera)})
    changed[0] = on_another(changed[0], rounded(solution.identity))
    changed[0].pop(NAME, None)
    if pinned is not None:
        changed[0][NAME] = pinned.to_json()
    return changed
