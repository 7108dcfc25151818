"""Statistics of skin: mean and principal components of log albedo, and of shadows and shine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..assets.card import REMEDY, verified
from ..data import FloatArray
from ..errors import WeightsMissing

SKIN_MODEL = Path(__file__).parent / "assets" / "skin.npz"


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


@lru_cache(maxsize=1)
def load_skin_model(path: Path = SKIN_MODEL) -> SkinModel:
    """The statistics that ship with Effigy.

    Raises
    ------
    WeightsMissing: absent, altered, or not such a file.
    """
    verified(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name].astype(np.float32) for name in archive.files}
        light = LightModes(arrays["light_modes"], arrays["light_noise"])
        return SkinModel(arrays["mean"], arrays["modes"], arrays["noise"], light)
    except (OSError, ValueError, KeyError) as error:
        raise WeightsMissing(
            f"The skin model {path} could not be read ({error})", REMEDY
        ) from error
