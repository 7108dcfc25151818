"""Read Basel Face Models from a person's own file.

2009: ``01_MorphableModel.mat``, micrometres, standard deviations in ``shapeEV`` (Paysan et al.
2009). 2017 and 2019: statismo ``.h5``, millimetres, variances (Gerig et al. 2018). Both: +X the
subject's left, +Y up, +Z forward; three numbers per vertex, one column per component.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...data import FloatArray
from ...errors import ModelUnreadable
from ..model import HeadModel, LinearShape
from .schema import Faces, ModelFile, as_basis, head_model, outward, quads_of

MICROMETRE, MILLIMETRE = 1e-6, 1e-3
MAT_REQUIRED = ("shapeMU", "shapePC", "shapeEV", "tl")
_MODEL = ("mean", "pcaBasis", "pcaVariance")
H5_REQUIRED = (
    *(f"shape/model/{name}" for name in _MODEL),
    *(f"expression/model/{name}" for name in _MODEL),
    "shape/representer/cells",
)
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
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    file = ModelFile(path, "Basel Face Model 2009", _MAT_HINT)
    try:
        arrays = loadmat(path, variable_names=MAT_REQUIRED)
    except (OSError, ValueError, TypeError, NotImplementedError, MatReadError) as error:
        raise file.unreadable(error) from error
    file.need(arrays, MAT_REQUIRED)
    values = arrays["shapeMU"].reshape(-1)
    deviations = arrays["shapeEV"].reshape(-1)
    file.check("shapeMU", values, (len(values) // 3 * 3,))
    file.check("shapePC", arrays["shapePC"], (len(values), len(deviations)))
    file.check("tl", arrays["tl"], (None, 3))
    # MATLAB counts from one.
    triangles = arrays["tl"].astype(np.int64) - 1
    file.check_faces("tl", triangles, len(values) // 3)
    mean = (values.reshape(-1, 3) * MICROMETRE).astype(np.float32)
    identity = as_basis(arrays["shapePC"], deviations * MICROMETRE)
    none = np.zeros((0, *mean.shape), np.float32)
    mesh = Faces(quads_of(outward(mean, triangles)))
    return head_model(("bfm", "2009", _LICENCE), LinearShape(mean, identity, none), (), mesh)


def _load_h5(path: Path) -> HeadModel:
    file = ModelFile(path, "Basel Face Model", _H5_HINT)
    arrays = _read_h5(file)
    mean, identity = _component(file, arrays, "shape")
    change, expression = _component(file, arrays, "expression")
    if mean.shape != change.shape:
        raise file.unreadable(
            f"shape/model/mean has {len(mean)} vertices, expression/model/mean {len(change)}"
        )
    cells = arrays["shape/representer/cells"]
    file.check("shape/representer/cells", cells, (3, None))
    file.check_faces("shape/representer/cells", cells, len(mean))
    mean = mean + change
    names = tuple(f"expression_{number:03}" for number in range(len(expression)))
    mesh = Faces(quads_of(outward(mean, cells.T)))
    version = _VERSIONS.get(len(mean), "2017/2019")
    return head_model(
        ("bfm", version, _LICENCE), LinearShape(mean, identity, expression), names, mesh
    )


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
            return {name: np.asarray(dataset[()]) for name, dataset in found.items()}
    except (OSError, RuntimeError, ValueError) as error:
        raise file.unreadable(error) from error


def _component(
    file: ModelFile, arrays: dict[str, np.ndarray], name: str
) -> tuple[FloatArray, FloatArray]:
    """(V, 3) mean and (K, V, 3) modes of one standard deviation, metres."""
    mean, basis, variance = (arrays[f"{name}/model/{item}"] for item in _MODEL)
    file.check(f"{name}/model/mean", mean, (len(mean) // 3 * 3,))
    file.check(f"{name}/model/pcaVariance", variance, (None,))
    file.check(f"{name}/model/pcaBasis", basis, (len(mean), len(variance)))
    deviations = np.sqrt(np.maximum(variance, 0))
    modes = as_basis(basis, deviations * MILLIMETRE)
    return (mean.reshape(-1, 3) * MILLIMETRE).astype(np.float32), modes
