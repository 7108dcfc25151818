"""Read ICT-FaceKit from a person's own file.

The file is ICT-FaceKit light (MIT, USC Institute for Creative Technologies) as one ``.npz``: see
``REQUIRED`` for its arrays. Coordinates are centimetres, +Y up, +Z forward.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...assets.archive import FLOATS, INTEGERS, NUMBERS, TEXT, Expected
from ...data import FloatArray, IntArray
from ..arkit import EXPRESSION_NAMES
from ..model import HeadModel, LinearShape, SurfacePoints
from .schema import ModelFile

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
_SHAPES: dict[str, Expected] = {
    "neutral": (FLOATS, "V", 3),
    "faces": (INTEGERS, "F", 4),
    "uv": (FLOATS, "T", 2),
    "uv_faces": (INTEGERS, "F", 4),
    "part_names": (TEXT, "P"),
    "part_face_range": (INTEGERS, "P", 2),
    "identity": (NUMBERS, "I", "V", 3),
    "expression": (NUMBERS, "E", "V", 3),
    "expression_names": (TEXT, "E"),
    "landmarks68": (INTEGERS, 68),
}
# Parts are numbered in eight bits.
_MOST_PARTS = 255


def load_ict_facekit(path: Path) -> HeadModel:
    """Read ICT-FaceKit as a head model, in metres, with ARKit's expression names.

    ICT splits ``browInnerUp`` and ``cheekPuff`` into halves, which are joined, and has no
    ``tongueOut``, which is left out.

    Raises
    ------
    ModelUnreadable: the file is absent, damaged, lacks an array or has one that does not fit.
    """
    hint = f"It must be an .npz file with the arrays {', '.join(REQUIRED)}"
    file = ModelFile(path, "ICT-FaceKit", hint)
    arrays = file.arrays(REQUIRED, _SHAPES)
    # Numbers that are too large become infinite, which ModelFile.finite refuses.
    with np.errstate(over="ignore"):
        return file.finite(_assembled(file, arrays))


def _assembled(file: ModelFile, arrays: dict[str, np.ndarray]) -> HeadModel:
    quads, uv_quads = repeat_last(arrays["faces"]), repeat_last(arrays["uv_faces"])
    file.check_faces("faces", quads, len(arrays["neutral"]))
    file.check_faces("uv_faces", uv_quads, len(arrays["uv"]))
    file.check_faces("landmarks68", arrays["landmarks68"], len(arrays["neutral"]))
    file.check_faces("part_face_range", arrays["part_face_range"], len(quads) + 1)
    if len(arrays["part_names"]) > _MOST_PARTS:
        raise file.unreadable(f"array 'part_names' has more than {_MOST_PARTS} names")
    names, expression = arkit_expressions(arrays["expression_names"], arrays["expression"])
    if not names:
        raise file.unreadable("array 'expression_names' has none of ARKit's names")
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
        quads=quads,
        uv=arrays["uv"].astype(np.float32),
        uv_quads=uv_quads,
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
    return known, np.stack([found[name] for name in known]) if known else deltas[:0]


def repeat_last(faces: np.ndarray) -> IntArray:
    """(F, 4) with -1 as a triangle's fourth corner -> (F, 4) with the third corner repeated."""
    # Indices that do not fit into 32 bits must not become sound ones.
    fixed = np.clip(faces, -1, np.iinfo(np.int32).max).astype(np.int32)
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
