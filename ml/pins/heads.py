"""Results and pins: the estimate that a result keeps, and what a result says of its pins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..data import HeadCoefficients
from ..errors import HeadError
from ..head.model import HeadModel
from ..results.camera import camera_as_json, camera_of, plain
from ..results.pinned import NAME, Pinned
from ..results.reconstruction import coefficients_of
from ..shape_sliders.shape import shape_of
from .estimate import Estimate
from .file import pins_as_json, pins_of
from .pins import PhotoPins, Pins
from .settle import settled
from .solve import Solution, Solver

# What a head's record, in the schema of reconstruction.json, says of one photo.
Record = Mapping[str, Any]


def estimate_of(records: Sequence[Record], model: HeadModel) -> Estimate:
    """What the photos said before there were pins; ``records``: of all photos, the head's first.

    Raises
    ------
    HeadError: the records are damaged.
    """
    try:
        stored = records[0].get(NAME)
        before = stored["estimate"] if stored else {}
        identity = before.get("identity", shape_of(records[0]).identity)
        rows = before.get("photos", records)
        sizes = [{"photo": record["photo"]} for record in records]
        heads = [
            (
                coefficients_of({"identity": identity, **_own(row)}, model.expression_names),
                camera_of({**size, "camera": row["camera"]}),
            )
            for row, size in zip(rows, sizes, strict=True)
        ]
        _check(heads[0][0], model)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise _damaged(records[0], error) from error
    return Estimate.of(heads)


def pins_on(records: Sequence[Record], model: HeadModel) -> Pins:
    """The pins that a head follows; without any, for the photos of its records, no pins.

    Raises
    ------
    HeadError: they are damaged, or of another head model.
    """
    stored = records[0].get(NAME)
    if not stored:
        return no_pins(records)
    try:
        found = pins_of(stored["pins"], model)
    except (KeyError, ValueError, TypeError) as error:
        raise _damaged(records[0], error) from error
    return found if len(found.photos) == len(records) else no_pins(records)


def no_pins(records: Sequence[Record]) -> Pins:
    """The photos of ``records``, none with a pin."""
    photos = (record["photo"] for record in records)
    return Pins(
        tuple(
            PhotoPins(photo["name"], photo.get("sha256", ""), photo["width"], photo["height"])
            for photo in photos
        )
    )


def pins_for(pins: Pins, records: Sequence[Record]) -> Pins:
    """``pins``, photo by photo for the photos of ``records``; photos that have none get none.

    Raises
    ------
    HeadError: none of the photos is among them, or one has another size.
    """
    empty, found, known = no_pins(records), list[PhotoPins](), 0
    for photo in empty.photos:
        own = pins.of(photo.name, photo.sha256)
        if own is None:
            found.append(photo)
            continue
        check_size(own, (photo.width, photo.height))
        known += 1
        found.append(PhotoPins(photo.name, photo.sha256, photo.width, photo.height, own.pins))
    if not known:
        theirs = ", ".join(photo.name for photo in pins.photos)
        ours = ", ".join(photo.name for photo in empty.photos)
        raise HeadError(
            f"The pins are of {theirs}, and the head of {ours}", "Choose the pins of this photo"
        )
    return Pins(tuple(found), pins.mirror, pins.expression)


def check_size(own: PhotoPins, size: tuple[int, int]) -> None:
    """Raise HeadError unless pins are of a photo of this size."""
    if (own.width, own.height) != size:
        raise HeadError(
            f"The pins are of {own.name} with {own.width} x {own.height} pixels, but it has "
            f"{size[0]} x {size[1]}",
            "Place them again, or bring back the photo that they were placed on",
        )


def pinned_by(
    pins: Pins, estimate: Estimate, solution: Solution, model: HeadModel
) -> Pinned | None:
    """What the result of a person says of their pins; None where there are none."""
    if solution.layer is None:
        return None
    before = {
        "identity": plain(estimate.identity),
        "photos": [
            {
                "expression": dict(
                    zip(model.expression_names, plain(view.expression), strict=True)
                ),
                "camera": camera_as_json(view.camera),
            }
            for view in estimate.views
        ],
    }
    return Pinned(pins_as_json(pins, model), before, solution.layer)


def _own(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"expression": row["expression"]}


def _check(head: HeadCoefficients, model: HeadModel) -> None:
    if head.identity.shape != (model.identity_count,):
        raise ValueError(f"identity has {head.identity.size} of {model.identity_count} numbers")
    if not np.isfinite([*head.identity, *head.expression]).all():
        raise ValueError("a coefficient is no finite number")


def _damaged(record: Record, error: object) -> HeadError:
    name = record.get("photo", {}).get("name", "a photo")
    return HeadError(
        f"What is recorded of the pins of {name} is damaged ({error!r:.200})",
        "Reconstruct the photo again",
    )


def follow(model: HeadModel, estimate: Estimate, pins: Pins) -> tuple[Solution, Pinned | None]:
    """The person who follows ``pins``, and what their result says of it."""
    solution = settled(Solver(model, estimate), pins)
    return solution, pinned_by(pins, estimate, solution, model)
