"""Strands of hair, and the file that holds them. NumPy only: Blender's own Python reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..assets.archive import write_arrays
from ..data import ByteArray, FloatArray

HAIR_NAME = "hair.npz"
# What a strand belongs to: Strands.kind is an index into these.
KINDS = ("scalp", "brow", "beard", "moustache")
_ARRAYS = ("points", "root_uv", "kind", "colour", "width")


@dataclass(frozen=True)
class Strands:
    """N strands of K points each, on the neutral head.

    Attributes
    ----------
    points: (N, K, 3) metres, head space, from the root on the skin to the tip.
    root_uv: (N, 2) where the root lies in the head's UV map: the same place on every level.
    kind: (N,) index into KINDS.
    colour: (N, 3) sRGB.
    width: (N,) metres, at the root.
    """

    points: FloatArray
    root_uv: FloatArray
    kind: ByteArray
    colour: ByteArray
    width: FloatArray

    def __post_init__(self) -> None:
        count = len(self.points)
        shapes = {
            "points": (count, *self.points.shape[1:2], 3),
            "root_uv": (count, 2),
            "kind": (count,),
            "colour": (count, 3),
            "width": (count,),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, not {shape}")
        if count and int(self.kind.max()) >= len(KINDS):
            raise ValueError(f"kind {self.kind.max()} is none of {', '.join(KINDS)}")

    def of(self, *kinds: str) -> Strands:
        """Those of ``kinds``. Raises ValueError for a name that is no kind."""
        if unknown := [kind for kind in kinds if kind not in KINDS]:
            raise ValueError(f"{unknown[0]} is none of {', '.join(KINDS)}")
        chosen = np.isin(self.kind, [KINDS.index(kind) for kind in kinds])
        return Strands(*(getattr(self, name)[chosen] for name in _ARRAYS))


def write_strands(path: Path, strands: Strands) -> None:
    """Write ``hair.npz``. Raises OSError."""
    write_arrays(path, {name: getattr(strands, name) for name in _ARRAYS})


def read_strands(path: Path) -> Strands:
    """Read ``hair.npz``.

    Raises
    ------
    OSError: it cannot be read. ValueError: it holds no strands.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return Strands(*(stored[name] for name in _ARRAYS))
    except KeyError as error:
        raise ValueError(f"{path} holds no strands: {error.args[0]}") from error


def resampled(track: FloatArray, shares: FloatArray) -> FloatArray:
    """(N, P, 3) points of N lines -> (N, K, 3) at these (K,) shares of each line's length."""
    along = np.linalg.norm(np.diff(track, axis=1), axis=2)
    along = np.concatenate([np.zeros((len(track), 1)), np.cumsum(along, 1)], 1)
    total = np.maximum(along[:, -1:], 1e-9)
    wanted = shares * total
    # One search for all lines: each gets a span of its own on one line.
    shift = (np.arange(len(track)) * 2.0)[:, None]
    sought = (wanted / total + shift - 1e-9).ravel()
    index = np.searchsorted((along / total + shift).ravel(), sought)
    index = index.reshape(len(track), len(shares)) - np.arange(len(track))[:, None] * track.shape[1]
    index = np.clip(index, 1, track.shape[1] - 1)
    low = np.take_along_axis(along, index - 1, 1)
    high = np.take_along_axis(along, index, 1)
    share = np.clip((wanted - low) / np.maximum(high - low, 1e-9), 0, 1)[..., None]
    first = np.take_along_axis(track, (index - 1)[..., None], 1)
    second = np.take_along_axis(track, index[..., None], 1)
    return (first + share * (second - first)).astype(np.float32)
