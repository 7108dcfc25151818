"""Pins of heads that Effigy's own head model made, from their records alone: what Blender needs.

Records are in the schema of ``reconstruction.json``, one for each photo, the head's own first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..head.storage import load_head_model
from ..results.camera import camera_as_json, plain
from ..results.pinned import NAME
from ..results.provenance import check_same_model
from ..results.reconstruction import provenance_of
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
    return json.dumps(pins_as_json(pins, load_head_model()))


def pins_of_text(text: str) -> Pins:
    """The way back of :func:`pins_as_text`. Raises UsageError: the text is damaged."""
    try:
        return pins_of(json.loads(text), load_head_model())
    except (ValueError, AttributeError) as error:
        raise UsageError(f"The pins cannot be read ({error})", "Place them again") from error


def followed(records: Sequence[Record], pins: Pins, solver: Solver | None = None) -> list[Any]:
    """The records of a head that follows ``pins``; ``solver``: of these records, if known.

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
    changed[0]["identity"] = plain(solution.identity)
    changed[0].pop(NAME, None)
    if pinned is not None:
        changed[0][NAME] = pinned.to_json()
    return changed
