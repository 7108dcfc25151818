"""The last step: a person's lids are settled (ml.head.contact), and pins on them still hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..data import HeadCoefficients
from ..head.mesh import Person, person_of
from .held import Seen, targets_of
from .pins import Pins
from .projection import by_place, pixels_of
from .solve import Solution, Solver

# Pixels to which pins hold on the settled head, and how often they are brought back to it.
CLOSED, ROUNDS = 0.02, 4


def settled(solver: Solver, pins: Pins) -> Solution:
    """The person whose pins hold on the head as it is built; slower than ``solver.solve``."""
    solution = solver.solve(pins)
    if solution.layer is None:
        return solution
    held, target = solver.held(pins), targets_of(pins)
    for _ in range(ROUNDS):
        seen = _seen(solver, pins, solution)
        if np.linalg.norm(seen.pixels - target, axis=1).max() < CLOSED:
            break
        heights = held.closed(seen, target, solution.layer.shifts.astype(np.float64))
        solution = replace(solution, layer=held.layer(heights))
    return solution


def people_of(solver: Solver, solution: Solution) -> list[Person]:
    """The person with the expression of each photo."""
    first = person_of(solver.model, solution.coefficients(0), solution.layer)
    return [_expressed(first, head) for head in solution.heads]


def distances(solver: Solver, pins: Pins, solution: Solution) -> np.ndarray:
    """(P,) pixels by which the pins of all photos are missed on the head as it is built."""
    off = _seen(solver, pins, solution).pixels - targets_of(pins)
    return np.asarray(np.linalg.norm(off, axis=1))


def _expressed(person: Person, head: HeadCoefficients) -> Person:
    moved = person.rest + np.tensordot(head.expression, person.keys, 1)
    return replace(person, coefficients=head, expressed=np.asarray(moved, np.float32))


def _seen(solver: Solver, pins: Pins, solution: Solution) -> Seen:
    held, people = solver.held(pins), people_of(solver, solution)
    pixels, slopes = np.empty((len(held.points), 2)), np.empty((len(held.points), 2, 3))
    for photo, rows, _ in held.photos():
        places = held.points.take(rows).on(people[photo].expressed).astype(np.float64)
        pixels[rows] = pixels_of(solution.cameras[photo], places)
        slopes[rows] = by_place(solution.cameras[photo], places)
    return Seen(pixels, slopes)
