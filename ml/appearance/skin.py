"""Statistics of skin: mean and principal components of log albedo, and of shadows and shine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..assets.archive import FLOATS, Expected, Header, check_shapes, read_arrays
from ..assets.card import REMEDY, file_state, verified
from ..data import FloatArray
from ..errors import WeightsMissing, explained

SKIN_MODEL = Path(__file__).parent / "assets" / "skin.npz"

_SHAPES: dict[str, Expected] = {
    "mean": (FLOATS, "V", 3),
    "modes": (FLOATS, "k", "V", 3),
    "noise": (FLOATS, "V"),
    "light_modes": (FLOATS, "l", "V", 3),
    "light_noise": (FLOATS, "V"),
}


@dataclass(frozen=True)
class LightModes:
    """Log light on a head beyond second-order harmonics: cast shadows, shine, edges.

    Attributes
    ----------
    modes: (K, V, 3) principal components, one standard deviation each.
    noise: (V,) variance of one channel that they leave.
    """

    modes: FloatArray
    noise: FloatArray


@dataclass(frozen=True)
class SkinModel:
    """Statistics on the V skin vertices of Effigy Head, in the order of their indices.

    Attributes
    ----------
    mean: (V, 3) natural logarithm of linear albedo.
    modes: (K, V, 3) principal components of it, one standard deviation each.
    noise: (V,) variance of one channel that they leave. light: see LightModes.
    """

    mean: FloatArray
    modes: FloatArray
    noise: FloatArray
    light: LightModes


def save_skin_model(skin: SkinModel, path: Path) -> None:
    """Write ``skin`` as float16. The caller writes the card."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {
        "mean": skin.mean,
        "modes": skin.modes,
        "noise": skin.noise,
        "light_modes": skin.light.modes,
        "light_noise": skin.light.noise,
    }
    np.savez(path, **{name: array.astype(np.float16) for name, array in arrays.items()})  # type: ignore[arg-type]


def load_skin_model(path: Path = SKIN_MODEL) -> SkinModel:
    """The statistics that ship with Effigy.

    Raises
    ------
    WeightsMissing: absent, altered, or not such a file.
    HeadError: the file is there but cannot be read; says why.
    """
    verified(path)
    return _load_skin_model(path, file_state(path))


@lru_cache(maxsize=1)
def _load_skin_model(path: Path, _: object) -> SkinModel:
    try:
        stored = read_arrays(path, _SHAPES, _check)
    except ValueError as error:
        raise WeightsMissing(
            f"The skin model {path} could not be read ({error})", REMEDY
        ) from error
    except (OSError, MemoryError) as error:
        raise explained(error, path) from error
    arrays = {name: array.astype(np.float32) for name, array in stored.items()}
    light = LightModes(arrays["light_modes"], arrays["light_noise"])
    return SkinModel(arrays["mean"], arrays["modes"], arrays["noise"], light)


def _check(found: Mapping[str, Header]) -> None:
    missing = [name for name in _SHAPES if name not in found]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    check_shapes(found, _SHAPES)
