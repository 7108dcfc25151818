"""Fill in what portraits.py left unknown with the answers of a first network.

    python -m ml.training.parsing.teacher --checkpoint out/train/parsing/checkpoint.pt

An answer is taken where it stays the same, on average, for mirrored, moved and recoloured pictures,
and where it does not contradict the face CLIP on glasses and beards.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from ...assets.weights import filled
from ...data import FloatArray
from ...parsing.classes import CLASSES
from ...parsing.network import ParsingNetwork
from ..arguments import export_parser
from ..data.augment import recorded
from ..export import read_trained
from .batches import moved
from .labels import INDEX
from .losses import UNKNOWN
from .train import ParsingConfig

# Up to these chances 0..1 (see bare.odds) a portrait is taken to show neither, and from the others
# on to show glasses and a beard.
NO_GLASSES, NO_BEARD, GLASSES, BEARD = 0.6, 0.75, 0.75, 0.85
# Pictures that an answer is averaged over, and the probability from which it is believed.
VARIANTS, BELIEVED = 4, 0.75


def steady(network: nn.Module, image: np.ndarray, rng: np.random.Generator) -> FloatArray:
    """(C, S, S) probabilities of an (S, S, 3) picture, averaged over changes of it."""
    size = (len(image), len(image))
    changes, pictures = [], []
    for number in range(VARIANTS):
        matrix = moved(len(image), rng)
        picture = cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE)
        if number:
            picture = recorded(picture, rng)
        pictures.append(picture[:, ::-1] if number % 2 else picture)
        changes.append(matrix)
    batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        shares = network(batch.contiguous(memory_format=torch.channels_last)).softmax(1)
    total = np.zeros((*image.shape[:2], len(CLASSES)), np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for number, (share, matrix) in enumerate(zip(shares.numpy(), changes, strict=True)):
        back = share[:, :, ::-1] if number % 2 else share
        # OpenCV warps at most four channels with a border; one class at a time is as quick.
        for index, layer in enumerate(back):
            total[..., index] += cv2.warpAffine(
                np.ascontiguousarray(layer),
                matrix,
                size,
                flags=flags,
                borderMode=cv2.BORDER_REPLICATE,
            )
    return total.transpose(2, 0, 1) / VARIANTS


def fill_in(labels: np.ndarray, share: FloatArray, glasses: float, beard: float) -> np.ndarray:
    """(S, S) labels, UNKNOWN ones answered by (C, S, S) probabilities.

    glasses, beard: chances 0..1; see NO_GLASSES and NO_BEARD.
    """
    share = share.copy()
    for name, chance, most in (("glasses", glasses, NO_GLASSES), ("beard", beard, NO_BEARD)):
        if chance <= most:
            share[INDEX[name]] = 0
    share /= np.maximum(share.sum(0), 1e-6)
    found = share.argmax(0).astype(np.uint8)
    sure = (labels == UNKNOWN) & (share.max(0) > BELIEVED)
    if glasses > GLASSES or beard > BEARD:
        # A first network does not see thin rims and grey beards: what it takes for skin may be one.
        sure &= ~np.isin(found, [INDEX["skin"], INDEX["nose"]])
    return np.where(sure, found, labels)


def main() -> None:
    parser: argparse.ArgumentParser = export_parser(__doc__, "out/train/parsing")
    parser.add_argument("--portraits", type=Path, default=Path("out/parsing/first.npz"))
    parser.add_argument("--out", type=Path, default=Path("out/parsing/second.npz"))
    arguments = parser.parse_args()
    trained = read_trained(arguments.checkpoint, ParsingConfig)
    build = partial(ParsingNetwork, trained.config.widths, trained.config.depths)
    network = filled(build, trained.weights).eval()
    with np.load(arguments.portraits) as archive:
        known = {name: archive[name] for name in archive.files}
    for row, image in enumerate(tqdm(known["images"])):
        share = steady(network, image, np.random.default_rng(row))
        chances = float(known["glasses"][row]), float(known["beard"][row])
        known["labels"][row] = fill_in(known["labels"][row], share, *chances)
    np.savez_compressed(arguments.out, **known)  # type: ignore[arg-type]
    print(f"{arguments.out}: {(known['labels'] == UNKNOWN).mean():.1%} still unknown")


if __name__ == "__main__":
    main()
