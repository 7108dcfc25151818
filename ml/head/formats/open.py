"""Open a head model of any known format: Effigy, ICT-FaceKit, GNM Head, FLAME, Basel Face Model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...assets.archive import array_names
from ...errors import ModelUnreadable
from ..model import HeadModel
from ..storage import load_head_model
from . import flame, gnm, ict
from .bfm import load_bfm

KNOWN = (
    "Known are Effigy Head (.npz), ICT-FaceKit (.npz), GNM Head (gnm_head.npz), FLAME 2020/2023 "
    "(.pkl or .npz) and the Basel Face Models 2009 (.mat), 2017 and 2019 (.h5)"
)
# Bytes; the largest of these models has half of it.
LARGEST = 1 << 30
# A reader and its required arrays. The reader with the largest share of arrays present is used, so
# that an incomplete file gets the error message of its own format.
_ARCHIVES: dict[Callable[[Path], HeadModel], tuple[str, ...]] = {
    load_head_model: ("model_id", "mean", "identity_scale", "expression_scale", "part_names"),
    ict.load_ict_facekit: ict.REQUIRED,
    gnm.load_gnm: gnm.REQUIRED,
    flame.load_flame: flame.REQUIRED,
}


def load_model_file(path: Path) -> HeadModel:
    """Read a head model of any known format, which is recognised by the file's content.

    Raises
    ------
    ModelUnreadable: the file is absent, of no known format, or incomplete; the message says which.
    """
    try:
        if path.exists() and not path.is_file():
            raise OSError("it is no file")
        if path.exists() and path.stat().st_size > LARGEST:
            raise OSError(f"it has more than {LARGEST >> 20} MB")
        with path.open("rb") as stream:
            start = stream.read(10)
    except OSError as error:
        raise ModelUnreadable(f"Head model {path} could not be read ({error})", KNOWN) from error
    if start.startswith(b"PK"):
        return _reader_of_archive(path)(path)
    if start.startswith((b"\x89HDF", b"MATLAB")) or path.suffix.lower() in (".mat", ".h5"):
        return load_bfm(path)
    if start.startswith(b"\x80") or path.suffix.lower() in (".pkl", ".pickle"):
        return flame.load_flame(path)
    raise ModelUnreadable(f"{path} is no head model of a known kind", KNOWN)


def _reader_of_archive(path: Path) -> Callable[[Path], HeadModel]:
    try:
        inside = set(array_names(path))
    except (OSError, ValueError, MemoryError) as error:
        raise ModelUnreadable(f"Head model {path} could not be read ({error})", KNOWN) from error
    share = {
        reader: sum(name in inside for name in names) / len(names)
        for reader, names in _ARCHIVES.items()
    }
    best = max(share, key=lambda reader: share[reader])
    if share[best] <= 0.3:
        listed = ", ".join(name[:40] for name in sorted(inside)[:12])
        raise ModelUnreadable(
            f"{path} is an archive of no known head model (it holds {listed})", KNOWN
        )
    return best
