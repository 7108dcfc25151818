"""What keys and mouse do while pins are edited. Needs no window: tests simulate the events."""

from __future__ import annotations

from typing import Protocol

from ...ml.pins.session import Marker, Place, Session

# What happens to the mode after an event.
GOES_ON, PASSES, KEPT, LEFT = "goes on", "passes", "kept", "left"
# Beside the mouse wheel: what moves the view.
_NAVIGATION = {
    "MIDDLEMOUSE",
    "WHEELUPMOUSE",
    "WHEELDOWNMOUSE",
    "WHEELINMOUSE",
    "WHEELOUTMOUSE",
    "TRACKPADPAN",
    "TRACKPADZOOM",
    "MOUSEROTATE",
    "MOUSESMARTZOOM",
    "NDOF_MOTION",
    "HOME",
    "TIMER",
}
HINTS = (
    "LMB: drag a point, or pin the skin",
    "RMB or X: remove",
    "L: lock",
    "A: all landmarks",
    "M: mirror",
    "E: expression",
    "H: photo or head",
    "Ctrl Z: undo",
    "Enter: keep",
    "ESC: leave as it was",
)
# What is shown of photo and head, one after the other.
LOOKS = ("both", "head", "photo")


class Event(Protocol):
    """The part of Blender's event that is looked at."""

    type: str
    value: str
    ctrl: bool
    shift: bool
    oskey: bool


class Controls:
    """Turns events into edits of a session.

    Attributes
    ----------
    hovered: the marker under the mouse. look: one of LOOKS. message: what the last event could not
    do, in words; empty where nothing was in the way.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.hovered: Marker | None = None
        self.look, self.message = LOOKS[0], ""
        self._keys = {
            "X": self._remove,
            "DEL": self._remove,
            "L": self._lock,
            "A": self._every,
            "M": self._mirror,
            "E": self._expression,
            "H": self._look,
            "PAGE_UP": lambda: self._show(-1),
            "PAGE_DOWN": lambda: self._show(1),
        }

    def take(self, event: Event, place: Place | None, reach: float) -> str:
        """Take one event: GOES_ON, PASSES, KEPT or LEFT.

        place: of the mouse, pixels of the photo; None where the view is not the photo's. reach:
        how near to a marker the mouse must be to mean it, in the same pixels.
        """
        if event.type in _NAVIGATION or event.type.startswith("NDOF"):
            return PASSES
        if event.type in ("MOUSEMOVE", "INBETWEEN_MOUSEMOVE"):
            self._move(place, reach)
            return GOES_ON
        if event.type == "LEFTMOUSE" and event.value == "RELEASE":
            if self.session.dragging:
                self.session.release()
            return GOES_ON
        if event.value != "PRESS":
            return GOES_ON
        self.message = ""
        return self._pressed(event, place, reach)

    def hints(self) -> str:
        """What to do, and how things stand, in one line."""
        session = self.session
        pins, photos = session.pins, session.pins.photos
        own = photos[session.photo]
        where = f" ({session.photo + 1}/{len(photos)}, Page Up/Down)" if len(photos) > 1 else ""
        state = f"{len(own.pins)} pins on {own.name}{where}"
        state += ", mirrored" if pins.mirror else ""
        state += "" if pins.expression else ", expression kept"
        said = f"{self.message}   " if self.message else ""
        return f"{said}{state}   |   {'   '.join(HINTS)}"

    def _pressed(self, event: Event, place: Place | None, reach: float) -> str:
        if event.type in ("RET", "NUMPAD_ENTER"):
            self._end_drag()
            return KEPT
        if event.type == "ESC":
            if not self.session.dragging:
                return LEFT
            self.session.let_back()
        elif event.type == "LEFTMOUSE":
            self._press(place, reach)
        elif event.type == "RIGHTMOUSE":
            if self.session.dragging:
                self.session.let_back()
            else:
                self._move(place, reach)
                self._remove()
        elif event.type == "Z" and (event.ctrl or event.oskey):
            self._step(back=not event.shift)
        elif event.type in self._keys and not (event.ctrl or event.oskey or self.session.dragging):
            self._move(place, reach)  # what is under the mouse may have moved meanwhile
            self._keys[event.type]()
            self._move(place, reach)
        return GOES_ON

    def _move(self, place: Place | None, reach: float) -> None:
        if place is None:
            self.hovered = None
        elif self.session.dragging:
            self.session.drag(place)
        else:
            self.hovered = self.session.marker_at(place, reach)

    def _press(self, place: Place | None, reach: float) -> None:
        if place is None:
            self.message = "Press Numpad 0: pins are placed in the photo's view"
            return
        marker = self.session.marker_at(place, reach) or self.session.add(place)
        if marker is None:
            self.message = "There is no skin here"
        elif not self.session.grab(marker):
            self.message = "This pin is locked: L unlocks it"

    def _end_drag(self) -> None:
        if self.session.dragging:
            self.session.release()

    def _step(self, *, back: bool) -> None:
        done = self.session.undo() if back else self.session.redo()
        if not done:
            self.message = "Nothing to undo" if back else "Nothing to redo"

    def _remove(self) -> None:
        marker = self.hovered
        if marker is not None and not self.session.remove(marker):
            locked = marker.pin.locked
            self.message = "This pin is locked: L unlocks it" if locked else "There is no pin"

    def _lock(self) -> None:
        if self.hovered is not None:
            self.session.lock(self.hovered)

    def _every(self) -> None:
        self.session.every = not self.session.every

    def _mirror(self) -> None:
        self.session.choose(mirror=not self.session.pins.mirror)

    def _expression(self) -> None:
        self.session.choose(expression=not self.session.pins.expression)

    def _look(self) -> None:
        self.look = LOOKS[(LOOKS.index(self.look) + 1) % len(LOOKS)]

    def _show(self, step: int) -> None:
        self.session.show(self.session.photo + step)
        self.hovered = None
