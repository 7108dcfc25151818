"""Editing pins: what is shown, what the mouse takes hold of, and every step back and forth.

Knows nothing of windows: places are pixels of the photo. Blender's operator passes events on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..data import FloatArray
from ..head.model import SurfacePoints
from .pick import hit_at, seen
from .pins import FACE_LANDMARKS, LANDMARKS, SHOWN, Pin, Pins, points_of
from .solve import Solver

Place = tuple[float, float]


@dataclass(frozen=True)
class Marker:
    """A point that is shown and can be taken hold of.

    Attributes
    ----------
    position: (x, y) pixels of the photo. pin: as it would be pinned there.
    number: of the photo's pin that it is; None for a landmark without one.
    seen: whether the surface there looks towards the camera.
    """

    position: Place
    pin: Pin
    number: int | None = None
    seen: bool = True


class Session:
    """The pins of one person while they are edited.

    Attributes
    ----------
    photo: number of the photo that is shown. every: whether all landmarks are shown, not the few.
    pins, solution: as they are now.
    """

    def __init__(self, solver: Solver, pins: Pins, photo: int = 0) -> None:
        self.solver, self.photo, self.every = solver, photo, False
        self.pins, self.solution = pins, solver.solve(pins)
        self._steps, self._at = [pins], 0
        self._held: Marker | None = None
        self._vertices: FloatArray | None = None

    @property
    def vertices(self) -> FloatArray:
        """(V, 3) of the person with the expression of the photo that is shown, metres."""
        if self._vertices is None:
            self._vertices = self.solver.vertices(self.solution, self.photo)
        return self._vertices

    @property
    def changed(self) -> bool:
        """Whether the pins are others than at the beginning."""
        return self.pins != self._steps[0]

    @property
    def dragging(self) -> bool:
        """Whether a point is held."""
        return self._held is not None

    def show(self, photo: int) -> None:
        """Go to another photo of the person."""
        self.photo, self._vertices = photo % len(self.pins.photos), None

    def markers(self) -> list[Marker]:
        """All points that are shown: landmarks without a pin, then the photo's pins."""
        own = self.pins.photos[self.photo].pins
        taken = {pin.landmark for pin in own}
        shown = range(FACE_LANDMARKS) if self.every else SHOWN
        known = len(self.solver.model.landmark_sets[LANDMARKS])
        free = [index for index in shown if index not in taken and index < known]
        points = self.solver.model.landmark_sets[LANDMARKS].take(np.array(free, np.int32))
        places = self._project(points)
        loose = [Pin((float(x), float(y)), at) for at, (x, y) in zip(free, places, strict=True)]
        visible = self._seen(points_of([*loose, *own], self.solver.model))
        numbers: list[int | None] = [*[None] * len(loose), *range(len(own))]
        return [
            Marker(pin.position, pin, number, bool(one))
            for pin, number, one in zip([*loose, *own], numbers, visible, strict=True)
        ]

    def places(self, markers: Sequence[Marker]) -> FloatArray:
        """(M, 3) where on the head markers are, metres, head space."""
        return points_of([marker.pin for marker in markers], self.solver.model).on(self.vertices)

    def marker_at(self, place: Place, within: float) -> Marker | None:
        """The marker nearest to a place, if one is within so many pixels; pins come first."""
        near = [
            (m, float(np.hypot(m.position[0] - place[0], m.position[1] - place[1])))
            for m in self.markers()
        ]
        near = [(marker, distance) for marker, distance in near if distance <= within]
        # Of two in the same place the one that looks at us is meant.
        rank = [(m.number is None, not m.seen, distance) for m, distance in near]
        return near[rank.index(min(rank))][0] if near else None

    def grab(self, marker: Marker) -> bool:
        """Take hold of a marker, to drag it; False where it is locked."""
        if marker.pin.locked:
            return False
        self._held = marker
        return True

    def drag(self, place: Place) -> None:
        """Put the held point at a place: the head follows."""
        if self._held is not None:
            self._now(self.pins.placed(self.photo, replace(self._held.pin, position=place)))

    def release(self) -> None:
        """Let the held point go: one step."""
        self._held = None
        self._remember()

    def let_back(self) -> None:
        """Let the held point go back to where it was taken."""
        self._held = None
        self._now(self._steps[self._at])

    def add(self, place: Place) -> Marker | None:
        """Pin the point of the surface that is seen at a place; None where there is no skin."""
        camera = self.solution.cameras[self.photo]
        hit = hit_at(self.solver.model, self.vertices, camera, place)
        if hit is None:
            return None
        pin = Pin(place, None, hit.corners, hit.weights)
        self._now(self.pins.placed(self.photo, pin))
        self._remember()
        return Marker(place, pin, len(self.pins.photos[self.photo].pins) - 1)

    def remove(self, marker: Marker) -> bool:
        """Remove a pin; False where there is none or it is locked."""
        if marker.number is None or marker.pin.locked:
            return False
        self._now(self.pins.without(self.photo, marker.number))
        self._remember()
        return True

    def lock(self, marker: Marker) -> None:
        """Lock a pin or unlock it; a landmark that has none is pinned where it is, and locked."""
        pin = replace(marker.pin, locked=not marker.pin.locked)
        self._now(self.pins.placed(self.photo, pin))
        self._remember()

    def choose(self, *, mirror: bool | None = None, expression: bool | None = None) -> None:
        """Change how the head follows; see :class:`.pins.Pins`."""
        pins = self.pins
        if mirror is not None:
            pins = replace(pins, mirror=mirror)
        if expression is not None:
            pins = replace(pins, expression=expression)
        self._now(pins)
        self._remember()

    def clear(self) -> None:
        """Remove the shown photo's pins that are not locked."""
        pins = [pin for pin in self.pins.photos[self.photo].pins if pin.locked]
        self._now(self.pins.with_pins(self.photo, pins))
        self._remember()

    def undo(self) -> bool:
        """Go one step back; False at the first."""
        return self._go(-1)

    def redo(self) -> bool:
        """Go one step forth; False at the last."""
        return self._go(1)

    def _go(self, step: int) -> bool:
        if self._held is not None or not 0 <= self._at + step < len(self._steps):
            return False
        self._at += step
        self._now(self._steps[self._at])
        return True

    def _remember(self) -> None:
        if self.pins != self._steps[self._at]:
            self._at += 1
            self._steps[self._at :] = [self.pins]

    def _now(self, pins: Pins) -> None:
        if pins != self.pins:
            self.pins, self.solution = pins, self.solver.solve(pins)
            self._vertices = None

    def _project(self, points: SurfacePoints) -> FloatArray:
        return self.solution.cameras[self.photo].project(points.on(self.vertices))

    def _seen(self, points: SurfacePoints) -> np.ndarray:
        camera = self.solution.cameras[self.photo]
        return seen(self.solver.model, self.vertices, points, camera)
