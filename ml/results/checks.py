"""Checks of a result's files before anything is built from them.

A result may be damaged, edited by hand, or made to do harm. NumPy only, as Blender reads results.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..assets.archive import (
    FLOATS,
    INTEGERS,
    TEXT,
    Expected,
    Sized,
    check_indices,
    check_shapes,
    read_arrays,
)
from ..assets.card import FileState, file_state
from ..errors import HeadError, explained
from .files import JSON_NAME

# V vertices, F faces, T texture coordinates, e expressions, m masks, j joints.
_REQUIRED: dict[str, Expected] = {
    "vertices": (FLOATS, "V", 3),
    "vertices_expressed": (FLOATS, "V", 3),
    "quads": (INTEGERS, "F", 4),
    "uv": (FLOATS, "T", 2),
    "uv_quads": (INTEGERS, "F", 4),
    "part": (INTEGERS, "F"),
    "part_names": (TEXT, "P"),
    "landmarks_68": (FLOATS, 68, 3),
    "landmarks_478": (FLOATS, 478, 3),
    "shape_keys": (FLOATS, "e", "V", 3),
    "shape_key_names": (TEXT, "e"),
}
# Results of the first version lack masks and joints.
_PAIRS: dict[str, Expected] = {
    "mask_names": (TEXT, "m"),
    "masks": ("u", "m", "V"),
    "joint_names": (TEXT, "j"),
    "joints": (FLOATS, "j", 3),
}
_OPTIONAL: dict[str, Expected] = {
    **_PAIRS,
    "detail_offsets": (FLOATS, "V", 3),
    # Of the base mesh and of the other levels, whichever the result has.
    "sculpt_base": (FLOATS, "base", 3),
    "sculpt_low": (FLOATS, "low", 3),
    "sculpt_high": (FLOATS, "high", 3),
}
# Bytes of the arrays of one result: a high mesh has 35 MB. Bytes of a json: one has 0.1 MB.
ARRAYS_LIMIT, JSON_LIMIT = 160 << 20, 4 << 20
# Metres and pixels; what is farther away would only be lost in Blender.
_FARTHEST, _LARGEST_SIDE = 1000.0, 1 << 20
_LONGEST_NAME = 1024


def read_mesh_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a result, all present, of fitting shapes and sound indices.

    Raises
    ------
    OSError: the file cannot be read. ValueError: it is damaged or incomplete. MemoryError.
    """
    arrays = read_arrays(path, [*_REQUIRED, *_OPTIONAL], _check_headers, ARRAYS_LIMIT)
    for faces, points in (("quads", "vertices"), ("uv_quads", "uv")):
        check_indices(faces, arrays[faces], len(arrays[points]))
    check_indices("part", arrays["part"], len(arrays["part_names"]))
    for name, array in arrays.items():
        if array.dtype.kind == "f" and np.abs(array).max(initial=0) > _FARTHEST:
            raise ValueError(f"array {name!r} has values of more than {_FARTHEST:g}")
        if name.endswith("_names") and len(set(array.tolist())) < len(array):
            raise ValueError(f"array {name!r} has a name twice")
    return arrays


def _check_headers(found: Mapping[str, Sized]) -> None:
    missing = [name for name in _REQUIRED if name not in found]
    missing += [name for what in ("mask", "joint") for name in _lacking(what, found)]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    check_shapes(found, _REQUIRED | _OPTIONAL)
    for name, header in found.items():
        if header.dtype.kind in TEXT and header.dtype.itemsize > 4 * _LONGEST_NAME:
            raise ValueError(f"array {name!r} has absurdly long names")


def _lacking(what: str, found: Mapping[str, Sized]) -> list[str]:
    """Which of ``{what}_names`` and ``{what}s`` is not found though the other is."""
    both = (f"{what}_names", f"{what}s")
    return [name for name in both if name not in found] if any(n in found for n in both) else []


def check_about(about: Mapping[str, Any]) -> None:
    """Check the contents of a ``reconstruction.json`` that are read back.

    Raises
    ------
    ValueError: an entry is missing, of another type, or no finite number; it is named.
    """
    photo, model = _entry(about, "photo"), _entry(about, "model")
    for place, name in ((model, "id"), (model, "version"), (model, "licence")):
        _text(place, name)
    _text(photo, "name")
    _text(photo, "sha256")
    _text(about, "effigy_version")
    if "path" in photo:
        _text(photo, "path")
    said = _entry({"provenance": {}, **about}, "provenance")
    for name in said:
        _text(said, name)
    for name in ("width", "height"):
        side = photo.get(name)
        if type(side) is not int or not 0 < side <= _LARGEST_SIDE:
            raise ValueError(f"{name!r} of the photo is {_short(side)}")
    for name in ("level", "detail"):
        if name in about:
            _text(about, name)
    _check_camera(_entry(about, "camera"))
    _numbers(about, "face_box", (4,))
    _numbers(about, "identity", (None,))
    _numbers(about, "landmarks_68", (68, 2))
    _numbers(about, "landmarks_478", (478, 2))
    _numbers(about, "confidence", ())
    # Results of earlier versions lack both.
    if "quality" in about:
        _numbers(about, "quality", ())
    if "quality_reason" in about:
        _text(about, "quality_reason")
    for name in ("expression", "timings_ms"):
        for key in _entry(about, name):
            _numbers(about[name], key, ())


def _check_camera(camera: Mapping[str, Any]) -> None:
    intrinsics = _numbers(camera, "intrinsics", (3, 3))
    rotation = _numbers(camera, "rotation", (3, 3))
    _numbers(camera, "translation", (3,))
    if intrinsics[0, 0] <= 0 or intrinsics[1, 1] <= 0:
        raise ValueError("'intrinsics' has no focal length")
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-3 or np.linalg.det(rotation) < 0:
        raise ValueError("'rotation' is no rotation")


def _entry(about: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = about.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"{name!r} is {_short(value)}")
    return value


def _text(about: Mapping[str, Any], name: str) -> None:
    value = about.get(name)
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        raise ValueError(f"{name!r} is {_short(value)}")


def _numbers(about: Mapping[str, Any], name: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """The entry as float64 of ``shape`` (None: any length)."""
    value = about.get(name)
    if not _is_numbers(value, shape):
        raise ValueError(f"{name!r} is {_short(value)}")
    return np.array(value, np.float64)


def _is_numbers(value: object, shape: tuple[int | None, ...]) -> bool:
    if not shape:
        return type(value) in (int, float) and abs(value) < 1e9  # type: ignore[arg-type]
    return (
        isinstance(value, list)
        and shape[0] in (None, len(value))
        and all(_is_numbers(item, shape[1:]) for item in value)
    )


def read_json(path: Path) -> dict[str, Any]:
    """The object in a ``.json`` of ours. OSError, ValueError: it cannot be read."""
    if path.exists() and not path.is_file():
        raise ValueError(f"{path.name} is no file")
    with path.open("rb") as stream:
        content = stream.read(JSON_LIMIT + 1)
    if len(content) > JSON_LIMIT:
        raise ValueError(f"{path.name} has more than {JSON_LIMIT >> 20} MB")
    try:
        about = json.loads(content)
    except RecursionError as error:
        raise ValueError(f"{path.name} is nested too deeply") from error
    if not isinstance(about, dict):
        raise ValueError(f"{path.name} holds no object")
    return about


def check_state(directory: Path, state: FileState | None, name: str = JSON_NAME) -> None:
    """Raise HeadError if another result lies in ``directory`` than was read in this ``state``.

    To be called when all files were read, images too: parts of two results must not be mixed.
    """
    if state is not None and state_of(directory, name) != state:
        raise HeadError(
            f"The result in {directory} was replaced while it was read",
            "Wait for the run that writes there, then try again",
        )


def state_of(directory: Path, name: str = JSON_NAME) -> FileState:
    """What differs between results that were written into ``directory`` one after the other.

    name: of the file that is taken away first and put back last.
    """
    return file_state(directory / name)


def incomplete(directory: Path, why: object) -> HeadError:
    """The error for a folder whose result cannot be read."""
    if isinstance(why, OSError) and not isinstance(why, FileNotFoundError | NotADirectoryError):
        return explained(why, directory)  # nothing is wrong with the result itself
    return HeadError(
        f"{directory} is not a complete reconstruction ({why})", "Reconstruct the photo again"
    )


def recorded(about: Mapping[str, Any], directory: Path) -> HeadError:
    """The error that a folder records instead of a head."""
    record = about.get("error")
    facts = record if isinstance(record, dict) else {}
    message = str(facts.get("message") or "the reason was not recorded")[:1000]
    hint = str(facts.get("hint") or "Reconstruct the photo again")[:1000]
    return HeadError(f"{directory} holds no head: {message}", hint)


def _short(value: object) -> str:
    """``value`` for a message, whatever it is."""
    if isinstance(value, dict | list):
        return f"a {type(value).__name__} that does not fit"
    if isinstance(value, float) and not math.isfinite(value):
        return "not a finite number"
    return repr(value)[:40] if not isinstance(value, int) else f"{str(value)[:20]}"
