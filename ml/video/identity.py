"""Who a clip shows: one identity, and one focal length, from its best frames.

Frames are looked at all over the clip; of those that show the face sharply and not too far turned,
the most different ones are fitted together, as several photos of a person are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..data import FloatArray, FoundFace, Observation, Photo, Progress
from ..errors import HeadError, NoFaceFound
from ..fitting.agreement import strangers
from ..fitting.gauss_newton import fit_person
from ..fitting.photo_energy import zoomed
from ..photo.crop import FACE_POINTS
from ..photo.faces import prominence
from ..pipeline.find import find_faces
from ..pipeline.fit import Fitted, fit_observation
from ..pipeline.same_person import FittedPhoto, fit_together
from ..pipeline.timing import Clock
from .acquaintance import Acquaintance
from .footage import Footage, Frame
from .track import MOST, Finders

# Frames that are looked at, and those of them that are fitted.
SURVEYED, FITTED = 24, 5
# Of a clip that does not say how long it is, every so-many-th frame is looked at; so many are kept.
UNKNOWN_STEP, KEPT = 10, 12
# Frames are fitted whose landmarks are at most so many times as vague as those of the best.
SHARP = 1.6
# What tells frames apart: radians of the head's turn, against the mean difference of expressions.
TURN, ACT = 0.5, 0.1


@dataclass(frozen=True)
class Candidate:
    """A frame that shows a face. photo: the frame."""

    photo: Photo
    number: int
    face: FoundFace

    @property
    def vagueness(self) -> float:
        """The landmarks' median sigma as a share of the face's extent: grows with blur and turn."""
        points = self.face.output.landmarks
        extent = float(np.ptp(points.points[:FACE_POINTS], axis=0).max())
        return float(np.median(points.sigma[:FACE_POINTS])) / max(extent, 1e-6)


@dataclass(frozen=True)
class Cast:
    """The person of a clip.

    Attributes
    ----------
    identity: (I,). focal: pixels. known: by which others are told from them. best: the sharpest
    frame with the person fitted to it, for the head's texture. frames: numbers of the frames that
    were fitted.
    """

    identity: FloatArray
    focal: float
    known: Acquaintance
    best: tuple[Photo, Fitted]
    frames: tuple[int, ...]


def find_person(footage: Footage, finders: Finders, which: int, progress: Progress) -> Cast:
    """The person whom the clip shows.

    which: the place of their face among those of a frame, the most prominent of which is 0.

    Raises
    ------
    NoFaceFound: no frame that was looked at shows a face. VideoUnreadable
    """
    candidates = survey(footage, finders, which, progress)
    if not candidates:
        raise NoFaceFound(
            f"No face was found in {footage.path}",
            "Use a video where the face is larger, brighter or less turned away",
        )
    progress(0.6, "Fitting one head to the best frames")
    return cast_of(footage, chosen(candidates))


def survey(footage: Footage, finders: Finders, which: int, progress: Progress) -> list[Candidate]:
    """The face in frames from all over the clip, the sharpest of those that were looked at.

    which: the place of the face among those of a frame, the most prominent of which is 0.
    """
    step = max(1, footage.count // SURVEYED) if footage.count else UNKNOWN_STEP
    found: list[Candidate] = []
    for frame in footage.frames(step=step):
        share = frame.number / footage.count if footage.count else 0.5
        progress(min(share, 1.0) * 0.6, "Looking for the best frames")
        candidate = _candidate(footage, frame, finders, which)
        if candidate is not None:
            found.append(candidate)
            # Frames are large.
            found = sorted(found, key=lambda item: item.vagueness)[:KEPT]
    return found


def _candidate(footage: Footage, frame: Frame, finders: Finders, which: int) -> Candidate | None:
    photo = Photo(frame.rgb, footage.path, "")
    faces = find_faces(photo, list(finders.propose(photo))[:MOST], finders.predict)
    faces.sort(key=lambda face: -prominence(face.box, photo))
    return Candidate(photo, frame.number, faces[which]) if which < len(faces) else None


def chosen(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Up to FITTED sharp frames, each as different from those before it as there are."""
    first = min(candidates, key=lambda item: item.vagueness)
    sharp = [item for item in candidates if item.vagueness <= SHARP * first.vagueness]
    taken = [first]
    while len(taken) < min(FITTED, len(sharp)):
        rest = [item for item in sharp if all(item is not other for other in taken)]
        taken.append(max(rest, key=lambda item: min(_apart(item, other) for other in taken)))
    return taken


def _apart(one: Candidate, other: Candidate) -> float:
    """How different two frames are, less what makes the first vague."""
    turn = one.face.output.rotation.T @ other.face.output.rotation
    angle = float(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1)))
    acts = one.face.output.coefficients.expression - other.face.output.coefficients.expression
    return (angle / TURN + float(np.abs(acts).mean()) / ACT) / one.vagueness


def cast_of(footage: Footage, candidates: Sequence[Candidate]) -> Cast:
    """The person whom these frames show, in any case the one of the first.

    Raises
    ------
    NoFaceFound: no head fits the faces.
    """
    alone, failed = list[FittedPhoto](), list[HeadError]()
    for item in candidates:
        observation = Observation(item.face, item.face.output.landmarks, "dense")
        try:
            fitted = fit_observation(item.photo, observation)
        except NoFaceFound as error:
            failed.append(error)
            continue
        alone.append(FittedPhoto(footage.path, fitted, Clock()))
    if not alone:
        raise failed[0]
    identities = np.stack([item.fitted.fit.coefficients.identity for item in alone])
    vagueness = np.array([item.fitted.measures.vagueness for item in alone])
    others = strangers(identities, vagueness.tolist())
    kept = [place for place in range(len(alone)) if place not in others or place == 0]
    photos = [candidates[place].photo for place in kept]
    fits = _one_lens(fit_together([alone[place] for place in kept], lambda place: photos[place]))
    numbers = tuple(candidates[place].number for place in kept)
    fit = fits[0].fit
    focal = float(fit.camera.intrinsics[0, 0])
    known = Acquaintance(identities[kept], vagueness[kept])
    return Cast(fit.coefficients.identity, focal, known, (photos[0], fits[0]), numbers)


def _one_lens(fits: Sequence[Fitted]) -> list[Fitted]:
    """The fits with the focal length that they have on the mean, fitted once more with it."""
    focals = np.log([fitted.fit.camera.intrinsics[0, 0] for fitted in fits])
    evidence = []
    for fitted, focal in zip(fits, focals, strict=True):
        longer = float(np.exp(focals.mean() - focal))
        camera = fitted.fit.camera
        camera = replace(
            camera,
            intrinsics=zoomed(camera.intrinsics, longer),
            translation=(camera.translation * [1, 1, longer]).astype(np.float32),
        )
        evidence.append(replace(fitted.evidence, camera=camera, focal_sigma=0.0))
    again = fit_person(fits[0].shape, evidence)
    return [
        replace(fitted, evidence=item, fit=fit)
        for fitted, item, fit in zip(fits, evidence, again, strict=True)
    ]
