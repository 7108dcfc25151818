"""The pins of a head in the scene: where they are stored, and how the head follows them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from ...ml.pins.pins import Pins
from ...ml.pins.shipped import followed
from ...ml.pins.solve import Solver
from ...ml.results.camera import camera_of
from ...ml.results.detail import detail_of
from ...ml.results.person import PhotoView
from ...ml.results.reconstruction import Reconstruction
from ...ml.results.record import head_of_record, with_sculpt
from ...ml.shape_sliders.shape import reshaped
from ..heads import locate
from ..scene.detail import stored_offsets
from ..scene.follow import check_can_follow, move_cameras, renew_images, reshape_head
from ..scene.metadata import (
    camera_object,
    photo_records,
    record_head,
    record_of,
    record_others,
    record_views,
)


def head_as_recorded(obj: bpy.types.Object, record: dict[str, Any]) -> Reconstruction:
    """The head of a record, with the relief that ``obj`` has. Raises HeadError."""
    head = head_of_record(record)
    offsets = stored_offsets(obj, len(head.mesh.vertices))
    return replace(head, detail=detail_of(record.get("detail", "off"), offsets))


def check_can_pin(obj: bpy.types.Object) -> None:
    """Raise HeadError where ``obj`` cannot follow pins."""
    check_can_follow(obj, head_of_record(record_of(obj)).mesh)


def set_pins(obj: bpy.types.Object, pins: Pins, solver: Solver | None = None) -> None:
    """Let ``obj`` follow ``pins``, for all its photos: shape, cameras and record.

    Texture and relief stay as they are, see :func:`renew_head`.

    Raises
    ------
    HeadError: its record is damaged, of another head model, or its mesh has other vertices.
    """
    before = photo_records(obj)
    after = followed(before, pins, solver)
    old, new = (head_as_recorded(obj, records[0]) for records in (before, after))
    reshape_head(obj, old, new)
    move_cameras(obj, *([camera_of(record) for record in rows] for rows in (before, after)))
    directory = Path(record_of(obj)["directory"])
    record_head(obj, new, directory, camera_object(obj))
    record_views(
        obj,
        [record["expression"] for record in after],
        [camera_of(record) for record in after],
    )


def renew_head(
    obj: bpy.types.Object, head: Reconstruction, directory: Path, others: list[PhotoView]
) -> None:
    """Give ``obj``, which follows the same pins, the texture and relief of a new result.

    others: the results of its further photos.

    Raises
    ------
    HeadError: an image cannot be read, or its mesh has other vertices.
    """
    # What was sculpted on it goes along, whatever the result knows of it; so do its sliders.
    head = reshaped(with_sculpt(head, None), record_of(obj))
    reshape_head(obj, head_as_recorded(obj, record_of(obj)), head)
    renew_images(obj, directory)
    record_head(obj, head, directory, camera_object(obj))
    numbers = range(1, len(others) + 1)
    record_others(obj, others, [camera_object(obj, number) for number in numbers])


def result_folders(obj: bpy.types.Object) -> list[Path]:
    """Where the results of all its photos lie, that of the head's own first."""
    own = locate(obj)
    further = [Path(record["directory"]) for record in photo_records(obj)[1:]]
    beside = [path if path.exists() else own.parent / path.name for path in further]
    return [own, *beside]
