"""Texture and relief of an earlier head, made again from its photo or the copy beside it.

Geometry and camera are the result's: nothing is found or fitted anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..data import Progress
from ..errors import UsageError
from ..head.mesh import person_of
from ..head.storage import load_head_model
from ..results.detail import write_maps
from ..results.edited import put_head
from ..results.files import write_image
from ..results.images import ALBEDO_NAME
from ..results.provenance import check_same_model
from ..results.reconstruction import Reconstruction, load_reconstruction, read_about
from ..shape_sliders.shape import shape_of
from .again import Result, Seen, common_again, settings_of
from .request import path_in
from .single import dressed, part_of, warm_up
from .timing import Clock

TEXTURE, RELIEF = "texture", "relief"


def dress_again(
    folders: Sequence[Path], parts: Collection[str], progress: Progress
) -> Reconstruction:
    """The head of the first of a person's results with these parts made as its settings say.

    folders: of the results, one for each photo of the person, the head's own first. parts: TEXTURE
    and RELIEF, either or both; the others stay as they are.

    Raises
    ------
    HeadError: a result is missing or damaged, or its picture is gone.
    WeightsMissing, ModelUnreadable, EngineUnavailable
    """
    progress(0.0, "Reading the results")
    results = [Result(path, read_about(path), load_reconstruction(path)) for path in folders]
    for result in results:
        check_same_model(result.head.provenance)
    settings = settings_of(results[0])
    size = settings.texture_size if TEXTURE in parts else 0
    detail = settings.detail if RELIEF in parts else "off"
    wanted = replace(settings, texture_size=size, detail=detail, hair=False)
    progress(0.05, "Loading the network")
    warm_up(wanted)
    people = [_seen(result, results[0]) for result in results]
    common = common_again(people, wanted)
    sight, _ = people[0].sight()
    part = part_of(progress, 0.3, 0.7)
    head = dressed(results[0].head, sight, wanted, Clock(), part, common.of(0))
    return replace(head, settings=settings)


def write_dressed(head: Reconstruction, folder: Path, parts: Collection[str]) -> None:
    """Write these parts of ``head`` into the folder of its result. Raises OSError."""
    if TEXTURE in parts and head.albedo is not None:
        write_image(head.albedo, folder / ALBEDO_NAME)
    if RELIEF in parts and head.detail is not None:
        write_maps(head.detail, folder)
    put_head(head, folder, {})


def answer(data: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """What the engine answers to a request ``dress``: see ml.worker.

    Raises
    ------
    UsageError: the request names no results, or other parts. HeadError: see dress_again.
    OSError: the result cannot be written.
    """
    names, parts = data.get("folders"), data.get("parts")
    if not isinstance(parts, list) or not parts or not set(parts) <= {TEXTURE, RELIEF}:
        raise UsageError("The request asks for no parts of a head", "Restart Blender")
    if not isinstance(names, list) or not names:
        raise UsageError("The request names no results", "Restart Blender")
    folders = [path_in(name) for name in names]
    write_dressed(dress_again(folders, parts, progress), folders[0], parts)
    progress(1.0, "Done")
    return {"folder": str(folders[0])}


def _seen(result: Result, first: Result) -> Seen:
    """The person without sculpt and sliders, which no photo shows, as that of a result does."""
    own = first.head
    identity = shape_of(first.about).identity
    coefficients = replace(result.head.coefficients, identity=identity)
    layer = own.pinned.layer if own.pinned else None
    person = person_of(load_head_model(), coefficients, layer)
    return Seen(result, result.head.camera, person)
