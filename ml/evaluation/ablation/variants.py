"""The variants of the method that an ablation compares: how each fits a head."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ...assets.card import read_card
from ...data import FitResult, Photo
from ...errors import UsageError
from ...fitting.evidence import Evidence
from ...fitting.gauss_newton import fit_person
from ...head.model import HeadModel, LinearShape
from ...pipeline.fit import fit_refined
from ...regressor.surface_refinement import WEIGHTS, SurfaceRefinement, load_surface_refinement
from ...training.export import read_trained
from ...training.surface.train import SurfaceConfig, surface_network

COARSE, REFINED = "coarse", "+ refinement"
Fitter = Callable[[Photo, LinearShape, Evidence], FitResult]


def detail_title(mode: str) -> str:
    """The name of the variant that adds detail of this mode to REFINED."""
    return f"+ detail {mode}"


def read_variants(words: list[str]) -> dict[str, Path]:
    """NAME=CHECKPOINT ... -> checkpoints by name.

    Raises
    ------
    UsageError: a word has another form, a name comes twice, or a file is not there.
    """
    found: dict[str, Path] = {}
    for word in words:
        name, _, path = word.rpartition("=")
        if not name or name in {COARSE, REFINED, *found} or not Path(path).is_file():
            raise UsageError(
                f"{word!r} names no variant", "Say NAME=CHECKPOINT, each name once, of a file"
            )
        found[name] = Path(path)
    return found


def fitters(model: HeadModel, variants: dict[str, Path]) -> dict[str, Fitter]:
    """By variant: without refinement, with the one that ships, with those of checkpoints."""
    refinements = {REFINED: load_surface_refinement()}
    refinements |= {name: _of_checkpoint(path, model) for name, path in variants.items()}

    def refining(refinement: SurfaceRefinement) -> Fitter:
        return lambda photo, shape, evidence: fit_refined(photo, shape, evidence, refinement)[1]

    known: dict[str, Fitter] = {COARSE: lambda _, shape, evidence: fit_person(shape, [evidence])[0]}
    return known | {name: refining(refinement) for name, refinement in refinements.items()}


def _of_checkpoint(path: Path, model: HeadModel) -> SurfaceRefinement:
    """The averaged weights, as sure of identity as the card of the shipped ones says."""
    trained = read_trained(path, SurfaceConfig)
    network = surface_network(model, trained.config.network)
    network.load_state_dict(trained.weights)
    sigma = np.array(read_card(WEIGHTS).details["identity_sigma"], np.float32)
    return SurfaceRefinement(network, model, sigma)
