"""Read Basel Face Models from a person's own file.

2009: ``01_MorphableModel.mat``, micrometres, standard deviations in ``shapeEV`` (Paysan et al.
2009). 2017 and 2019: statismo ``.h5``, millimetres, variances (Gerig et al. 2018). Both: +X the
subject's left, +Y up, +Z forward; three numbers per vertex, one column per component.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ...assets.archive import LIMIT, NUMBERS, Expected, Header
from ...data import FloatArray
from ...errors import HeadError, ModelUnreadable
from ..model import HeadModel, LinearShape
from .matlab import read_mat
from .schema import Faces, ModelFile, as_basis, head_model, outward, quads_of

MICROMETRE, MILLIMETRE = 1e-6, 1e-3
MAT_REQUIRED = ("shapeMU", "shapePC", "shapeEV", "tl")
_MODEL = ("mean", "pcaBasis", "pcaVariance")
H5_REQUIRED = (
    *(f"shape/model/{name}" for name in _MODEL),
    *(f"expression/model/{name}" for name in _MODEL),
    "shape/representer/cells",
)
_MAT_SHAPES: dict[str, Expected] = {
    "shapeMU": (NUMBERS, "3 V"),
    "shapePC": (NUMBERS, "3 V", "I"),
    "shapeEV": (NUMBERS, "I"),
    "tl": (NUMBERS, "F", 3),
}
_H5_SHAPES: dict[str, Expected] = {
    "shape/model/mean": (NUMBERS, "3 V"),
    "shape/model/pcaBasis": (NUMBERS, "3 V", "I"),
    "shape/model/pcaVariance": (NUMBERS, "I"),
    "expression/model/mean": (NUMBERS, "3 V"),
    "expression/model/pcaBasis": (NUMBERS, "3 V", "E"),
    "expression/model/pcaVariance": (NUMBERS, "E"),
    "shape/representer/cells": (NUMBERS, 3, "F"),
}
# The filters of HDF5 hardly pack more than this many bytes into one.
_PACKED = 1100
_LICENCE = "Basel Face Model licence of your download (non-commercial)"
_MAT_HINT = (
    "It must be 01_MorphableModel.mat of the Basel Face Model 2009 (faces.dmi.unibas.ch), "
    f"with {', '.join(MAT_REQUIRED)}"
)
_H5_HINT = (
    "It must be a Basel Face Model 2017 or 2019 with expressions, such as "
    f"model2019_bfm.h5 (faces.dmi.unibas.ch), with {', '.join(H5_REQUIRED)}"
)
# Numbers of vertices of the released meshes: with ears and neck, and the face only.
_VERSIONS = {53149: "2017", 28588: "2017", 47439: "2019"}


def load_bfm(path: Path) -> HeadModel:
    """Read a Basel Face Model, 2009 (``.mat``) or 2017/2019 (``.h5``), in metres.

    Raises
    ------
    ModelUnreadable: the file is absent, damaged, or lacks an array; or h5py is not installed.
    """
    try:
        with path.open("rb") as stream:
            is_hdf5 = stream.read(8) == b"\x89HDF\r\n\x1a\n"
    except OSError as error:
        raise ModelFile(path, "Basel Face Model", _H5_HINT).unreadable(error) from error
    return _load_h5(path) if is_hdf5 else _load_mat(path)


def _load_mat(path: Path) -> HeadModel:
    file = ModelFile(path, "Basel Face Model 2009", _MAT_HINT)

    def check(found: dict[str, Header]) -> None:
        _check(file, _flat_vectors(found), MAT_REQUIRED, _MAT_SHAPES)

    try:
        arrays = read_mat(path, MAT_REQUIRED, check)
    except (OSError, ValueError, zlib.error, struct.error, MemoryError) as error:
        raise file.unreadable(error) from error
    values, deviations = (arrays[name].reshape(-1) for name in ("shapeMU", "shapeEV"))
    _check_triples(file, "shapeMU", values)
    # MATLAB counts from one.
    with np.errstate(invalid="ignore"):
        triangles = arrays["tl"].astype(np.int64) - 1
    file.check_faces("tl", triangles, len(values) // 3)
    mean = (values.reshape(-1, 3) * MICROMETRE).astype(np.float32)
    identity = as_basis(arrays["shapePC"], deviations * MICROMETRE)
    none = np.zeros((0, *mean.shape), np.float32)
    mesh = Faces(quads_of(outward(mean, triangles)))
    shape = LinearShape(mean, identity, none)
    return file.finite(head_model(("bfm", "2009", _LICENCE), shape, (), mesh))


def _flat_vectors(found: dict[str, Header]) -> dict[str, Header]:
    """The same headers; vectors, which MATLAB stores as one column or row, are flat."""
    vectors = {
        name: Header((header.size,), header.dtype)
        for name, header in found.items()
        if name in ("shapeMU", "shapeEV") and len(header.shape) == 2 and 1 in header.shape
    }
    return found | vectors


def _check(
    file: ModelFile,
    found: dict[str, Header],
    names: tuple[str, ...],
    shapes: dict[str, Expected],
) -> None:
    """Check headers before anything is read."""
    file.need(found, names)
    file.check_shapes(found, shapes)
    if sum(header.size * header.dtype.itemsize for header in found.values()) > LIMIT:
        raise file.unreadable(f"its arrays take more than {LIMIT >> 20} MB")


def _check_triples(file: ModelFile, name: str, values: np.ndarray) -> None:
    if len(values) % 3:
        raise file.unreadable(f"array {name!r} has {len(values)} numbers, not three per vertex")


def _load_h5(path: Path) -> HeadModel:
    file = ModelFile(path, "Basel Face Model", _H5_HINT)
    arrays = _read_h5(file)
    mean, identity = _component(file, arrays, "shape")
    change, expression = _component(file, arrays, "expression")
    with np.errstate(invalid="ignore"):
        cells = arrays["shape/representer/cells"].astype(np.int64)
    file.check_faces("shape/representer/cells", cells, len(mean))
    mean = mean + change
    names = tuple(f"expression_{number:03}" for number in range(len(expression)))
    mesh = Faces(quads_of(outward(mean, cells.T)))
    version = _VERSIONS.get(len(mean), "2017/2019")
    shape = LinearShape(mean, identity, expression)
    return file.finite(head_model(("bfm", version, _LICENCE), shape, names, mesh))


def _read_h5(file: ModelFile) -> dict[str, np.ndarray]:
    try:
        import h5py  # type: ignore[import-untyped]
    except ImportError as error:
        raise ModelUnreadable(
            f"{file.path} is an HDF5 file, which needs the package h5py",
            "Install it where Effigy's engine runs: python -m pip install h5py",
        ) from error
    try:
        with h5py.File(file.path, "r") as archive:
            found: dict[str, Any] = {
                name: archive[name]
                for name in H5_REQUIRED
                if isinstance(archive.get(name), h5py.Dataset)
            }
            file.need(found, H5_REQUIRED)
            for name, dataset in found.items():
                _check_stored(file, name, dataset)
            headers = {name: Header(item.shape, item.dtype) for name, item in found.items()}
            _check(file, headers, H5_REQUIRED, _H5_SHAPES)
            return {name: np.asarray(dataset[()]) for name, dataset in found.items()}
    except HeadError:
        raise
    # h5py raises what it likes for damaged files: OSError, RuntimeError, TypeError, KeyError.
    except Exception as error:
        raise file.unreadable(repr(error)) from error


def _check_stored(file: ModelFile, name: str, dataset: Any) -> None:
    """Raise unless the file itself holds the numbers of ``dataset``."""
    # Numbers may be in other files, or be one value that is repeated without being stored.
    elsewhere = dataset.is_virtual or dataset.external or dataset.file.filename != str(file.path)
    packed = _PACKED if dataset.chunks else 1
    if elsewhere or dataset.nbytes > packed * dataset.id.get_storage_size():
        raise file.unreadable(f"array {name!r} is not in the file")


def _component(
    file: ModelFile, arrays: dict[str, np.ndarray], name: str
) -> tuple[FloatArray, FloatArray]:
    """(V, 3) mean and (K, V, 3) modes of one standard deviation, metres."""
    mean, basis, variance = (arrays[f"{name}/model/{item}"] for item in _MODEL)
    _check_triples(file, f"{name}/model/mean", mean)
    deviations = np.sqrt(np.maximum(variance, 0))
    modes = as_basis(basis, deviations * MILLIMETRE)
    return (mean.reshape(-1, 3) * MILLIMETRE).astype(np.float32), modes
