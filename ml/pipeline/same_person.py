"""Several photos of one person: one identity, and an expression and a camera per photo.

Faces are found photo by photo; then one fit sees them all. What turns with the head in one photo
is shape, what does not is expression or camera: several views tell these apart where one cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..data import Photo, Progress
from ..errors import HeadError, ImageUnreadable, NoFaceFound, UsageError
from ..fitting.agreement import strangers
from ..fitting.evidence import check_fit
from ..fitting.gauss_newton import fit_person
from ..head.mesh import person_of
from ..head.storage import load_head_model
from ..pins.pins import Pins
from ..results.person import Doubt, LeftOut, SamePerson
from ..results.reconstruction import Reconstruction
from ..settings import Settings, check_settings
from .common import Common, common_of
from .fit import REFINEMENTS, Fitted, fit_observation, refine_again, with_likeness
from .pinned import follow_pins, photo_record
from .sight import Sight
from .single import complete_head, ignore_progress, part_of, warm_up
from .timing import Clock
from .upright import observe_upright, turned


@dataclass(frozen=True)
class FittedPhoto:
    """The person's face in one photo, fitted by itself.

    The photo itself is not kept: ten large ones would fill the memory. quarters: by how many right
    angles it was turned, see :mod:`ml.pipeline.upright`. sha256: of the file's bytes.
    """

    path: Path
    fitted: Fitted
    clock: Clock
    quarters: int = 0
    sha256: str = ""


def reconstruct_person(
    paths: Sequence[Path],
    settings: Settings,
    progress: Progress | None = None,
    pins: Pins | None = None,
) -> SamePerson:
    """Reconstruct one person from several photos; all heads share their identity coefficients.

    The result names photos that are left out, as they cannot be read or show no face, and those
    that are used though they seem to show somebody else. The face is the most prominent one of each
    photo, or the one whose number ``settings.face`` gives. pins: that the person is to follow.

    Raises
    ------
    NoFaceFound: no photo is left. WeightsMissing, ModelUnreadable, UsageError
    HeadError: the pins are of none of the photos.
    """
    check_person_settings(paths, settings)
    progress = progress or ignore_progress
    progress(0.0, "Loading the network")
    warm_up(settings)
    seen, left_out = list[FittedPhoto](), list[LeftOut]()
    for number, path in enumerate(paths):
        progress(0.1 + 0.4 * number / len(paths), f"Finding the face in {path.name}")
        try:
            clock = Clock()
            seen.append(fit_alone(_read(path, clock), settings, clock))
        except (ImageUnreadable, NoFaceFound) as error:
            left_out.append(LeftOut(path, error))
    if not seen:
        raise _nobody(left_out)
    progress(0.5, f"Fitting one head to {len(seen)} photos")
    together = _fitted_together(seen, settings.likeness, pins)
    heads = complete_heads(together, settings, progress)
    progress(1.0, "Done")
    paths = tuple(item.path for item in seen)
    return SamePerson(paths, tuple(heads), tuple(left_out), doubts_of(seen))


def complete_heads(
    seen: Sequence[FittedPhoto], settings: Settings, progress: Progress
) -> list[Reconstruction]:
    """Everything after the common fit, which each photo holds."""
    common = common_of(sights_of(seen), settings) if len(seen) > 1 else Common()
    heads: list[Reconstruction] = []
    for item in seen:
        share = 0.55 + 0.45 * len(heads) / len(seen)
        progress(share, f"Finishing {item.path.name}")
        photo = _upright(item)
        part = part_of(progress, share, 0.45 / len(seen))
        own = common.of(len(heads))
        heads.append(complete_head(photo, item.fitted, settings, item.clock, part, own))
    return heads


def _fitted_together(
    seen: Sequence[FittedPhoto], likeness: int, pins: Pins | None
) -> list[FittedPhoto]:
    """The photos with their common fit; pins hold on the head whose likeness was changed."""
    fits = fit_together(seen, lambda place: _upright(seen[place]))
    together = [
        replace(item, fitted=with_likeness(fitted, likeness))
        for item, fitted in zip(seen, fits, strict=True)
    ]
    return together if pins is None else _pinned(together, pins)


def _pinned(seen: Sequence[FittedPhoto], pins: Pins) -> list[FittedPhoto]:
    """The photos of a person who follows ``pins``; each holds the common fit."""
    fits = [item.fitted.fit for item in seen]
    photos = [
        photo_record(item.path.name, item.sha256, fit.camera)
        for item, fit in zip(seen, fits, strict=True)
    ]
    fits, pinned = follow_pins(fits, photos, pins)
    return [
        replace(item, fitted=replace(item.fitted, fit=fit, pinned=pinned))
        for item, fit in zip(seen, fits, strict=True)
    ]


def check_person_settings(paths: Sequence[Path], settings: Settings) -> None:
    """Raise UsageError for what cannot be one person."""
    check_settings(settings)
    if not paths:
        raise UsageError("No photo was named", "Name photos of one person")
    if settings.face == "all":
        raise UsageError(
            "All faces of a photo cannot be the same person",
            "Choose the most prominent face, or one by its number",
        )


def fit_alone(photo: Photo, settings: Settings, clock: Clock) -> FittedPhoto:
    """Find the face in one photo and fit it by itself.

    A face that no head fits must not bend the others' identity, and the common fit gets a good
    camera to start from.

    Raises
    ------
    NoFaceFound
    """
    with clock.step("find"):
        upright = observe_upright(photo, settings)
    with clock.step("fit"):
        fitted = fit_observation(upright.photo, upright.observations[0])
    return FittedPhoto(photo.path, fitted, clock, upright.quarters, photo.sha256)


def fit_together(seen: Sequence[FittedPhoto], photo_of: Callable[[int], Photo]) -> list[Fitted]:
    """One identity for all photos; they come from one landmark source, so share one shape.

    Along the common head every photo is refined again: what the others tell of the person moves the
    surface on which the network looks. What it says last is the evidence of the common fit.
    photo_of: the photo, as its face stands, by its place.
    """
    shape = seen[0].fitted.shape
    evidence = [replace(item.fitted.evidence, camera=item.fitted.fit.camera) for item in seen]
    fits = fit_person(shape, evidence)
    dense = all(item.fitted.observation.landmark_set == "dense" for item in seen)
    # A single photo has been refined as often as it helps.
    for number in range(REFINEMENTS if dense and len(seen) > 1 else 0):
        evidence = [
            refine_again(photo_of(place), replace(item.fitted, fit=fit), mirrored=number % 2 == 1)
            for place, (item, fit) in enumerate(zip(seen, fits, strict=True))
        ]
        fits = fit_person(shape, evidence)
    return [
        replace(item.fitted, evidence=last, fit=check_fit(fit, item.path))
        for item, last, fit in zip(seen, evidence, fits, strict=True)
    ]


def doubts_of(seen: Sequence[FittedPhoto]) -> tuple[Doubt, ...]:
    """The photos whose identity, fitted alone, does not agree with the others'."""
    identities = np.stack([item.fitted.fit.coefficients.identity for item in seen])
    named = strangers(identities, [item.fitted.measures.vagueness for item in seen])
    if len(seen) == 2 and named:
        both = " and ".join(item.path.name for item in seen)
        message = f"{both} do not seem to show the same person: leave one of them out"
        return tuple(Doubt(item.path, message) for item in seen)
    message = "shows somebody else, or a face that does not fit: leave it out"
    return tuple(Doubt(seen[at].path, f"{seen[at].path.name} {message}") for at in sorted(named))


def sights_of(seen: Sequence[FittedPhoto]) -> Iterator[tuple[Sight, Clock]]:
    """The person as each photo sees them, with its clock; the photos are read one by one."""
    for item in seen:
        photo, fit = _upright(item), item.fitted.fit
        person = person_of(load_head_model(), fit.coefficients, item.fitted.layer)
        yield Sight(photo, fit.camera, person), item.clock


def _read(path: Path, clock: Clock) -> Photo:
    from ..photo.read import read_photo

    with clock.step("read"):
        return read_photo(path)


def _upright(item: FittedPhoto) -> Photo:
    return turned(_read(item.path, item.clock), item.quarters)


def _nobody(left_out: Sequence[LeftOut]) -> HeadError:
    if len(left_out) == 1:
        return left_out[0].error
    reasons = "; ".join(item.error.message for item in left_out)
    return NoFaceFound(
        f"None of the {len(left_out)} photos can be used: {reasons}", left_out[0].error.hint
    )
