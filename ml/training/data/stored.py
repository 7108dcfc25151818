"""The arrays that samples are stored in: their layout, writing and reading.

A folder of N samples, with L landmarks and I identity modes, holds ``meta.json``, which says how
they were made, a file in ``done`` for each finished chunk of rows, and these arrays:

    images (N, S, S, 3) uint8             crop with a margin of 144/128 round the network's
    points (N, L, 2) float32              pixels of the stored image, (0, 0) its top-left corner
    point_weight (N, L) float16           how much each point may be trusted
    visible (N, ceil(L / 8)) uint8        one bit per point (numpy.packbits): it lies in the stored
                                          picture and nothing hides it; zeros for negatives
    identity (N, I), expression (N, 52)   float16 coefficients
    rotation (N, 3, 3) float32            head -> camera space, as the (rolled) crop shows it
    supervision (N, 4) float16            weights of identity, expression, rotation; 1 if a face
    kind (N,) uint8                       0 photo, 1 profiled, 2 render, 3 negative

Where rendered people have mid-frequency shape of their own, there are also

    folds (N, D, 3) float16               millimetres added to the neutral head's drawn vertices
    bumps (N, L, 6) float16               at the landmarks, in head space: these millimetres, and
                                          how much they turn the unit normal; zeros for photos
    traits (N, T) float16                 see people/traits.py
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...data import FloatArray, HeadCoefficients, IntArray
from ...errors import UsageError
from ...geometry import MILLIMETRES
from .people.traits import TRAIT_NAMES, Traits

PHOTO, PROFILED, RENDER, NEGATIVE = range(4)
KINDS = {"photo": PHOTO, "profiled": PROFILED, "render": RENDER, "negative": NEGATIVE}
# Rows that are made, and marked as finished, together.
CHUNK = 250
LABELS = ("points", "point_weight", "identity", "expression", "rotation", "supervision")


@dataclass(frozen=True)
class Sample:
    """One row of the arrays above, before it is packed.

    folds: (D, 3) metres that the neutral head has beside its identity, or None.
    bumps: (L, 6) these metres at the landmarks, and how much they turn its unit normals; or None.
    """

    image: np.ndarray
    points: FloatArray
    point_weight: FloatArray
    visible: np.ndarray
    coefficients: HeadCoefficients
    rotation: FloatArray
    supervision: tuple[float, float, float, float]
    kind: int
    folds: FloatArray | None = None
    bumps: FloatArray | None = None
    traits: Traits = field(default_factory=Traits)


@dataclass(frozen=True)
class Sizes:
    """Dimensions of one sample.

    Attributes
    ----------
    picture: side in pixels. points: L. identity: I. expression: E. drawn: D, vertices that have
    folds of their own; 0 without folds.
    """

    picture: int
    points: int
    identity: int
    expression: int
    drawn: int

    def layout(self) -> dict[str, tuple[tuple[int, ...], type]]:
        """Shape and type of one sample in each array."""
        layout: dict[str, tuple[tuple[int, ...], type]] = {
            "images": ((self.picture, self.picture, 3), np.uint8),
            "points": ((self.points, 2), np.float32),
            "point_weight": ((self.points,), np.float16),
            "visible": (((self.points + 7) // 8,), np.uint8),
            "identity": ((self.identity,), np.float16),
            "expression": ((self.expression,), np.float16),
            "rotation": ((3, 3), np.float32),
            "supervision": ((4,), np.float16),
            "kind": ((), np.uint8),
        }
        if self.drawn:
            layout["folds"] = ((self.drawn, 3), np.float16)
            layout["bumps"] = ((self.points, 6), np.float16)
            layout["traits"] = ((len(TRAIT_NAMES),), np.float16)
        return layout


# The arrays that all samples have.
ARRAYS = tuple(Sizes(1, 1, 1, 1, drawn=0).layout())


def make_arrays(out: Path, count: int, sizes: Sizes) -> dict[str, np.ndarray]:
    """Open or create the memory-mapped arrays of ``count`` samples in ``out``.

    Raises
    ------
    UsageError: an array is already there with another shape.
    """
    arrays = {}
    for name, (shape, dtype) in sizes.layout().items():
        path = out / f"{name}.npy"
        wanted = (count, *shape)
        if not path.exists():
            arrays[name] = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=wanted)
            continue
        arrays[name] = np.lib.format.open_memmap(path, mode="r+")
        if arrays[name].shape != wanted:
            raise UsageError(
                f"{path} has shape {arrays[name].shape}, this run needs {wanted}",
                "Choose another --out, or delete the folder",
            )
    return arrays


def write_meta(out: Path, meta: dict[str, object]) -> None:
    """Record what ``out`` holds; refuse to mix two kinds of samples in one folder.

    Raises
    ------
    UsageError: ``out`` was started with another seed, count or shares.
    """
    path = out / "meta.json"
    if path.exists():
        stored = json.loads(path.read_text())
        other = [name for name, value in stored.items() if meta.get(name) != value]
        if other:
            raise UsageError(
                f"{out} holds samples made with another {', '.join(other)}",
                "Choose another --out, or delete the folder",
            )
    path.write_text(json.dumps(meta, indent=1))


def store(arrays: dict[str, np.ndarray], row: int, sample: Sample) -> None:
    """Write one sample into its row."""
    arrays["images"][row] = sample.image
    arrays["points"][row] = sample.points
    arrays["point_weight"][row] = sample.point_weight
    arrays["visible"][row] = np.packbits(sample.visible)
    arrays["identity"][row] = sample.coefficients.identity
    arrays["expression"][row] = sample.coefficients.expression
    arrays["rotation"][row] = sample.rotation
    arrays["supervision"][row] = sample.supervision
    arrays["kind"][row] = sample.kind
    if "folds" in arrays:
        arrays["traits"][row] = sample.traits.numbers()
        if sample.folds is not None:
            arrays["folds"][row] = MILLIMETRES * sample.folds
        if sample.bumps is not None:
            arrays["bumps"][row] = sample.bumps * ([MILLIMETRES] * 3 + [1] * 3)


def open_samples(folder: Path) -> dict[str, np.ndarray]:
    """The memory-mapped arrays in ``folder``, without folds and traits; bumps where it has them."""
    names = [*ARRAYS, "bumps"] if (folder / "bumps.npy").exists() else ARRAYS
    return {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}


def chunks(count: int) -> list[range]:
    """The rows of ``count`` samples in chunks."""
    return [range(first, min(first + CHUNK, count)) for first in range(0, count, CHUNK)]


def mark_finished(folder: Path, rows: range) -> None:
    """Say that a chunk of rows is there."""
    (folder / "done" / str(rows.start)).touch()


def is_finished(folder: Path, rows: range) -> bool:
    """Whether a chunk of rows is there."""
    return (folder / "done" / str(rows.start)).exists()


def finished_rows(folder: Path, count: int) -> IntArray:
    """The rows of ``count`` samples that are there: a training may begin before all are made."""
    done = [np.arange(rows.start, rows.stop) for rows in chunks(count) if is_finished(folder, rows)]
    return np.concatenate(done)


def labels_of(samples: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    """The rows' labels, float32, ``visible`` unpacked to (B, L)."""
    labels = {name: np.array(samples[name][rows]).astype(np.float32) for name in LABELS}
    bits = np.unpackbits(samples["visible"][rows], axis=1, count=labels["points"].shape[1])
    labels["visible"] = bits.astype(np.float32)
    return labels


def bumps_of(samples: dict[str, np.ndarray], rows: np.ndarray) -> FloatArray:
    """(B, L, 6) float32, zeros where the samples have none."""
    if "bumps" in samples:
        return np.asarray(samples["bumps"][rows], np.float32)
    return np.zeros((len(rows), samples["points"].shape[1], 6), np.float32)
