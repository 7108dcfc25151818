"""Read FLAME 2020 and 2023 from a person's own ``.pkl`` or ``.npz``.

FLAME (Li et al. 2017, Max Planck Institute): metres, +X the subject's left, +Y up, +Z forward.
``shapedirs`` holds 300 identity components in standard deviations, then 100 of expression.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...assets.archive import INTEGERS, NUMBERS, Expected
from ..model import HeadModel, LinearShape
from .safe_pickle import RefusedClass, read_pickle
from .schema import Faces, ModelFile, as_basis, head_model, quads_of

REQUIRED = ("v_template", "shapedirs", "f")
IDENTITY, EXPRESSION = 300, 100
JOINTS = 5
_SHAPES: dict[str, Expected] = {
    "v_template": (NUMBERS, "V", 3),
    "shapedirs": (NUMBERS, "V", 3, IDENTITY + EXPRESSION),
    "f": (INTEGERS, "F", 3),
    # A body model of the same family has more joints.
    "weights": (NUMBERS, "V", JOINTS),
    "vt": (NUMBERS, "T", 2),
    "ft": (INTEGERS, "F", 3),
}
# The last vertices of the released mesh are both eyeballs.
VERTICES, FIRST_EYE_VERTEX = 5023, 3931
_LICENCE = "FLAME licence of your download (non-commercial; FLAME 2023 Open: CC-BY-4.0)"
_HINT = (
    "It must be FLAME 2020 or 2023 as downloaded from flame.is.tue.mpg.de (.pkl), "
    f"or an .npz with the same arrays: {', '.join(REQUIRED)}"
)


def load_flame(path: Path) -> HeadModel:
    """Read FLAME as a head model in metres, with its template's closed mouth.

    A ``.pkl`` is read without executing anything that it names. Pose and its correctives are left
    out, because the jaw's rotation is not linear.

    Raises
    ------
    ModelUnreadable: the file is absent, damaged, lacks an array, or names a class that no FLAME
        file needs.
    """
    file = ModelFile(path, "FLAME", _HINT)
    is_zip = _starts_with_zip(file)
    arrays = file.arrays(REQUIRED, _SHAPES) if is_zip else _pickled(file)
    template, faces = arrays["v_template"], arrays["f"]
    count = len(template)
    file.check_faces("f", faces, count)
    basis = as_basis(arrays["shapedirs"], 1.0)
    with np.errstate(over="ignore"):
        mean = template.astype(np.float32)
    shape = LinearShape(mean, basis[:IDENTITY], basis[IDENTITY:])
    names = tuple(f"expression_{number:03}" for number in range(EXPRESSION))
    origin = ("flame", "2020/2023", _LICENCE)
    return file.finite(head_model(origin, shape, names, _mesh(file, arrays)))


def _mesh(file: ModelFile, arrays: dict[str, np.ndarray]) -> Faces:
    faces = arrays["f"].astype(np.int64)
    part = np.zeros(len(faces), np.uint8)
    part_names: tuple[str, ...] = ("skin",)
    if len(arrays["v_template"]) == VERTICES:
        part[(faces >= FIRST_EYE_VERTEX).all(1)] = 1
        part_names = ("skin", "eyes")
    if "vt" not in arrays or "ft" not in arrays:
        return Faces(quads_of(faces), part=part, part_names=part_names)
    file.check_faces("ft", arrays["ft"], len(arrays["vt"]))
    return Faces(quads_of(faces), arrays["vt"], quads_of(arrays["ft"]), part, part_names)


def _starts_with_zip(file: ModelFile) -> bool:
    try:
        with file.path.open("rb") as stream:
            return stream.read(2) == b"PK"
    except OSError as error:
        raise file.unreadable(error) from error


def _pickled(file: ModelFile) -> dict[str, np.ndarray]:
    try:
        with file.path.open("rb") as stream:
            arrays = read_pickle(stream)
    except RefusedClass as refused:
        raise file.unreadable(
            f"it names {refused}, which no FLAME file needs; nothing of it was run"
        ) from refused
    # A damaged pickle makes the unpickler and NumPy raise whatever they have.
    except Exception as error:
        raise file.unreadable(repr(error)) from error
    file.need(arrays, REQUIRED)
    file.check_shapes(arrays, _SHAPES)
    return arrays
