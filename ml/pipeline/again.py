"""A head that was made before, following other pins: relief and texture are projected again.

Works from the files of the results, so the photos themselves may be gone: the picture beside a
result is upright and as large as a screen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..data import Camera, Photo, Progress
from ..detail.view import PersonView
from ..errors import HeadError, ImageUnreadable
from ..head.mesh import Person, person_mesh
from ..head.storage import load_head_model
from ..pins.heads import estimate_of, pinned_by, pins_for
from ..pins.pins import Pins
from ..pins.settle import people_of, settled
from ..pins.shipped import pins_given
from ..pins.solve import Solver
from ..results.folder import write_heads
from ..results.images import PHOTO_NAME
from ..results.person import SamePerson, save_index
from ..results.provenance import check_same_model
from ..results.reconstruction import Reconstruction, load_reconstruction, read_about
from ..settings import Settings, check_settings
from .relief import FoundRelief, relief_from, see_relief
from .request import paths_in
from .single import Sight, dressed, ignore_progress, parse_face, part_of, warm_up
from .timing import Clock


@dataclass(frozen=True)
class _Result:
    """One photo's result: its folder, the contents of its json, and its head as it was."""

    folder: Path
    about: Mapping[str, Any]
    head: Reconstruction


def follow_again(
    folders: Sequence[Path], pins: Pins, progress: Progress | None = None
) -> list[Reconstruction]:
    """The heads of a person's results, with their pictures and settings, following ``pins``.

    folders: of the results, one for each photo of the person, the head's own first.

    Raises
    ------
    HeadError: a result is missing or damaged, its picture is gone, or the pins are of other photos.
    WeightsMissing, ModelUnreadable, EngineUnavailable
    """
    progress = progress or ignore_progress
    progress(0.0, "Reading the results")
    results = [_Result(path, read_about(path), load_reconstruction(path)) for path in folders]
    for result in results:
        check_same_model(result.head.provenance)
    settings = _settings_of(results[0])
    progress(0.05, "Loading the network")
    warm_up(settings)
    progress(0.2, "Moving the head to its pins")
    sights, heads = _followed(results, pins, settings.level)
    relief = _relief(sights, settings) if settings.detail != "off" and len(sights) > 1 else None
    for number, sight in enumerate(sights):
        share = 0.3 + 0.7 * number / len(results)
        part = part_of(progress, share, 0.7 / len(results))
        heads[number] = dressed(heads[number], sight, settings, Clock(), part, relief)
    progress(1.0, "Done")
    return heads


def _followed(
    results: Sequence[_Result], pins: Pins, level: str
) -> tuple[list[Sight], list[Reconstruction]]:
    """The person of the results who follows ``pins``: in each picture, and as heads without images.

    level: of the heads' meshes.
    """
    model, records = load_head_model(), [result.about for result in results]
    pins, estimate = pins_for(pins, records), estimate_of(records, model)
    solver = Solver(model, estimate)
    solution = settled(solver, pins)
    pinned = pinned_by(pins, estimate, solution, model)
    sights, heads = list[Sight](), list[Reconstruction]()
    people = people_of(solver, solution)
    for result, camera, person in zip(results, solution.cameras, people, strict=True):
        sights.append(_sight(result, camera, person))
        heads.append(replace(_moved(result.head, camera, person, level), pinned=pinned))
    return sights, heads


def _moved(head: Reconstruction, camera: Camera, person: Person, level: str) -> Reconstruction:
    """``head`` with the geometry of a person, seen by a camera."""
    model = load_head_model()
    ibug, mediapipe = model.landmark_sets["ibug68"], model.landmark_sets["mediapipe478"]
    return replace(
        head,
        mesh=person_mesh(model, person, level),
        coefficients=person.coefficients,
        camera=camera,
        landmarks_68_px=camera.project(ibug.on(person.expressed)),
        landmarks_478_px=camera.project(mediapipe.on(person.expressed)),
        detail=None,
        state=None,
    )


def _relief(sights: Sequence[Sight], settings: Settings) -> FoundRelief:
    """The relief that all photos agree on, as for a new person."""
    seen = []
    for sight in sights:
        parse = parse_face(sight.photo, sight.camera, sight.person)
        view = PersonView(sight.photo.rgb, sight.camera, sight.person, settings.renderer)
        seen.append(see_relief(view, parse, settings))
    return relief_from(seen, settings)


def _sight(result: _Result, camera: Camera, person: Person) -> Sight:
    """The person in the picture beside the result, which may be smaller than the photo."""
    path = result.folder / PHOTO_NAME
    rgb = _picture(path)
    high, wide = rgb.shape[:2]
    scale = np.array([wide / camera.width, high / camera.height, 1.0])
    intrinsics = (camera.intrinsics * scale[:, None]).astype(np.float32)
    origin = result.head.provenance
    photo = Photo(rgb, Path(origin.photo_name), origin.photo_sha256)
    return Sight(photo, replace(camera, intrinsics=intrinsics, width=wide, height=high), person)


def _picture(path: Path) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except FileNotFoundError as error:
        raise HeadError(
            f"{path} is gone, so no texture can be made from it", "Reconstruct the photo again"
        ) from error
    except (OSError, ValueError) as error:
        raise ImageUnreadable(
            f"{path} cannot be read ({error})", "Reconstruct the photo again"
        ) from error


def _settings_of(result: _Result) -> Settings:
    """How the head was made, as far as its result says."""
    stored, known = result.about.get("settings"), {field.name for field in fields(Settings)}
    given = stored if isinstance(stored, dict) else {}
    settings = Settings(**{name: value for name, value in given.items() if name in known})
    settings = replace(settings, level=result.head.provenance.level, skip_existing=False)
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
    return {"folder": str(write_again(follow_again(results, pins, progress), results, out))}


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
