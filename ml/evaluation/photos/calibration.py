"""Whether the network's confidence means what it says: of crops given 0.8, 8 in 10 show a face.

    python -m ml.evaluation calibration --samples out/data/check

The samples are ml.training.data.generate's with a seed of their own; negatives are crops without a
face and crops so badly framed that the pipeline would crop again.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np

from ...data import FloatArray
from ..benchmark import Outcome, add_json_option, outcome_of

# Most crops are clear cases: bins are narrow at both ends.
EDGES = (0.0, 0.02, 0.1, 0.3, 0.7, 0.9, 0.98, 1.0)
PER_PASS = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--samples", type=Path, default=Path("out/data/check"))
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> Outcome:
    return outcome_of(measure(arguments.samples), "{:40} {:9.4f}")


def calibration(confidence: FloatArray, truth: FloatArray) -> dict[str, float]:
    """(N,) confidences 0..1 and (N,) 0 or 1 -> figures by name.

    "expected calibration error" is the mean over crops of how far a bin's mean confidence lies
    from its share of faces (Naeini et al., AAAI 2015), "Brier score" the mean squared error.
    """
    figures: dict[str, float] = {"crops": len(truth)}
    error = 0.0
    for low, high in pairwise(EDGES):
        inside = (confidence >= low) & ((confidence < high) | (high == EDGES[-1]))
        if inside.any():
            given, true = float(confidence[inside].mean()), float(truth[inside].mean())
            error += inside.sum() * abs(given - true) / len(truth)
            name = f"{low:.2f} to {high:.2f} ({inside.sum()} crops)"
            figures[f"{name}, said"], figures[f"{name}, true"] = given, true
    figures["expected calibration error"] = error
    figures["Brier score"] = float(np.mean((confidence - truth) ** 2))
    return figures


def measure(samples: Path) -> dict[str, float]:
    """Of the regressor that ships, on all finished crops in the folder ``samples``."""
    import torch

    from ...regressor.regressor import load_regressor
    from ...training.data.stored import finished_rows, open_samples
    from ...training.regressor.batches import centre_crops

    network, stored = load_regressor().network, open_samples(samples)
    rows = finished_rows(samples, len(stored["kind"]))
    given = []
    with torch.inference_mode():
        for some in np.array_split(rows, max(1, len(rows) // PER_PASS)):
            crops = torch.from_numpy(centre_crops(stored["images"][some], network.shape.crop))
            output = network(crops.contiguous(memory_format=torch.channels_last))[-1]
            given.append(torch.sigmoid(output.confidence).numpy())
    truth = np.asarray(stored["supervision"][rows])[:, 3].astype(np.float32)
    return calibration(np.concatenate(given), truth)
