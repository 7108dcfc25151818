"""Head models as files: one ``.npz`` of plain arrays, bases in float16.

Each basis vector is stored divided by its largest value, so that float16 keeps millimetres to
better than a micrometre.
"""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ..data import FloatArray
from ..errors import ModelUnreadable
from .contact import LidRings
from .model import HeadModel, Level, LinearShape, SurfacePoints

ASSETS = Path(__file__).parent / "assets"
EFFIGY_HEAD = ASSETS / "effigy_head.npz"


@lru_cache(maxsize=2)
def load_head_model(path: Path = EFFIGY_HEAD) -> HeadModel:
    """Read a head model that :func:`save_head_model` wrote.

    Raises
    ------
    ModelUnreadable: the file is absent, damaged, or lacks an array.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise ModelUnreadable(
            f"Head model {path} could not be read ({error})",
            "Install Effigy again; the model is part of it",
        ) from error
    try:
        return _from_arrays(arrays)
    except KeyError as missing:
        raise ModelUnreadable(
            f"Head model {path} lacks the array {missing}",
            "The file is of another version or not a head model",
        ) from missing


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


def _names_under(arrays: dict[str, np.ndarray], folder: str) -> list[str]:
    return sorted({key.split("/")[1] for key in arrays if key.startswith(f"{folder}/")})


def _basis(arrays: dict[str, np.ndarray], name: str) -> FloatArray:
    scale = arrays[f"{name}_scale"].astype(np.float32)
    return np.asarray(arrays[name].astype(np.float32) * scale[:, None, None], dtype=np.float32)
