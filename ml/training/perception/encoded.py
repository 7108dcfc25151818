"""Feature maps of the regressor's encoder for stored pictures: targets of the face CLIP.

From captions alone, small encoders had not learned to find mouths after an hour. The regressor has
learned where everything lies, so its map is a second target for every place of a picture
(distillation of features: Romero et al., "FitNets", ICLR 2015). Maps are computed once, of whole
stored pictures as they are and mirrored; crops are sampled from them.

The encoder stores features of the whole picture in the map's first row, at the border, where there
is no face: values ten times as large as elsewhere. So the second row takes its place.

    python -m ml.training.perception.encoded --samples out/data/shape
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from ...assets.card import read_card
from ...data import FloatArray, IntArray
from ...regressor.regressor import WEIGHTS, load_regressor
from ..arguments import SHAPE_SAMPLES
from ..data.stored import RENDER, finished_rows

# The share of a stored picture that a face crop shows (see data/people/poses.py).
SHOWN = 128 / 144
_AT_ONCE = 32
# Pictures that the mean and deviation of each channel are taken from; larger values, in deviations,
# are clipped.
_USUAL, _FAR = 256, 4.0


def encoded_path(folder: Path) -> Path:
    """The file with the maps of a folder of samples; it is named after the regressor's weights."""
    return folder / f"encoded_{read_card(WEIGHTS).sha256[:12]}.npy"


def encode(folder: Path) -> Path:
    """Write the maps of all finished rendered people, unless they are there; returns their path.

    (all rows, 2, C, h, w) float16, the second of mirrored pictures; rows of photos stay zero.
    Every channel has mean 0 and deviation 1.
    """
    path = encoded_path(folder)
    if path.exists():
        return path
    kind = np.load(folder / "kind.npy", mmap_mode="r")
    rows = finished_rows(folder, len(kind))
    rows = rows[kind[rows] == RENDER]
    images = np.load(folder / "images.npy", mmap_mode="r")
    usual = np.concatenate([_maps(images, part) for part in _parts(rows[:_USUAL])])
    mean, spread = (f(axis=(0, 1, 3, 4), keepdims=True)[0] for f in (usual.mean, usual.std))
    partial = path.with_suffix(".partial")
    stored = np.lib.format.open_memmap(partial, "w+", np.float16, (len(images), *usual.shape[1:]))
    for part in tqdm(_parts(rows), unit_scale=_AT_ONCE, unit="picture"):
        stored[part] = np.clip((_maps(images, part) - mean) / spread, -_FAR, _FAR)
    stored.flush()
    os.replace(partial, path)
    return path


def _parts(rows: IntArray) -> list[IntArray]:
    return [rows[first : first + _AT_ONCE] for first in range(0, len(rows), _AT_ONCE)]


def _maps(images: np.ndarray, rows: IntArray) -> FloatArray:
    """(N, 2, C, h, w) the regressor's own reading of its encoder, before the rectifier: signed."""
    network = load_regressor().network
    seen = torch.from_numpy(_shown(images, rows, round(network.shape.crop / SHOWN)))
    with torch.inference_mode():
        both = torch.cat([seen, seen.flip(3)])
        last = network.encoder((both - 0.45) / 0.25)[-1]
        found = network.flatten[1](network.flatten[0](last)).numpy()
    found[:, :, 0] = found[:, :, 1]
    return np.stack(np.split(found, 2), 1)


def _shown(images: np.ndarray, rows: IntArray, side: int) -> np.ndarray:
    small = [cv2.resize(images[row], (side, side), interpolation=cv2.INTER_AREA) for row in rows]
    return np.ascontiguousarray(np.stack(small).transpose(0, 3, 1, 2)).astype(np.float32) / 255


def at_cells(maps: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps of whole pictures, sampled at the cells of crops.

    maps: (B, C, h, w). boxes: (B, 3) x, y and side of the crops as shares of the picture.
    Returns (B, C, *size).
    """
    rows, columns = (torch.arange(count, device=maps.device).add(0.5) / count for count in size)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    places = boxes[:, None, None, :2] + boxes[:, None, None, 2:] * torch.stack([x, y], 2)
    # A padded, strided convolution's first cell looks at the very edge: cell i lies at i / w.
    across = places.new_tensor(maps.shape[:-3:-1])
    grid = places * across / (across - 1) * 2 - 1
    return functional.grid_sample(maps, grid, padding_mode="border", align_corners=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=Path, default=SHAPE_SAMPLES)
    print(encode(parser.parse_args().samples))


if __name__ == "__main__":
    main()
