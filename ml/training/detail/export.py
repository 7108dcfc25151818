"""Turn a checkpoint into the detail network's weights that ship, with their card.

    python -m ml.training.detail.export

Run it again with ``--figures`` once the evaluation has measured with these weights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from ...assets.card import AssetCard
from ...assets.weights import store_weights
from ...detail.band import COARSEST_MM, FINEST_MM, Band
from ...detail.detailer import WEIGHTS
from ...head.storage import load_head_model
from ..arguments import SHAPE_SAMPLES, export_parser
from ..data.picture.scene import load_stage
from ..export import CardText, Trained, read_trained, write_trained_card
from .batches import Source, open_source
from .measure import errors, predictions
from .train import DetailConfig, DetailTraining, split

EXPORT = "python -m ml.training.detail.export --checkpoint {checkpoint}"
TEXT = CardText(
    name="Effigy detail",
    sources=(
        "renders of Effigy Head with random folds and lumps, MakeHuman skins (CC0) and skin detail "
        "of official portraits of members of the US Congress (public domain), under HDRI Haven "
        "(CC0) and ICT-FaceKit (MIT) environment maps",
    ),
    before=(
        "python -m ml.training.data.generate --data DATA --config ml/training/data/shape.toml"
        " --out out/data/shape",
        "python -m ml.training.detail.fits --samples out/data/shape",
    ),
    after=(
        EXPORT,
        "python -m ml.evaluation detail --data DATA --people 40 --best 6 --json out/detail.json",
        f"{EXPORT} --figures out/detail.json",
    ),
)
# Kept-out samples that the strength and the card's errors are measured on.
_MEASURED = 80
# The range of the strength: offsets are made smaller where that lowers the error, never larger.
_WEAKEST, _STRONGEST = 0.3, 1.0


def best_strength(network: nn.Module, kept: Source, band: Band) -> float:
    """The factor of the offsets that makes their squared error on visible skin least."""
    along = size = 0.0
    for found, true, seen in predictions(network, kept, band):
        share = seen * band.allowed
        along += float((found * true * share).sum())
        size += float((found * found * share).sum())
    return min(max(along / max(size, 1e-9), _WEAKEST), _STRONGEST)


def export(
    trained: Trained[DetailConfig],
    source: Source,
    figures: Mapping[str, Any],
    target: Path = WEIGHTS,
) -> AssetCard:
    """Write the weights of a run and their card. figures: the evaluation's."""
    model, config = source.model, trained.config
    taught, kept = split(source, config.held_out_every)
    kept = replace(kept, rows=kept.rows[:_MEASURED])
    training = DetailTraining(config, taught, kept)
    network = training.build()
    network.load_state_dict(trained.weights)
    strength = best_strength(network.eval(), kept, training.band)
    store_weights(trained.weights, target)
    details = {
        "head_model": {"id": model.model_id, "version": model.version},
        "network": network.shape.to_dict(),
        "input": "the photo unwrapped by ml/detail/unwrap.py",
        "output": f"offsets with features of {FINEST_MM:g} to {COARSEST_MM:g} mm",
        "strength": round(strength, 3),
        "training": {
            "samples": len(taught.rows),
            "kept_out": errors(network, kept, training.band, training.frames),
        },
        "figures": dict(figures),
    }
    return write_trained_card(target, trained, TEXT, details)


def main() -> None:
    parser = export_parser(__doc__, "out/train/detail", "reference")
    parser.add_argument("--samples", type=Path, default=SHAPE_SAMPLES)
    parser.add_argument("--figures", type=Path, help="what ml.evaluation wrote with --json")
    arguments = parser.parse_args()
    figures = json.loads(arguments.figures.read_text())["summary"] if arguments.figures else {}
    source = open_source(arguments.samples, load_head_model(), load_stage(arguments.reference))
    card = export(read_trained(arguments.checkpoint, DetailConfig), source, figures)
    strength = card.details["strength"]
    print(f"{WEIGHTS}: {card.size / 1e6:.1f} MB, strength {strength}, sha256 {card.sha256}")


if __name__ == "__main__":
    main()
