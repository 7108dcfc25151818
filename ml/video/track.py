"""One face through all frames: the box of a frame tells where to look in the next.

The detector is asked at the beginning of a shot and where the face was lost; in between the
regressor alone says whether its crop shows the face, and where the next one is to be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..data import FaceBox, FoundFace, Photo
from ..fitting.agreement import THRESHOLD
from ..pipeline.find import Predict, find_faces, next_box
from .cuts import Cuts
from .footage import Frame

Propose = Callable[[Photo], Sequence[FaceBox]]
Doubt = Callable[[Photo, FoundFace], float]
# Proposals that are looked at where the face was lost.
MOST = 4
# Of the last movement, what the next is expected to be.
GOES_ON = 0.7
# A face that was lost is looked for near its last place for so many frames first: whoever else is
# in the picture is not taken for them.
NEARBY = 15
# Frames after which somebody who was taken for another person is looked at again.
AGAIN = 10


@dataclass(frozen=True)
class Sighting:
    """One frame with the face, or without. face: None where it is lost. place: after it."""

    frame: Frame
    face: FoundFace | None
    place: Place

    @property
    def shot(self) -> int:
        """The number of its shot, from 0."""
        return self.place.shot


@dataclass(frozen=True)
class Place:
    """Where a tracker stands: whoever goes on from there finds what it would have found.

    Attributes
    ----------
    shot: number. box: of the last face; None: none is followed. moved: (x, y) pixels from the face
    before. missing: frames since the face was seen. waits: frames until somebody who was taken for
    another person is looked at again; -1: nobody was. usual: see Cuts.
    """

    shot: int = 0
    box: FaceBox | None = None
    moved: tuple[float, float] = (0.0, 0.0)
    missing: int = 0
    waits: int = -1
    usual: tuple[float, ...] = ()


@dataclass(frozen=True)
class Finders:
    """What finds faces. predict: the regressor. propose: the detector."""

    predict: Predict
    propose: Propose


class Tracker:
    """Follows one person.

    doubt: whether a face is somebody else's, as Acquaintance has it. Asked where a face is looked
    for in the whole picture: clear strangers are refused, of several the likeliest is taken.
    """

    def __init__(self, finders: Finders, doubt: Doubt) -> None:
        self._predict, self._propose = finders.predict, finders.propose
        self._doubt = doubt
        self._cuts = Cuts()
        self._shot = 0
        self._box: FaceBox | None = None
        self._moved, self._missing, self._waits = np.zeros(2), 0, -1

    def begin(self, place: Place, before: Frame | None) -> None:
        """Go on from ``place``; ``before``: the frame there, to see whether the next is a cut."""
        self._shot, self._box = place.shot, place.box
        self._moved = np.array(place.moved)
        self._missing, self._waits = place.missing, place.waits
        if before is not None:
            self._cuts.begin(place.usual, before.rgb)

    def follow(self, frames: Iterable[Frame]) -> Iterator[Sighting]:
        """One sighting for each frame."""
        for frame in frames:
            if self._cuts.begins_here(frame.rgb):
                self._shot, self._box, self._missing = self._shot + 1, None, NEARBY
                self._waits = -1
            photo = Photo(frame.rgb, Path(f"frame {frame.number}"), "")
            face = _reframed(self._seen_again(photo) or self._searched(photo))
            self._note(face)
            yield Sighting(frame, face, self._place())

    def _place(self) -> Place:
        x, y = self._moved.tolist()
        return Place(self._shot, self._box, (x, y), self._missing, self._waits, self._cuts.usual)

    def _seen_again(self, photo: Photo) -> FoundFace | None:
        if self._box is None or self._missing:
            return None
        x, y = np.array(self._box.center) + GOES_ON * self._moved
        expected = replace(self._box, center=(float(x), float(y)))
        found = find_faces(photo, [expected], self._predict)
        return found[0] if found and _near(found[0].box, expected) else None

    def _searched(self, photo: Photo) -> FoundFace | None:
        if self._waits > 0:
            self._waits -= 1
            return None
        found = find_faces(photo, list(self._propose(photo))[:MOST], self._predict)
        last = self._box
        if last is not None and self._missing < NEARBY:
            found = [face for face in found if _near(face.box, last, 1.5)]
            return min(found, key=lambda face: _apart(face.box, last), default=None)
        return self._recognised(photo, found)

    def _recognised(self, photo: Photo, found: Sequence[FoundFace]) -> FoundFace | None:
        """The likeliest face; None where even that one is clearly somebody else's.

        Who was refused is taken only if that was clearly wrong: they stay who they are.
        """
        if not found:
            return None
        doubts = [self._doubt(photo, face) for face in found]
        least = int(np.argmin(doubts))
        if doubts[least] > (0.0 if self._waits == 0 else THRESHOLD):
            self._waits = AGAIN
            return None
        self._waits = -1
        return found[least]

    def _note(self, face: FoundFace | None) -> None:
        if face is None:
            self._missing += 1
            self._moved = np.zeros(2)
            return
        if self._box is not None and not self._missing:
            self._moved = np.subtract(face.box.center, self._box.center)
        else:
            self._moved = np.zeros(2)
        self._box, self._missing = face.box, 0


def _reframed(face: FoundFace | None) -> FoundFace | None:
    """The face with the box of its landmarks: that of its crop is about right only."""
    if face is None:
        return None
    return replace(face, box=replace(next_box(face), score=face.box.score))


def _apart(one: FaceBox, other: FaceBox) -> float:
    """Pixels between the middles of two boxes."""
    return float(np.hypot(*np.subtract(one.center, other.center)))


def _near(one: FaceBox, other: FaceBox, reach: float = 0.6) -> bool:
    """Whether two boxes may be of the same face in successive frames."""
    apart = _apart(one, other)
    larger = abs(np.log(one.size / other.size))
    return bool(apart < reach * max(one.size, other.size) and larger < 0.5)
