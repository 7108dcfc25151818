"""A result whose head is that of nobody, and pins that move its chin and its jaw."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ml.data import FloatArray
from ml.head.storage import load_head_model
from ml.pins.file import read_pins, write_pins
from ml.pins.heads import estimate_of, no_pins
from ml.pins.pins import Pin, Pins
from ml.pins.solve import Solver
from ml.results.reconstruction import read_about

from .model_head import write_model_head

CHIN, JAW = 152, 172


@dataclass(frozen=True)
class PinnedSource:
    """A result, and pins for it that it does not follow yet.

    Attributes
    ----------
    directory: of the result. file: pins.json. pins: as it is read. places: (L, 2) pixels, where the
    landmarks are without pins.
    """

    directory: Path
    file: Path
    pins: Pins
    solver: Solver
    places: FloatArray


def write_pinned(folder: Path) -> PinnedSource:
    """Write both into ``folder``."""
    directory, file = folder / "Ada", folder / "pins.json"
    write_model_head(directory)
    about, model = read_about(directory), load_head_model()
    solver = Solver(model, estimate_of([about], model))
    pins = no_pins([about])
    vertices = solver.vertices(solver.solve(pins), 0)
    places = solver.estimate.views[0].camera.project(model.landmark_sets["dense"].on(vertices))
    for landmark, right, down in ((CHIN, 0, 12), (JAW, -8, 2)):
        x, y = map(float, places[landmark])
        pins = pins.placed(0, Pin((x + right, y + down), landmark))
    write_pins(pins, model, file)
    return PinnedSource(directory, file, read_pins(file, model), solver, places)
