"""Train the face detector and write its weights with their card.

    python -m ml.training.detector.train --data ../shared/data --samples out/data/v3

Run it again to go on from the last checkpoint.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from ...assets.card import write_card
from ...assets.weights import store_weights
from ...photo.detector import WEIGHTS, DetectorNetwork
from ..steps import ahead, follow, load_checkpoint, rate_at, save_checkpoint, set_rate
from .tiles import Stock, load_stock, make_tile

CONFIG = Path(__file__).parent / "config.toml"
SOURCES = (
    "699 official portraits of members of the US Congress (public domain), labelled with "
    "MediaPipe Face Landmarker (Apache-2.0)",
    "the same portraits profiled, and renders of Effigy Head with MakeHuman skins (CC0) under HDRI "
    "Haven (CC0) and ICT-FaceKit (MIT) environment maps",
)
COMMAND = (
    "python -m ml.training.data.generate --data DATA --out SAMPLES && "
    "python -m ml.training.detector.train --data DATA --samples SAMPLES"
)


def detection_loss(
    output: Tensor, wanted: Tensor, weight: Tensor, focus: float, box_weight: float
) -> Tensor:
    """Focal loss of the score (Lin et al., ICCV 2017) and smooth L1 of the rest, a face counted 1.

    output, wanted: (B, 6, C, C). weight: (B, 2, C, C), see tiles.Tile.
    """
    score, is_face = output[:, 0], wanted[:, 0]
    plain = functional.binary_cross_entropy_with_logits(score, is_face, reduction="none")
    surprise = (is_face - score.sigmoid()).abs() ** focus
    faces = weight[:, 1].sum().clamp(min=1)
    seen = (plain * surprise * weight[:, 0]).sum() / faces
    off = functional.smooth_l1_loss(output[:, 1:], wanted[:, 1:], reduction="none", beta=0.1)
    return seen + box_weight * (off.sum(1) * weight[:, 1]).sum() / faces


def batches(stock: Stock, size: int, seed: int, first: int) -> Iterator[tuple[Tensor, ...]]:
    """Endless (images, wanted, weight), prepared by a thread; goes on from step ``first``."""

    def tiled() -> Iterator[tuple[Tensor, ...]]:
        cv2.setNumThreads(1)
        for step in count(first):
            rng = np.random.default_rng([seed, step])
            tiles = [make_tile(stock, rng) for _ in range(size)]
            images = torch.from_numpy(np.stack([tile.image for tile in tiles])).permute(0, 3, 1, 2)
            wanted, weight = (
                torch.from_numpy(np.stack([getattr(tile, name) for tile in tiles]))
                for name in ("wanted", "weight")
            )
            yield images.float() / 255, wanted, weight

    return ahead(tiled(), 4)


def train(arguments: argparse.Namespace, config: dict[str, Any]) -> nn.Module:
    """Returns the averaged network."""
    torch.manual_seed(config["seed"])
    network, average = (DetectorNetwork(tuple(config["widths"])) for _ in range(2))
    average.load_state_dict(network.state_dict())
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config["peak_rate"], weight_decay=config["weight_decay"]
    )
    parts: dict[str, Any] = {"network": network, "average": average, "optimizer": optimizer}
    checkpoint, first = arguments.out / "checkpoint.pt", 0
    arguments.out.mkdir(parents=True, exist_ok=True)
    if checkpoint.exists():
        first = load_checkpoint(checkpoint, parts)["step"]
    stock = load_stock(
        arguments.data, arguments.reference, arguments.fits, arguments.samples, config["seed"]
    )
    stream = batches(stock, config["batch"], config["seed"], first)
    network.train()
    smooth = 0.0
    for step in (bar := tqdm(range(first, config["steps"]), mininterval=5)):
        images, wanted, weight = next(stream)
        rate = rate_at(step / config["steps"], config["peak_rate"], config["warm_up"])
        set_rate(optimizer, rate)
        output = network(images.contiguous(memory_format=torch.channels_last))
        loss = detection_loss(output, wanted, weight, config["focus"], config["box_weight"])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        follow(average, network, min(config["average_decay"], (1 + step) / (10 + step)))
        smooth = 0.98 * (smooth or float(loss.detach())) + 0.02 * float(loss.detach())
        if step % 50 == 0:
            bar.set_postfix(loss=f"{smooth:.3f}")
        if (step + 1) % config["checkpoint_steps"] == 0:
            save_checkpoint(checkpoint, parts, step=step + 1)
    return average


def export(network: nn.Module, config: dict[str, Any], target: Path = WEIGHTS) -> None:
    """Write the weights as float16, with their card."""
    store_weights(network.state_dict(), target)
    write_card(
        target,
        name="Effigy face detector",
        licence="CC0-1.0",
        commercial_use=True,
        sources=SOURCES,
        command=COMMAND,
        details={"widths": config["widths"], "training": config},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--samples", type=Path, default=Path("out/data/v3"))
    parser.add_argument("--reference", type=Path, default=Path("out/head/reference.npz"))
    parser.add_argument("--fits", type=Path, default=Path("out/fits/train.npz"))
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--out", type=Path, default=Path("out/train/detector"))
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    export(train(arguments, config), config)


if __name__ == "__main__":
    main()
