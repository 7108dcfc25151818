"""Head models as files: one ``.npz`` of plain arrays, bases in float16.

Each basis vector is stored divided by its largest value, so that float16 keeps millimetres to
better than a micrometre.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..assets.archive import FLOATS, INTEGERS, TEXT, Expected, array_names, check_indices
from ..assets.card import file_state, verified
from ..data import FloatArray
from .contact import LidRings
from .formats.schema import ModelFile
from .model import HeadModel, Level, LinearShape, SurfacePoints

ASSETS = Path(__file__).parent / "assets"
EFFIGY_HEAD = ASSETS / "effigy_head.npz"

_SHAPES: dict[str, Expected] = {
    **dict.fromkeys(("model_id", "version", "licence"), (TEXT,)),
    "mean": (FLOATS, "V", 3),
    "identity": (FLOATS, "I", "V", 3),
    "identity_scale": (FLOATS, "I"),
    "expression": (FLOATS, "e", "V", 3),
    "expression_scale": (FLOATS, "e"),
    "expression_names": (TEXT, "e"),
    "quads": (INTEGERS, "F", 4),
    "uv": (FLOATS, "T", 2),
    "uv_quads": (INTEGERS, "F", 4),
    "part": (INTEGERS, "F"),
    "part_names": (TEXT, "P"),
}
_LEVEL_SHAPES: dict[str, Expected] = {
    "low/quads": (INTEGERS, "LF", 4),
    "low/uv": (FLOATS, "LT", 2),
    "low/uv_quads": (INTEGERS, "LF", 4),
    "low/part": (INTEGERS, "LF"),
    "low/corners": (INTEGERS, "LV", 3),
    "low/weights": (FLOATS, "LV", 3),
}


def load_head_model(path: Path = EFFIGY_HEAD) -> HeadModel:
    """Read a head model that :func:`save_head_model` wrote; the shipped one must be as on its card.

    It is read once in a process, and again if the file was replaced.

    Raises
    ------
    ModelUnreadable: the file is absent, damaged, lacks an array or has one that does not fit.
    WeightsMissing: it is not the file that shipped.
    """
    if path == EFFIGY_HEAD:
        verified(path)
    return _kept_head_model(path, file_state(path))


@lru_cache(maxsize=2)
def _kept_head_model(path: Path, _: object) -> HeadModel:
    return read_head_model(path)


def read_head_model(path: Path) -> HeadModel:
    """As :func:`load_head_model`, but read at every call and compared with no card."""
    file = ModelFile(path, "Effigy Head", "Install Effigy again, or get the file anew")
    try:
        shapes = _shapes_of(array_names(path))
    except (OSError, ValueError, MemoryError) as error:
        raise file.unreadable(error) from error
    arrays = file.arrays(tuple(_SHAPES), shapes)
    try:
        _check_indices(arrays)
        return file.finite(_from_arrays(arrays))
    except KeyError as missing:
        raise file.unreadable(f"it lacks the array {missing}") from missing
    except ValueError as error:
        raise file.unreadable(error) from error


def _shapes_of(names: Sequence[str]) -> dict[str, Expected]:
    """The shapes of all arrays that a head model with arrays of these names may have."""
    shapes = _SHAPES | _LEVEL_SHAPES
    for name in _names_under(names, "embedding"):
        shapes[f"embedding/{name}/corners"] = (INTEGERS, f"points of {name}", 3)
        shapes[f"embedding/{name}/weights"] = (FLOATS, f"points of {name}", 3)
    for name in _names_under(names, "mask"):
        shapes[f"mask/{name}"] = ("u", "V")
    for name in _names_under(names, "joint"):
        shapes[f"joint/{name}"] = (INTEGERS, f"JOINT {name}".upper())
    for side in _names_under(names, "lids"):
        shapes[f"lids/{side}/rings"] = (INTEGERS, f"RINGS {side}".upper(), f"SLITS {side}".upper())
        for item in ("lashes", "lash_columns"):
            shapes[f"lids/{side}/{item}"] = (INTEGERS, f"lashes of {side}")
        shapes[f"lids/{side}/ball"] = (INTEGERS, f"BALL {side}".upper())
    return shapes


def _check_indices(arrays: Mapping[str, np.ndarray]) -> None:
    """Raise ValueError where an index is of nothing."""
    vertices = len(arrays["mean"])
    counts = {
        "quads": vertices,
        "uv_quads": len(arrays["uv"]),
        "part": len(arrays["part_names"]),
        "low/quads": len(arrays.get("low/corners", ())),
        "low/uv_quads": len(arrays.get("low/uv", ())),
        "low/part": len(arrays["part_names"]),
        "low/corners": vertices,
    }
    for name, array in arrays.items():
        if name.endswith("/lash_columns"):
            rings = arrays[name.replace("lash_columns", "rings")]
            check_indices(name, array, rings.shape[1])
        elif name in counts:
            check_indices(name, array, counts[name])
        elif name.startswith(("embedding/", "joint/", "lids/")) and array.dtype.kind in INTEGERS:
            check_indices(name, array, vertices)


def save_head_model(model: HeadModel, path: Path) -> None:
    """Write ``model`` as an ``.npz`` with float16 bases.

    Not compressed: float16 values hardly compress, and reading would take four times as long.
    """
    arrays: dict[str, np.ndarray] = {
        "model_id": np.array(model.model_id),
        "version": np.array(model.version),
        "licence": np.array(model.licence),
        "mean": model.shape.mean.astype(np.float32),
        "expression_names": np.array(model.expression_names),
        "quads": model.quads.astype(np.int32),
        "uv": model.uv.astype(np.float32),
        "uv_quads": model.uv_quads.astype(np.int32),
        "part": model.part.astype(np.uint8),
        "part_names": np.array(model.part_names),
    }
    for name, basis in (("identity", model.shape.identity), ("expression", model.shape.expression)):
        scale = np.maximum(np.abs(basis).max((1, 2)), 1e-9).astype(np.float32)
        arrays[name] = (basis / scale[:, None, None]).astype(np.float16)
        arrays[f"{name}_scale"] = scale
    for name, landmark_set in model.landmark_sets.items():
        arrays[f"embedding/{name}/corners"] = landmark_set.corners.astype(np.int32)
        arrays[f"embedding/{name}/weights"] = landmark_set.weights.astype(np.float32)
    for name, mask in model.masks.items():
        arrays[f"mask/{name}"] = np.round(255 * mask).astype(np.uint8)
    for name, vertices in model.joints.items():
        arrays[f"joint/{name}"] = vertices.astype(np.int32)
    for side, eye in model.lids.items():
        for item in fields(LidRings):
            arrays[f"lids/{side}/{item.name}"] = getattr(eye, item.name).astype(np.int32)
    if model.low is not None:
        arrays |= {f"low/{name}": getattr(model.low, name) for name in _LEVEL_ARRAYS}
        arrays["low/corners"] = model.low.points.corners.astype(np.int32)
        arrays["low/weights"] = model.low.points.weights.astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)  # type: ignore[arg-type]


def _from_arrays(arrays: dict[str, np.ndarray]) -> HeadModel:
    landmark_sets = {
        name: SurfacePoints(
            arrays[f"embedding/{name}/corners"], arrays[f"embedding/{name}/weights"]
        )
        for name in _names_under(arrays, "embedding")
    }
    return HeadModel(
        model_id=str(arrays["model_id"]),
        version=str(arrays["version"]),
        licence=str(arrays["licence"]),
        shape=LinearShape(
            arrays["mean"].astype(np.float32),
            _basis(arrays, "identity"),
            _basis(arrays, "expression"),
        ),
        expression_names=tuple(str(name) for name in arrays["expression_names"]),
        quads=arrays["quads"],
        uv=arrays["uv"],
        uv_quads=arrays["uv_quads"],
        part=arrays["part"],
        part_names=tuple(str(name) for name in arrays["part_names"]),
        landmark_sets=landmark_sets,
        masks={
            name: arrays[f"mask/{name}"].astype(np.float32) / 255
            for name in _names_under(arrays, "mask")
        },
        joints={name: arrays[f"joint/{name}"] for name in _names_under(arrays, "joint")},
        lids={
            side: LidRings(*(arrays[f"lids/{side}/{item.name}"] for item in fields(LidRings)))
            for side in _names_under(arrays, "lids")
        },
        low=_low(arrays),
    )


_LEVEL_ARRAYS = ("quads", "uv", "uv_quads", "part")


def _low(arrays: dict[str, np.ndarray]) -> Level | None:
    if "low/quads" not in arrays:
        return None
    points = SurfacePoints(arrays["low/corners"], arrays["low/weights"])
    return Level(points, *(arrays[f"low/{name}"] for name in _LEVEL_ARRAYS))


def _names_under(arrays: Iterable[str], folder: str) -> list[str]:
    return sorted({key.split("/")[1] for key in arrays if key.startswith(f"{folder}/")})


def _basis(arrays: dict[str, np.ndarray], name: str) -> FloatArray:
    scale = arrays[f"{name}_scale"].astype(np.float32)
    # Numbers that are too large become infinite, which ModelFile.finite refuses.
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(arrays[name].astype(np.float32) * scale[:, None, None], dtype=np.float32)
