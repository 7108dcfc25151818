"""Turn a checkpoint into the weights that ship, with their card.

python -m ml.training.surface.export --samples out/data/shape out/data/samples
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...assets.card import AssetCard, rounded
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
from ..arguments import SHAPE_SAMPLES, export_parser
from ..data.stored import RENDER
from ..export import CardText, Trained, read_trained, write_trained_card
from ..loop import LOG
from .batches import Samples, open_folders
from .train import SurfaceConfig, surface_network

# Renders that the identity's error is measured on, at most.
MEASURED = 300
SAMPLES = "--samples out/data/shape out/data/samples"
TEXT = CardText(
    name="Effigy surface refinement",
    sources=(
        "renders of Effigy Head with MakeHuman skins (CC0) under HDRI Haven (CC0) and "
        "ICT-FaceKit (MIT) environment maps",
        "699 official portraits of members of the US Congress (public domain), labelled with "
        "MediaPipe Face Landmarker (Apache-2.0), as they are and profiled",
    ),
    before=(
        "python -m ml.training.data.generate --data DATA --out out/data/samples",
        "python -m ml.training.data.generate --data DATA --config ml/training/data/shape.toml"
        " --out out/data/shape",
    ),
    after=(
        f"python -m ml.evaluation.ablation.data_mixes --data DATA {SAMPLES} --steps 180",
        f"python -m ml.training.surface.export --checkpoint {{checkpoint}} {SAMPLES}"
        " --compared out/surface_compared.json",
    ),
)


@dataclass(frozen=True)
class Figures:
    """What the card shows: the lines of the training's log, and what data_mixes.py measured."""

    curve: list[dict[str, float]] = field(default_factory=list)
    compared: Mapping[str, Any] = field(default_factory=dict)


def identity_sigma(refinement: SurfaceRefinement, samples: Samples, most: int) -> FloatArray:
    """(I,) root mean square error of the identity on kept-out renders, after the pipeline's fits.

    Simulated fits know more of the person than real ones do: with them, this would be too small.
    most: number of renders to measure on.
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
    trained: Trained[SurfaceConfig],
    model: HeadModel,
    samples: Samples,
    target: Path = WEIGHTS,
    figures: Figures | None = None,
) -> AssetCard:
    """Write the weights of a run and their card. The identity's error is of ``samples``."""
    network, figures = surface_network(model, trained.config.network), figures or Figures()
    network.load_state_dict(trained.weights)
    # What the network predicts does not depend on this sigma, but the fits between its passes do,
    # a little: their errors are measured with the population's own spread.
    refinement = SurfaceRefinement(network, model, np.ones(model.identity_count, np.float32))
    sigma = identity_sigma(refinement, samples, MEASURED)
    store_weights(trained.weights, target)
    details = {
        "head_model": {"id": model.model_id, "version": model.version},
        "network": network.shape.to_dict(),
        "input": "RGB face unwrapped along a fitted head, see ml/regressor/surface.py",
        "identity_sigma": [round(float(value), 3) for value in sigma],
        "training": {"samples": len(samples.rows(training=True))},
        "curve": [rounded(line, 3) for line in figures.curve],
        "figures": rounded(figures.compared, 3),
    }
    return write_trained_card(target, trained, TEXT, details)


def main() -> None:
    parser = export_parser(__doc__, "out/train/surface", "reference")
    parser.add_argument("--samples", type=Path, nargs="+", default=[SHAPE_SAMPLES])
    parser.add_argument("--compared", type=Path, help="what data_mixes.py wrote")
    arguments = parser.parse_args()
    trained = read_trained(arguments.checkpoint, SurfaceConfig)
    mirror = make_mirror(load_head_model(arguments.reference))
    samples = open_folders(arguments.samples, mirror, trained.config.kept_out)
    log = arguments.checkpoint.parent / LOG
    curve = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    compared = json.loads(arguments.compared.read_text()) if arguments.compared else {}
    card = export(trained, load_head_model(), samples, figures=Figures(curve, compared))
    print(f"{WEIGHTS}: {card.size / 1e6:.1f} MB, sha256 {card.sha256}")


if __name__ == "__main__":
    main()
