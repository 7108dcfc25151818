"""The walk for several photos of one person: one identity, an expression and camera a photo.

Faces are found photo by photo; then one fit sees them all. What turns with the head in one photo
is shape, what does not is expression or camera: several views tell these apart where one cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..data import FitResult, Photo
from ..errors import HeadError, ImageUnreadable, NoFaceFound, UsageError
from ..fitting.gauss_newton import fit_person
from ..fitting.view import Evidence
from ..head.model import LinearShape
from ..head.storage import load_head_model
from ..results.person import LeftOut, SamePerson
from ..results.reconstruction import Reconstruction
from ..settings import Settings, check_settings
from .find import FoundFace
from .single import (
    Progress,
    checked_fit,
    evidence_of,
    finish_head,
    fit_alone,
    part_of,
    wanted_faces,
    warm_up,
)
from .timing import Clock


@dataclass(frozen=True)
class Sighting:
    """The person's face in one photo. The photo is not kept: ten large ones fill a memory.

    Attributes
    ----------
    shape: the head model at the landmarks that ``evidence`` tells of.
    alone: the fit to this photo alone; its camera is the one that ``evidence`` starts from.
    """

    path: Path
    face: FoundFace
    shape: LinearShape
    evidence: Evidence
    alone: FitResult


def reconstruct_person(
    paths: Sequence[Path], settings: Settings, progress: Progress | None = None
) -> SamePerson:
    """Reconstruct one person from several photos; all heads share their identity coefficients.

    A photo that cannot be read or shows no face is left out and named in the result. The face is
    the most prominent one of each photo, or the one whose number ``settings.face`` gives.
    ``progress(fraction, message)`` may raise :class:`~ml.errors.Cancelled`.

    Raises
    ------
    NoFaceFound: no photo is left. WeightsMissing, ModelUnreadable, UsageError
    """
    check_person_settings(paths, settings)
    tell = progress or (lambda fraction, message: None)
    tell(0.0, "Loading the network")
    warm_up()
    seen: list[tuple[Sighting, Clock]] = []
    left_out: list[LeftOut] = []
    for number, path in enumerate(paths):
        tell(0.1 + 0.4 * number / len(paths), f"Finding the face in {path.name}")
        try:
            clock = Clock()
            seen.append((look(_read(path, clock), settings, clock), clock))
        except (ImageUnreadable, NoFaceFound) as error:
            left_out.append(LeftOut(path, error))
    if not seen:
        raise _nobody(left_out)
    tell(0.5, f"Fitting one head to {len(seen)} photos")
    fits = fit_together([sighting for sighting, _ in seen])
    heads: list[Reconstruction] = []
    for (sighting, clock), fit in zip(seen, fits, strict=True):
        tell(0.55 + 0.45 * len(heads) / len(seen), f"Finishing {sighting.path.name}")
        photo = _read(sighting.path, clock)
        within = part_of(tell, 0.55 + 0.45 * len(heads) / len(seen), 0.45 / len(seen))
        heads.append(finish_head(photo, sighting.face, fit, settings, clock, within))
    tell(1.0, "Done")
    photos = tuple(sighting.path for sighting, _ in seen)
    return SamePerson(photos, tuple(heads), tuple(left_out))


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


def look(photo: Photo, settings: Settings, clock: Clock) -> Sighting:
    """Find the face in one photo and fit it by itself. Raises NoFaceFound."""
    with clock.room("find"):
        face, landmarks, embedding = wanted_faces(photo, settings)[0]
    with clock.room("fit"):
        shape, evidence = evidence_of(photo, load_head_model(), face, landmarks, embedding)
        # By itself first: a face that no head fits must not bend the others' identity, and the
        # common fit gets a good camera to start from.
        evidence, alone = fit_alone(photo, shape, evidence, embedding)
    return Sighting(photo.path, face, shape, replace(evidence, camera=alone.camera), alone)


def fit_together(seen: Sequence[Sighting]) -> list[FitResult]:
    """One identity for all sightings; they come from one landmark source, so share one shape."""
    fits = fit_person(seen[0].shape, [item.evidence for item in seen])
    return [checked_fit(fit, item.path) for fit, item in zip(fits, seen, strict=True)]


def _read(path: Path, clock: Clock) -> Photo:
    from ..photo.read import read_photo

    with clock.room("read"):
        return read_photo(path)


def _nobody(left_out: Sequence[LeftOut]) -> HeadError:
    if len(left_out) == 1:
        return left_out[0].error
    reasons = "; ".join(item.error.message for item in left_out)
    return NoFaceFound(
        f"None of the {len(left_out)} photos can be used: {reasons}", left_out[0].error.hint
    )
