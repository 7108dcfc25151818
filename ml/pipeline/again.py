"""A head that was made before, following other pins: relief and texture are projected again.

Works from the files of the results, and from the photos where they are still there: else from the
copies beside the results, see :mod:`.picture`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..data import Camera, Progress
from ..geometry.mesh_names import level_and_bust, mesh_name
from ..head.mesh import Person, person_mesh
from ..head.storage import load_head_model
from ..pins.heads import estimate_of, pinned_by, pins_for
from ..pins.pins import Pins
from ..pins.settle import people_of, settled
from ..pins.shipped import pins_given
from ..pins.solve import Solver
from ..results.folder import write_heads
from ..results.person import SamePerson, save_index
from ..results.provenance import check_same_model
from ..results.reconstruction import Reconstruction, load_reconstruction, read_about
from ..results.record import with_sculpt
from ..settings import Settings, check_settings
from .common import Common, common_of
from .picture import Picture, picture_of
from .request import paths_in
from .sight import Sight
from .single import dressed, ignore_progress, part_of, warm_up
from .timing import Clock


@dataclass(frozen=True)
class Result:
    """One photo's result: its folder, the contents of its json, and its head as it was."""

    folder: Path
    about: Mapping[str, Any]
    head: Reconstruction


@dataclass(frozen=True)
class Seen:
    """A person as the photo of a result sees them; ``camera`` is in the photo's pixels."""

    result: Result
    camera: Camera
    person: Person

    def sight(self) -> tuple[Sight, Picture]:
        """With the picture, which is not kept: ten large ones would fill the memory."""
        picture = picture_of(self.result.folder, self.result.head.provenance)
        camera, photo = self.camera, picture.photo
        scale = np.array([photo.width / camera.width, photo.height / camera.height, 1.0])
        intrinsics = (camera.intrinsics * scale[:, None]).astype(np.float32)
        wide, high = photo.width, photo.height
        camera = replace(camera, intrinsics=intrinsics, width=wide, height=high)
        return Sight(photo, camera, self.person), picture


@dataclass(frozen=True)
class Again:
    """What became of a person's results.

    Attributes
    ----------
    heads: in the order of the results. copies: the files that took the place of photos which were
    not found.
    """

    heads: list[Reconstruction]
    copies: tuple[Path, ...]


def follow_again(folders: Sequence[Path], pins: Pins, progress: Progress | None = None) -> Again:
    """The heads of a person's results, with their pictures and settings, following ``pins``.

    folders: of the results, one for each photo of the person, the head's own first.

    Raises
    ------
    HeadError: a result is missing or damaged, its picture is gone, or the pins are of other photos.
    WeightsMissing, ModelUnreadable, EngineUnavailable
    """
    progress = progress or ignore_progress
    progress(0.0, "Reading the results")
    results = [Result(path, read_about(path), load_reconstruction(path)) for path in folders]
    for result in results:
        check_same_model(result.head.provenance)
    settings = settings_of(results[0])
    progress(0.05, "Loading the network")
    warm_up(settings)
    progress(0.2, "Moving the head to its pins")
    mesh = mesh_name(settings.level, bust=settings.bust)
    people, heads, copies = *_followed(results, pins, mesh), list[Path]()
    common = common_again(people, settings)
    for number, seen in enumerate(people):
        share, name = 0.3 + 0.7 * number / len(results), seen.result.head.provenance.photo_name
        progress(share, f"Reading {name}")
        sight, picture = seen.sight()
        if not picture.original:
            copies.append(picture.file)
            progress(share, f"{name} was not found: its copy is used")
        part = part_of(progress, share, 0.7 / len(results))
        heads[number] = dressed(heads[number], sight, settings, Clock(), part, common.of(number))
    progress(1.0, "Done")
    return Again(heads, tuple(copies))


def _followed(
    results: Sequence[Result], pins: Pins, level: str
) -> tuple[list[Seen], list[Reconstruction]]:
    """The person of the results who follows ``pins``: in each photo, and as heads without images.

    level: of the heads' meshes.
    """
    model, records = load_head_model(), [result.about for result in results]
    pins, estimate = pins_for(pins, records), estimate_of(records, model)
    solver = Solver(model, estimate)
    solution = settled(solver, pins)
    pinned = pinned_by(pins, estimate, solution, model)
    seen, heads = list[Seen](), list[Reconstruction]()
    people = people_of(solver, solution)
    for result, camera, person in zip(results, solution.cameras, people, strict=True):
        seen.append(Seen(result, camera, person))
        # Texture and relief are those of the photo: what was sculpted is put on top of them.
        fitted = replace(_moved(result.head, camera, person, level), pinned=pinned)
        heads.append(with_sculpt(fitted, result.head.sculpt))
    return seen, heads


def _moved(head: Reconstruction, camera: Camera, person: Person, level: str) -> Reconstruction:
    """``head`` with the geometry of a person, seen by a camera."""
    model = load_head_model()
    ibug, mediapipe = model.landmark_sets["ibug68"], model.landmark_sets["mediapipe478"]
    return replace(
        head,
        mesh=person_mesh(model, person, level),
        coefficients=person.coefficients,
        shaped=None,
        camera=camera,
        landmarks_68_px=camera.project(ibug.on(person.expressed)),
        landmarks_478_px=camera.project(mediapipe.on(person.expressed)),
        detail=None,
        sculpt=None,
        state=None,
    )


def common_again(people: Sequence[Seen], settings: Settings) -> Common:
    """The relief and texture that several photos agree on, as for a new person."""
    if len(people) == 1:
        return Common()
    return common_of(((seen.sight()[0], Clock()) for seen in people), settings)


def settings_of(result: Result) -> Settings:
    """How the head was made, as far as its result says."""
    stored, known = result.about.get("settings"), {field.name for field in fields(Settings)}
    given = stored if isinstance(stored, dict) else {}
    settings = Settings(**{name: value for name, value in given.items() if name in known})
    level, bust = level_and_bust(result.head.provenance.level)
    settings = replace(settings, level=level, bust=bust, skip_existing=False)
    check_settings(settings)
    return settings


def answer(data: Mapping[str, Any], out: Path, progress: Progress) -> dict[str, Any]:
    """What the engine answers to a request ``follow_pins``: see ml.worker.

    Raises
    ------
    UsageError: the request names no results, or its pins are damaged. HeadError: see follow_again.
    OSError: ``out`` cannot be written to.
    """
    results = paths_in(data.get("folders"), "results")
    pins = pins_given(data.get("pins"))
    again = follow_again(results, pins, progress)
    folder = write_again(again.heads, results, out)
    return {"folder": str(folder), "copies": [str(file) for file in again.copies]}


def write_again(heads: Sequence[Reconstruction], folders: Sequence[Path], out: Path) -> Path:
    """Write heads of one person into ``out``, a folder for each photo if there are several.

    folders: of their earlier results, whose names the new ones have. Returns ``out``.

    Raises
    ------
    OSError: it cannot be written to.
    """
    if len(heads) == 1:
        write_heads(heads, out)
        return out
    photos = tuple(Path(folder.name) for folder in folders)
    targets = [out / folder.name for folder in folders]
    for head, target in zip(heads, targets, strict=True):
        write_heads([head], target)
    # The head's own photo comes first, whichever is the clearest.
    save_index(SamePerson(photos, tuple(heads)), targets, out, main=0)
    return out
