"""Read ICT-FaceKit from a person's own file.

The file is ICT-FaceKit light (MIT, USC Institute for Creative Technologies) as one ``.npz``: see
``REQUIRED`` for its arrays. Coordinates are centimetres, +Y up, +Z forward.
"""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ...data import FloatArray, IntArray
from ...errors import ModelUnreadable
from ..arkit import EXPRESSION_NAMES
from ..model import HeadModel, LinearShape, SurfacePoints

CENTIMETRE = 0.01
REQUIRED = (
    "neutral",
    "faces",
    "uv",
    "uv_faces",
    "part_names",
    "part_face_range",
    "identity",
    "expression",
    "expression_names",
    "landmarks68",
)


def load_ict_facekit(path: Path) -> HeadModel:
    """Read ICT-FaceKit as a head model, in metres, with ARKit's expression names.

    ICT splits ``browInnerUp`` and ``cheekPuff`` into halves, which are joined, and has no
    ``tongueOut``, which is left out.

    Raises
    ------
    ModelUnreadable: the file is absent, damaged, or lacks an array.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in REQUIRED}
    except (OSError, ValueError, EOFError, KeyError, BadZipFile) as error:
        raise ModelUnreadable(
            f"{path} could not be read as ICT-FaceKit ({error})",
            f"It must be an .npz file with the arrays {', '.join(REQUIRED)}",
        ) from error
    names, expression = arkit_expressions(arrays["expression_names"], arrays["expression"])
    return HeadModel(
        model_id="ict-facekit",
        version="light",
        licence="MIT",
        shape=LinearShape(
            (arrays["neutral"] * CENTIMETRE).astype(np.float32),
            arrays["identity"].astype(np.float32) * np.float32(CENTIMETRE),
            expression * np.float32(CENTIMETRE),
        ),
        expression_names=names,
        quads=repeat_last(arrays["faces"]),
        uv=arrays["uv"].astype(np.float32),
        uv_quads=repeat_last(arrays["uv_faces"]),
        part=part_of_faces(arrays["part_face_range"], len(arrays["faces"])),
        part_names=tuple(str(name) for name in arrays["part_names"]),
        landmark_sets={"ibug68": vertex_points(arrays["landmarks68"])},
    )


def arkit_expressions(names: np.ndarray, deltas: np.ndarray) -> tuple[tuple[str, ...], FloatArray]:
    """ICT's names and (53, V, 3) deltas -> ARKit's names in Effigy's order and their deltas."""
    found: dict[str, FloatArray] = {}
    for name, delta in zip(map(str, names), deltas.astype(np.float32), strict=True):
        joined = name.removesuffix("_L").removesuffix("_R")
        if joined in ("browInnerUp", "cheekPuff"):
            found[joined] = found[joined] + delta if joined in found else delta
        else:
            found[name.replace("_L", "Left").replace("_R", "Right")] = delta
    known = tuple(name for name in EXPRESSION_NAMES if name in found)
    return known, np.stack([found[name] for name in known])


def repeat_last(faces: np.ndarray) -> IntArray:
    """(F, 4) with -1 as a triangle's fourth corner -> (F, 4) with the third corner repeated."""
    fixed = faces.astype(np.int32)
    return np.where(fixed < 0, fixed[:, [0, 1, 2, 2]], fixed)


def part_of_faces(ranges: np.ndarray, count: int) -> np.ndarray:
    """(P, 2) face ranges -> (F,) uint8 part of each face."""
    part = np.zeros(count, np.uint8)
    for index, (first, last) in enumerate(ranges):
        part[first:last] = index
    return part


def vertex_points(vertices: IntArray) -> SurfacePoints:
    """A landmark set whose points are vertices."""
    corners = np.repeat(np.asarray(vertices)[:, None], 3, 1).astype(np.int32)
    weights = np.tile(np.array([1, 0, 0], np.float32), (len(vertices), 1))
    return SurfacePoints(corners, weights)
