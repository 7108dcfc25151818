"""The directions of the sliders in identity space; ml.training.head.sliders fits them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..assets.archive import FLOATS, Header, check_shapes, read_arrays
from ..assets.card import REMEDY, FileState, file_state, verified
from ..data import FloatArray
from ..errors import WeightsMissing
from .sliders import DIRECTED

ASSET = Path(__file__).parent / "assets" / "sliders.npz"


def directions() -> FloatArray:
    """(D, I) coefficients of one unit of each of DIRECTED.

    Raises
    ------
    WeightsMissing: the file is absent, damaged or not the one that shipped.
    """
    verified(ASSET)
    return _kept(file_state(ASSET))


@lru_cache(maxsize=1)
def _kept(_: FileState) -> FloatArray:
    try:
        rows = read_arrays(ASSET, DIRECTED, _check)
        return np.stack([rows[name] for name in DIRECTED])
    except (OSError, ValueError, KeyError) as error:
        raise WeightsMissing(f"{ASSET} could not be read ({error})", REMEDY) from error


def _check(found: Mapping[str, Header]) -> None:
    check_shapes(found, {name: (FLOATS, "I") for name in DIRECTED})
