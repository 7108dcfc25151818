"""Where networks compute: on the CPU, or on a GPU that PyTorch can use.

A network of ours is loaded for the CPU and stays there; another device gets a copy of it. So the
CPU's numbers are the same before, after and without any other device.
"""

from __future__ import annotations

import copy
import logging
import os
from dataclasses import dataclass, fields, is_dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from ..environment import DEVICE_VARIABLE
from ..errors import EngineUnavailable, UsageError
from ..settings import option

logger = logging.getLogger(__name__)

AUTO, CPU = "auto", torch.device("cpu")
_OTHERWISE = "or use --device auto or cpu (in Blender: Device in the preferences of Effigy)"
_REMEDIES = {
    "cuda": f"Install NVIDIA's driver and PyTorch's build for NVIDIA, {_OTHERWISE}",
    "mps": f"It needs a Mac with Apple silicon and macOS 14, {_OTHERWISE}",
}


@dataclass(frozen=True)
class Place:
    """A device for networks.

    Attributes
    ----------
    device: PyTorch's. asked_for: whether a person named it: then what it cannot do is an error, and
    otherwise the CPU's work.
    """

    device: torch.device
    asked_for: bool = False


# Of this process, whose threads work together: the video's, for example.
_used: list[Place] = []
# The copies on other devices; None where one failed there.
_copies: WeakKeyDictionary[nn.Module, dict[str, nn.Module | None]] = WeakKeyDictionary()


def use_device(name: str) -> Place:
    """From now on networks of this process compute on the device ``name``: auto, cpu, cuda, mps.

    Raises
    ------
    EngineUnavailable: it is not there. UsageError: EFFIGY_DEVICE names none.
    """
    _used[:] = [place_of(name)]
    return _used[0]


def place_of(name: str) -> Place:
    """The device that ``name`` stands for here; see :func:`use_device`."""
    if name == AUTO:
        name = os.environ.get(DEVICE_VARIABLE) or AUTO
    if name not in option("device").values:
        raise UsageError(
            f"{DEVICE_VARIABLE} names no device: {name[:40]!r}",
            f"Use one of {', '.join(option('device').values)}",
        )
    if name == AUTO:
        return Place(next((torch.device(gpu) for gpu in _REMEDIES if _is_there(gpu)), CPU))
    if name != CPU.type and not _is_there(name):
        raise EngineUnavailable(
            f"The device {name} is not there for PyTorch {torch.__version__}", _REMEDIES[name]
        )
    return Place(torch.device(name), asked_for=True)


def current_device() -> torch.device:
    """Where networks compute now: on the CPU, unless :func:`use_device` said otherwise."""
    return _used[0].device if _used else CPU


def run(network: nn.Module, *inputs: Any) -> Any:
    """``network(*inputs)`` on the current device; inputs and outputs are on the CPU.

    Both are tensors, or dataclasses, lists, tuples and dictionaries of them.

    Raises
    ------
    EngineUnavailable: the device was named and cannot do it, for lack of memory, for example.
    """
    if used_by(network) == CPU:
        return network(*inputs)
    place = _used[0]
    copies, key = _copies.setdefault(network, {}), str(place.device)
    try:
        if key not in copies:
            # A copy that is made while nothing is differentiated could never be.
            with torch.inference_mode(False):
                copies[key] = copy.deepcopy(network).to(place.device)
        # CUDA's shortened float32 would move landmarks by tenths of a pixel.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            found = copies[key](*moved(inputs, place.device))  # type: ignore[misc]
        return moved(found, CPU)
    except (RuntimeError, TypeError) as error:  # MPS: TypeError for float64
        if place.asked_for:
            raise EngineUnavailable(
                f"The device {place.device} failed ({error})", f"Close other programs, {_OTHERWISE}"
            ) from error
        logger.warning("%s failed (%s); %s stays on the CPU", key, error, type(network).__name__)
        copies[key] = None
        return network(*inputs)


def used_by(network: nn.Module) -> torch.device:
    """Where :func:`run` computes ``network``: on the CPU, too, where another device failed."""
    failed = _copies.get(network, {}).get(str(current_device()), network) is None
    return CPU if failed else current_device()


def moved(value: Any, device: torch.device) -> Any:
    """``value`` with all its tensors on ``device``; see :func:`run`."""
    if isinstance(value, Tensor):
        return value.to(device)
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{f.name: moved(getattr(value, f.name), device) for f in fields(value)})
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(moved(item, device) for item in value))
    if isinstance(value, list | tuple):
        return type(value)(moved(item, device) for item in value)
    if isinstance(value, dict):
        return {name: moved(item, device) for name, item in value.items()}
    return value


def _is_there(name: str) -> bool:
    if name == "cuda":
        return torch.cuda.is_available()
    return torch.backends.mps.is_available()
