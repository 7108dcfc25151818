"""Turn a checkpoint into the weights that ship, with their card.

    python -m ml.training.regressor.export --checkpoint out/train/v2/checkpoint.pt \
        --check out/data/check

Weights are stored as float16: they are read once and computed with in float32.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path
from typing import Any

import torch

from ...assets.card import AssetCard, rounded, write_card
from ...assets.weights import store_weights
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ...regressor.network import HeadNetwork
from ...regressor.regressor import WEIGHTS
from .measure import identity_sigma
from .train import CONFIG, network_shape

SOURCES = (
    "699 official portraits of members of the US Congress (public domain), labelled with "
    "MediaPipe Face Landmarker (Apache-2.0)",
    "the same portraits profiled: projected onto fitted heads and drawn in new poses",
    "renders of Effigy Head with MakeHuman skins (CC0) under HDRI Haven (CC0) and "
    "ICT-FaceKit (MIT) environment maps",
)
COMMANDS = (
    "python -m ml.training.head.statistics.reference --data DATA",
    "python -m ml.training.data.fits --data DATA",
    "python -m ml.training.head.landmarks.adapt --data DATA",
    "python -m ml.training.data.fits --data DATA",
    "python -m ml.training.data.generate --data DATA --out out/data/v2",
    "python -m ml.training.data.generate --data DATA --out out/data/check --seed 8 --count 2000",
    "python -m ml.training.regressor.train --samples out/data/v2 --out out/train/v2 --data DATA"
    " --start EARLIER --max-minutes {minutes:.0f}",
    "python -m ml.training.regressor.export --checkpoint out/train/v2/checkpoint.pt"
    " --check out/data/check",
    "python -m ml.evaluation portraits --data DATA --json out/portraits.json",
    "python -m ml.evaluation wild --data DATA --json out/wild.json",
    "python -m ml.evaluation synthetic --data DATA --json out/synthetic.json",
    "python -m ml.training.regressor.export --checkpoint out/train/v2/checkpoint.pt"
    " --check out/data/check --figures out/portraits.json out/wild.json out/synthetic.json",
)


def export(
    checkpoint: Path,
    model: HeadModel,
    config: dict[str, Any],
    check: Path,
    target: Path = WEIGHTS,
    figures: dict[str, Any] | None = None,
) -> AssetCard:
    """Write the averaged weights of ``checkpoint`` and their card.

    ``check`` holds samples that training did not see. ``figures`` are what the evaluation measured
    with these very weights, if it has run yet.
    """
    state = torch.load(checkpoint, weights_only=True)
    network = HeadNetwork(network_shape(model, config))
    network.load_state_dict(state["average"])
    sigma = identity_sigma(network.eval(), check)
    store_weights(state["average"], target)
    shape = network_shape(model, config)
    minutes = state["seconds"] / 60
    return write_card(
        target,
        name="Effigy regressor",
        licence="CC0-1.0",
        commercial_use=True,
        sources=SOURCES,
        command=" && ".join(COMMANDS).format(minutes=minutes),
        details={
            "head_model": {"id": model.model_id, "version": model.version},
            "network": shape.to_dict(),
            "input": "RGB crop, 0..1, cut by ml/photo/crop.py",
            "identity_sigma": [round(float(value), 3) for value in sigma],
            "training": {
                **config,
                "steps": state["step"],
                "minutes": round(minutes, 1),
                "started_from": state["started_from"],
            },
            "figures": figures or {},
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=Path("out/train/v2/checkpoint.pt"))
    parser.add_argument("--check", type=Path, default=Path("out/data/check"))
    parser.add_argument("--reference", type=Path, default=Path("out/head/reference.npz"))
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument(
        "--figures", type=Path, nargs="*", default=[], help="what ml.evaluation wrote with --json"
    )
    arguments = parser.parse_args()
    figures = {
        path.stem: rounded(json.loads(path.read_text())["summary"], 2) for path in arguments.figures
    }
    config = tomllib.loads(arguments.config.read_text())
    card = export(
        arguments.checkpoint,
        load_head_model(arguments.reference),
        config,
        arguments.check,
        figures=figures,
    )
    print(f"{WEIGHTS}: {card.size / 1e6:.1f} MB, sha256 {card.sha256}")


if __name__ == "__main__":
    main()
