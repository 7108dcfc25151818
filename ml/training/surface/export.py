"""Turn a checkpoint into the weights that ship, with their card.

python -m ml.training.surface.export --checkpoint out/train/surface/checkpoint.pt
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...assets.card import AssetCard, rounded, write_card
from ...assets.weights import store_weights
from ...data import FloatArray, FoundFace, Observation, Photo
from ...fitting.evidence import evidence_of
from ...head.mirror import make_mirror
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ...photo.crop import box_from_landmarks, crop_face
from ...pipeline.fit import fit_refined
from ...regressor.regressor import load_regressor
from ...regressor.surface_refinement import WEIGHTS, SurfaceRefinement
from ..data.stored import RENDER
from .batches import Samples, open_folders
from .train import CONFIG, network_for

# Renders that the identity's error is measured on.
KEPT_OUT = 300
SOURCES = (
    "renders of Effigy Head with MakeHuman skins (CC0) under HDRI Haven (CC0) and "
    "ICT-FaceKit (MIT) environment maps",
    "699 official portraits of members of the US Congress (public domain), labelled with "
    "MediaPipe Face Landmarker (Apache-2.0), as they are and profiled",
)
COMMANDS = (
    "python -m ml.training.data.generate --data DATA --out out/data/v3 --seed 31 --count 24000",
    "python -m ml.training.data.generate --data DATA --config ml/training/data/shape.toml"
    " --out out/data/shape",
    "python -m ml.training.surface.train --samples out/data/shape out/data/v3"
    " --max-minutes {minutes:.0f}",
    "python -m ml.evaluation.ablation.data_mixes --data DATA --samples out/data/shape out/data/v3"
    " --steps 180",
    "python -m ml.training.surface.export --checkpoint out/train/surface/checkpoint.pt"
    " --samples out/data/shape out/data/v3 --compared out/surface_compared.json",
)


def identity_sigma(refinement: SurfaceRefinement, samples: Samples, most: int) -> FloatArray:
    """(I,) root mean square error of the identity on kept-out renders, after the walk's own fits.

    Simulated fits know more of the person than real ones do, and would make it overconfident.
    ``most``: renders to measure on.
    """
    images, labels, kind = samples.read(samples.rows(training=False))
    shape, errors = load_head_model().points("dense"), []
    for row in np.flatnonzero(kind == RENDER)[:most]:
        photo = Photo(images[row], Path("kept-out.png"), "")
        box = box_from_landmarks(labels["points"][row])
        output = load_regressor().predict([crop_face(photo, box)])[0]
        observation = Observation(FoundFace(box, output), output.landmarks, "dense")
        _, evidence = evidence_of(photo, observation, load_head_model())
        seen, _ = fit_refined(photo, shape, evidence, refinement)
        errors.append(seen.start.identity - labels["identity"][row])
    return np.asarray(np.sqrt((np.stack(errors) ** 2).mean(0)), np.float32)


def export(
    checkpoint: Path,
    model: HeadModel,
    config: dict[str, Any],
    samples: Samples,
    target: Path = WEIGHTS,
    curve: list[dict[str, float]] | None = None,
    figures: dict[str, Any] | None = None,
) -> AssetCard:
    """Write the averaged weights of ``checkpoint`` and their card; ``curve``: train's log;
    ``figures``: what compare.py found."""
    state = torch.load(checkpoint, weights_only=True)
    network = network_for(model, config)
    network.load_state_dict(state["average"])
    # What the looks say does not depend on how sure they are said to be; the fits between do, a
    # little: they are measured with the population's own spread.
    refinement = SurfaceRefinement(network, model, np.ones(model.identity_count, np.float32))
    sigma = identity_sigma(refinement, samples, KEPT_OUT)
    store_weights(state["average"], target)
    minutes = state["seconds"] / 60
    return write_card(
        target,
        name="Effigy surface refinement",
        licence="CC0-1.0",
        commercial_use=True,
        sources=SOURCES,
        command=" && ".join(COMMANDS).format(minutes=minutes),
        details={
            "head_model": {"id": model.model_id, "version": model.version},
            "network": network.shape.to_dict(),
            "input": "RGB face unwrapped along a fitted head, see ml/regressor/surface.py",
            "identity_sigma": [round(float(value), 3) for value in sigma],
            "training": {
                **config,
                "samples": len(samples.rows(training=True)),
                "steps": state["step"],
                "minutes": round(minutes, 1),
            },
            "curve": [rounded(line, 3) for line in curve or []],
            "figures": rounded(figures or {}, 3),
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=Path("out/train/surface/checkpoint.pt"))
    parser.add_argument("--samples", type=Path, nargs="+", default=[Path("out/data/shape")])
    parser.add_argument("--reference", type=Path, default=Path("out/head/reference.npz"))
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--compared", type=Path, help="what compare.py wrote")
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    mirror = make_mirror(load_head_model(arguments.reference))
    samples = open_folders(arguments.samples, mirror, config["kept_out"])
    log = arguments.checkpoint.parent / "log.jsonl"
    curve = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    compared = json.loads(arguments.compared.read_text()) if arguments.compared else {}
    model = load_head_model()
    card = export(arguments.checkpoint, model, config, samples, curve=curve, figures=compared)
    print(f"{WEIGHTS}: {card.size / 1e6:.1f} MB, sha256 {card.sha256}")


if __name__ == "__main__":
    main()
