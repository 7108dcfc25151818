"""The one error family of Effigy. Every error says what happened and what to do next.

Raised anywhere in :mod:`ml`, caught once: at the operator, worker or command edge.
"""

from __future__ import annotations

import errno


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


class PerformanceUnreadable(HeadError):
    """A file of a facial performance lacks columns, or holds something else than numbers."""

    code = "performance_unreadable"


class VideoUnreadable(HeadError):
    """A video or sequence of images is missing, damaged, or nothing that can be decoded."""

    code = "video_unreadable"


class EngineUnavailable(HeadError):
    """No Python with the engine's packages was found, or it stopped unexpectedly."""

    code = "engine_unavailable"


class UsageError(HeadError):
    """The request itself is wrong: an unknown option, a value out of range."""

    code = "usage"


class Cancelled(HeadError):
    """The person stopped the work. What was finished before is kept."""

    code = "cancelled"


class Unexpected(HeadError):
    """A fault of the code: nothing that a person did, and nothing that is known to happen."""

    code = "unexpected"


# The remedy where a package of the extras lacks.
EXTRAS_REMEDY = (
    'Press Install Extras in Blender\'s settings, or pip install "effigy-ml[extras]" elsewhere'
)
_ANOTHER = "choose another folder"
# What happened to the file or folder {path}, and the remedy, by the system's numbers; {text}: its
# own words.
_FILE_CAUSES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("ENOSPC", "EDQUOT"),
        "The disk is full: {path} could not be written",
        f"Free some space on it, or {_ANOTHER}",
    ),
    (
        ("EFBIG",),
        "The disk of {path} takes no file that large",
        "Use a smaller texture, or a disk with another file system",
    ),
    (
        ("EACCES", "EPERM"),
        "Access to {path} is not allowed",
        f"Change its permissions, close the programs that use it, or {_ANOTHER}",
    ),
    (("EROFS",), "{path} is on a disk that is read-only", "Choose another folder"),
    (("EMFILE", "ENFILE"), "Too many files are open to open {path}", "Use fewer --jobs"),
    (
        ("ENAMETOOLONG",),
        "The path {path} is too long for this system",
        "Choose a folder with a shorter path",
    ),
    (
        ("ENOTDIR", "EEXIST"),
        "{path} is no folder: a file or a broken link has that name, or that of one above",
        f"Move or rename it, or {_ANOTHER}",
    ),
    (
        ("ENOENT",),
        "{path} is not there",
        "Check the path, and whether something moved or removed it meanwhile",
    ),
    (("EISDIR",), "{path} is a folder, but a file is needed there", "Move or rename it"),
    (("ELOOP",), "{path} is a link that leads back to itself", f"Remove it, or {_ANOTHER}"),
    (
        ("EIO", "ENXIO", "ENODEV", "ESTALE", "ENOTCONN", "EHOSTDOWN", "ETIMEDOUT"),
        "The disk of {path} does not answer ({text})",
        f"Check that it is connected and works, or {_ANOTHER}",
    ),
)
# Where Python translates Windows' own number into one that says less.
_WINDOWS = {39: errno.ENOSPC, 112: errno.ENOSPC, 206: errno.ENAMETOOLONG}
# What PyTorch, OpenCV, NumPy, C++ and the loader of libraries say when memory runs out.
_MEMORY_WORDS = (
    "allocate memory",
    "not enough memory",
    "out of memory",
    "insufficient memory",
    "unable to allocate",
    "failed to map segment",
    "bad_alloc",
)


def explained(error: BaseException, where: object = "", log: object = "") -> HeadError:
    """The cause of any exception in words that a person can act on.

    Parameters
    ----------
    where: the file or folder that was worked on; named where the exception names none.
    log: what has the traceback, to be named where the cause is unknown: a file, or "above".
    """
    if isinstance(error, HeadError):
        return error
    if _is_memory(error):
        return HeadError(
            f"There was not enough memory{f' for {where}' if where else ''}",
            "Close other programs, use fewer --jobs, a smaller texture or a smaller photo",
        )
    if isinstance(error, ImportError):
        return _package(error)
    if isinstance(error, OSError):
        return _file_trouble(error, str(error.filename or where or "A file"))
    if "cannot cache function" in str(error):
        return HeadError(
            "Compiled code could not be stored anywhere",
            "Set NUMBA_CACHE_DIR to a folder that can be written to",
        )
    named = f" in {where}" if where else ""
    report = f"Please report this with the log{f' {log}' if log else ''}"
    return Unexpected(f"Unexpected error{named}: {error!r}", report)


def _is_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    text = str(error).lower()
    return not isinstance(error, OSError) and any(words in text for words in _MEMORY_WORDS)


def _package(error: ImportError) -> EngineUnavailable:
    """The error for a package that is missing or cannot be loaded."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return EngineUnavailable(
            f"This Python lacks {error.name.split('.')[0]}",
            "Press Install engine in Blender, or install Effigy's packages for this Python",
        )
    return EngineUnavailable(
        f"A package of the engine could not be loaded ({error})",
        "Press Install engine in Blender, or install Effigy's packages anew",
    )


def _file_trouble(error: OSError, path: str) -> HeadError:
    """The error for a file or folder that the system did not let us use."""
    number = _WINDOWS.get(getattr(error, "winerror", None) or 0, error.errno)
    text = error.strerror or str(error)
    for names, message, hint in _FILE_CAUSES:
        # Not every system has every number.
        if number in [getattr(errno, name, None) for name in names] and number is not None:
            return HeadError(message.format(path=path, text=text), hint)
    return HeadError(
        f"{path} could not be read or written ({text})",
        "Check that the file or folder is there and can be used",
    )
