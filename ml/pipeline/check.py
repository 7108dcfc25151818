"""What the engine's check finds: packages, weights and the device for networks."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from ..assets.card import shipped_assets, verified
from ..errors import EngineUnavailable

# Modules that every reconstruction needs, and those of them that load a native library.
MODULES = ("numpy", "scipy", "PIL", "safetensors", "torch", "cv2", "numba")
NATIVE = MODULES[4:]
# What some options need: of Extras, and what a person installs.
EXTRAS = ("face_alignment", "open_clip", "pytorch3d")


def check() -> dict[str, Any]:
    """Facts for a person, by their names.

    Raises
    ------
    EngineUnavailable: a package is missing or cannot be loaded, or the device is not there.
    WeightsMissing: absent or altered.
    """
    packages = usable_packages()
    weights = [f"{card.name}: {card.licence}" for card in map(verified, shipped_assets())]
    found = [name for name in EXTRAS if importlib.util.find_spec(name) is not None]
    return {"device": _device(), "weights": weights, "packages": packages, "extras": found}


def usable_packages() -> list[str]:
    """The packages that every reconstruction needs. EngineUnavailable: not all can be used."""
    missing = [name for name in MODULES if importlib.util.find_spec(name) is None]
    if missing:
        raise EngineUnavailable(
            f"This Python lacks {', '.join(missing)}", "Press Install engine in Blender"
        )
    # A package may be there and not load: a library of the system lacks, or memory.
    for name in NATIVE:
        importlib.import_module(name)
    return list(MODULES)


def _device() -> str:
    """Where networks compute, after a trial."""
    import torch

    from ..assets.device import run, use_device, used_by

    use_device("auto")
    network = torch.nn.Conv2d(3, 4, 3)
    run(network, torch.zeros(1, 3, 8, 8))
    return str(used_by(network))
