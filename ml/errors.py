"""The one error family of Effigy. Every error says what happened and what to do next.

Raised anywhere in :mod:`ml`, caught once: at the operator, worker or command edge.
"""

from __future__ import annotations


class HeadError(Exception):
    """An error that a person can act on.

    Parameters
    ----------
    message:
        What happened, naming the file where there is one. No trailing full stop.
    hint:
        What the person can do about it. No trailing full stop.
    """

    code = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message


class ImageUnreadable(HeadError):
    """The file is missing, empty, truncated, not an image, or of an absurd size."""

    code = "image_unreadable"


class NoFaceFound(HeadError):
    """The photo was read, but no face was found in it (or not the one asked for)."""

    code = "no_face"


class WeightsMissing(HeadError):
    """A weight file is absent, altered, or of another version than its card says."""

    code = "weights_missing"


class ModelUnreadable(HeadError):
    """A head model file lacks required arrays or has arrays of the wrong shape."""

    code = "model_unreadable"


class EngineUnavailable(HeadError):
    """No Python with the engine's packages was found, or it stopped unexpectedly."""

    code = "engine_unavailable"


class UsageError(HeadError):
    """The request itself is wrong: an unknown option, a value out of range."""

    code = "usage"


class Cancelled(HeadError):
    """The person stopped the work. What was finished before is kept."""

    code = "cancelled"
