"""What each kind of data, and each size of encoder, adds to the surface refinement.

    python -m ml.evaluation.ablation.data_mixes --data DATA --samples out/data/shape out/data/v3

Every variant is trained from the same random weights for the same few hundred steps: enough to
rank them, far from what ships. The export puts the result into the card.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

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
from ...training.arguments import file_options
from ...training.data.stored import PHOTO, PROFILED, RENDER
from ...training.steps import follow, rate_at
from ...training.surface.batches import Samples, batches_ahead, open_folders
from ...training.surface.train import CONFIG, make_task, measure, start_run, take_step
from ..metrics import landmark_error
from ..photos.labels import read_labels
from ..speed.clock import milliseconds

MIXES = {
    "portraits": (PHOTO,),
    "portraits, profiled": (PHOTO, PROFILED),
    "portraits, profiled, renders": (PHOTO, PROFILED, RENDER),
}
ENCODERS = {
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
    samples: Samples, config: dict[str, Any], steps: int, name: str
) -> tuple[SurfaceNetwork, dict[str, float]]:
    """A network after ``steps`` steps, and its figures on kept-out renders."""
    model = load_head_model()
    run, task = start_run(model, config), make_task(model, config)
    random = torch.Generator().manual_seed(config["seed"])
    stream = batches_ahead(samples, config["batch"], config["seed"], 0)
    run.network.train()
    for step in tqdm(range(steps), desc=name, mininterval=10):
        rate = rate_at(step / steps, config["peak_rate"], config["warm_up"])
        take_step(run, task, next(stream), rate, random)
        follow(run.average, run.network, min(config["average_decay"], (1 + step) / (10 + step)))
    run.average.eval()
    return run.average, measure(run.average, task, samples)


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


def compare(arguments: argparse.Namespace, config: dict[str, Any]) -> dict[str, Any]:
    """Figures by "data_mixes" and "encoders"."""
    model = load_head_model()
    mirror = make_mirror(load_head_model(arguments.reference))
    samples = open_folders(arguments.samples, mirror, config["kept_out"])
    portraits = fitted_portraits(arguments.data)

    def figures(name: str, some: Samples, widths: tuple[int, ...]) -> dict[str, float]:
        sizes = config | {"network": config["network"] | {"widths": list(widths)}}
        network, found = train_variant(some, sizes, arguments.steps, name)
        return {
            "portraits, landmarks %": portrait_error(network, model, portraits),
            "renders, landmark error left": found["points_left"],
            "renders, identity error left": found["identity_left"],
            "ms on one core": time_of(network),
        }

    return all_variants(figures, samples)


def all_variants(
    figures: Callable[[str, Samples, tuple[int, ...]], dict[str, float]], samples: Samples
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
    parser.add_argument("--samples", type=Path, nargs="+", default=[Path("out/data/shape")])
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--json", type=Path, default=Path("out/surface_compared.json"))
    arguments = parser.parse_args()
    result = compare(arguments, tomllib.loads(arguments.config.read_text()))
    arguments.json.write_text(json.dumps(result | {"steps": arguments.steps}, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
