"""The effect of each kind of data, and of the encoder's size, on the surface refinement.

    python -m ml.evaluation.ablation.data_mixes --data DATA \
        --samples out/data/shape out/data/samples

Every variant is trained from the same random weights for the same few hundred steps: enough to
rank them, far fewer than for the weights that ship. The export puts the result into the card.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from tqdm import tqdm

from ...data import FitResult, Photo
from ...fitting.evidence import Evidence, evidence_of
from ...fitting.gauss_newton import fit_person
from ...head.mirror import make_mirror
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ...photo.read import read_photo
from ...pipeline.find import observe
from ...pipeline.fit import COARSE, refine
from ...regressor.surface import CHANNELS, SIDE
from ...regressor.surface_network import SurfaceNetwork
from ...regressor.surface_refinement import SurfaceRefinement
from ...settings import Settings
from ...training.arguments import SHAPE_SAMPLES, file_options
from ...training.config import read_config
from ...training.data.stored import PHOTO, PROFILED, RENDER
from ...training.loop import start_run, steps
from ...training.surface.batches import Samples, open_folders
from ...training.surface.train import CONFIG, SurfaceConfig, SurfaceTraining
from ..metrics import landmark_error
from ..photos.labels import read_labels
from ..speed.clock import milliseconds

Widths = tuple[int, int, int, int]
MIXES = {
    "portraits": (PHOTO,),
    "portraits, profiled": (PHOTO, PROFILED),
    "portraits, profiled, renders": (PHOTO, PROFILED, RENDER),
}
ENCODERS: dict[str, Widths] = {
    "half as wide": (16, 24, 48, 96),
    "as shipped": (32, 48, 96, 192),
    "1.4 times as wide": (44, 68, 136, 272),
}


class FittedPortrait(NamedTuple):
    """A portrait with its label (478, 2) and the pipeline's first fit."""

    photo: Photo
    label: np.ndarray
    evidence: Evidence
    fit: FitResult


def train_variant(
    samples: Samples, config: SurfaceConfig, name: str
) -> tuple[SurfaceNetwork, dict[str, float]]:
    """A network after the steps of ``config``, and its figures on kept-out renders."""
    training = SurfaceTraining(config, load_head_model(), samples)
    state = start_run(training)
    for _ in tqdm(steps(training, state), name, config.steps, mininterval=10):
        pass
    return cast(SurfaceNetwork, state.average), training.measure(state.average)


def fitted_portraits(data: Path) -> list[FittedPortrait]:
    """The development portraits that have labels."""
    model, fitted = load_head_model(), []
    for item in read_labels(data, "portraits"):
        if item.landmarks is None:
            continue
        photo = read_photo(item.path)
        shape, evidence = evidence_of(photo, observe(photo, Settings())[0], model)
        fit = fit_person(shape, [evidence], COARSE)[0]
        fitted.append(FittedPortrait(photo, item.landmarks, evidence, fit))
    return fitted


def portrait_error(
    network: SurfaceNetwork, model: HeadModel, portraits: list[FittedPortrait]
) -> float:
    """Per cent of the outer-eye distance: the landmarks of one refinement, 468 points."""
    refinement = SurfaceRefinement(network, model, np.ones(model.identity_count, np.float32))
    shape, errors = model.points("dense"), []
    for photo, label, evidence, fit in portraits:
        refined = refine(photo, shape, evidence, fit, refinement)
        errors.append(landmark_error(refined.landmarks.points, label))
    return float(np.mean(errors))


def time_of(network: SurfaceNetwork) -> float:
    """Milliseconds of one face through ``network`` on one core, the best of 20."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    texels = torch.rand(1, CHANNELS, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
    person = torch.zeros(1, network.shape.identity), torch.zeros(1, network.shape.expression)
    network.eval()
    with torch.inference_mode():
        spent = milliseconds(lambda: network(texels, *person), 20)
    torch.set_num_threads(threads)
    return float(spent.min())


def compare(arguments: argparse.Namespace, config: SurfaceConfig) -> dict[str, Any]:
    """Figures by "data_mixes" and "encoders"."""
    model = load_head_model()
    mirror = make_mirror(load_head_model(arguments.reference))
    samples = open_folders(arguments.samples, mirror, config.kept_out)
    portraits = fitted_portraits(arguments.data)

    def figures(name: str, some: Samples, widths: Widths) -> dict[str, float]:
        sizes = replace(config.network, widths=widths)
        network, found = train_variant(some, replace(config, network=sizes), name)
        return {
            "portraits, landmarks %": portrait_error(network, model, portraits),
            "renders, landmark error left": found["points_left"],
            "renders, identity error left": found["identity_left"],
            "ms on one core": time_of(network),
        }

    return all_variants(figures, samples)


def all_variants(
    figures: Callable[[str, Samples, Widths], dict[str, float]], samples: Samples
) -> dict[str, Any]:
    shipped = ENCODERS["as shipped"]
    mixes = {
        name: figures(name, replace(samples, kinds=kinds), shipped) for name, kinds in MIXES.items()
    }
    # The shipped encoder with all data has been trained already.
    encoders = {
        name: list(mixes.values())[-1] if widths == shipped else figures(name, samples, widths)
        for name, widths in ENCODERS.items()
    }
    return {"data_mixes": mixes, "encoders": encoders}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, parents=[file_options("data", "reference")]
    )
    parser.add_argument("--samples", type=Path, nargs="+", default=[SHAPE_SAMPLES])
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--json", type=Path, default=Path("out/surface_compared.json"))
    arguments = parser.parse_args()
    config = read_config(arguments.config, SurfaceConfig)
    # All photos in every round: some variants have no other data.
    config = replace(config, steps=arguments.steps, budget_minutes=0.0, photos=1.0)
    result = compare(arguments, config)
    arguments.json.write_text(json.dumps(result | {"steps": arguments.steps}, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
