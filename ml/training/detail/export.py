"""Turn a checkpoint into the detail network's weights that ship, with their card.

    python -m ml.training.detail.export --checkpoint out/train/detail/checkpoint.pt

Run again with ``--figures`` once the evaluation has measured with these very weights.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ...assets.card import AssetCard, write_card
from ...assets.weights import store_weights
from ...detail.band import COARSEST_MM, FINEST_MM, Band
from ...detail.detailer import WEIGHTS
from ...detail.network import DetailNetwork, NetworkShape
from ...head.storage import load_head_model
from ..data.picture.scene import load_stage
from .batches import Source, open_source
from .train import CONFIG, answers, make_ruler, measured, split

SOURCES = (
    "renders of Effigy Head with random folds and lumps, MakeHuman skins (CC0) and skin detail of "
    "official portraits of members of the US Congress (public domain), under HDRI Haven (CC0) and "
    "ICT-FaceKit (MIT) environment maps",
)
COMMANDS = (
    "python -m ml.training.data.generate --data DATA --config ml/training/data/shape.toml"
    " --out out/data/shape",
    "python -m ml.training.detail.fits --samples out/data/shape",
    "python -m ml.training.detail.train --samples out/data/shape --out out/train/detail"
    " --max-minutes {minutes:.0f}",
    "python -m ml.training.detail.export --checkpoint out/train/detail/checkpoint.pt",
    "python -m ml.evaluation detail --data DATA --people 40 --best 6 --json out/detail.json",
    "python -m ml.training.detail.export --checkpoint out/train/detail/checkpoint.pt"
    " --figures out/detail.json",
)
# Answers are made smaller where that lowers the error, never larger.
_WEAKEST, _STRONGEST = 0.3, 1.0


def best_strength(network: DetailNetwork, kept: Source, band: Band) -> float:
    """What to multiply answers by so that their squared error on visible skin is least."""
    along = size = 0.0
    for found, true, seen in answers(network, kept, band):
        share = seen * band.allowed
        along += float((found * true * share).sum())
        size += float((found * found * share).sum())
    return min(max(along / max(size, 1e-9), _WEAKEST), _STRONGEST)


def export(
    checkpoint: Path,
    source: Source,
    config: dict[str, Any],
    figures: dict[str, Any],
    target: Path = WEIGHTS,
) -> AssetCard:
    """Write the averaged weights of ``checkpoint`` and their card."""
    state = torch.load(checkpoint, weights_only=True)
    network = DetailNetwork(NetworkShape.from_dict(config["network"]))
    network.load_state_dict(state["average"])
    model, ruler = source.model, make_ruler(source.model)
    taught, kept = split(source, config["held_out_every"])
    kept = replace(kept, rows=kept.rows[:80])
    strength = best_strength(network.eval(), kept, ruler.band)
    store_weights(state["average"], target)
    minutes = state["seconds"] / 60
    return write_card(
        target,
        name="Effigy detail",
        licence="CC0-1.0",
        commercial_use=True,
        sources=SOURCES,
        command=" && ".join(COMMANDS).format(minutes=minutes),
        details={
            "head_model": {"id": model.model_id, "version": model.version},
            "network": network.shape.to_dict(),
            "input": "the photo unwrapped by ml/detail/unwrap.py",
            "output": f"offsets with features of {FINEST_MM:g} to {COARSEST_MM:g} mm",
            "strength": round(strength, 3),
            "training": {
                **config,
                "samples": len(taught.rows),
                "steps": state["step"],
                "minutes": round(minutes, 1),
                "kept_out": measured(network, kept, ruler),
            },
            "figures": figures,
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", type=Path, default=Path("out/train/detail/checkpoint.pt"))
    parser.add_argument("--samples", type=Path, default=Path("out/data/shape"))
    parser.add_argument("--reference", type=Path, default=Path("out/head/reference.npz"))
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--figures", type=Path, help="what ml.evaluation wrote with --json")
    arguments = parser.parse_args()
    figures = json.loads(arguments.figures.read_text())["summary"] if arguments.figures else {}
    source = open_source(arguments.samples, load_head_model(), load_stage(arguments.reference))
    config = tomllib.loads(arguments.config.read_text())
    card = export(arguments.checkpoint, source, config, figures)
    strength = card.details["strength"]
    print(f"{WEIGHTS}: {card.size / 1e6:.1f} MB, strength {strength}, sha256 {card.sha256}")


if __name__ == "__main__":
    main()
