"""Make the average head as large as the average person of the NIOSH survey.

The scans behind the statistics wore hair caps and came from one studio: their mean head is five
per cent broader than people measured with calipers. Zhuang and Bradtmiller, "Head-and-Face
Anthropometric Survey of U.S. Respirator Users" (2005), has 3,997 people.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....data import FloatArray, IntArray
from ....head.model import SurfacePoints

TABLE = Path("anthropometry") / "RespiratorUsersData-all-subjects.csv"
# Millimetres that a measure of the moved mean may be off its goal.
TOLERANCE = 0.3
ROUNDS = 6


@dataclass(frozen=True)
class Measure:
    """A caliper measure: the distance between the means of two sets of vertices."""

    name: str
    first: IntArray
    second: IntArray

    def of(self, vertices: FloatArray) -> float:
        """Millimetres on (V, 3) vertices in metres."""
        return 1000 * float(np.linalg.norm(self._across(vertices)))

    def gradient(self, vertices: FloatArray, modes: FloatArray) -> np.ndarray:
        """(I,) millimetres that each of (I, V, 3) modes adds per standard deviation."""
        across = self._across(vertices)
        change = modes[:, self.second].mean(1) - modes[:, self.first].mean(1)
        return np.asarray(1000 * change @ (across / np.linalg.norm(across)))

    def _across(self, vertices: FloatArray) -> np.ndarray:
        return np.asarray(vertices[self.second].mean(0) - vertices[self.first].mean(0))


def survey_means(data: Path) -> dict[str, float]:
    """Mean of every measure in millimetres, both sexes counted equally."""
    with (data / TABLE).open(newline="") as file:
        rows = list(csv.DictReader(file))
    means = {}
    for name in rows[0]:
        values = [[_number(row[name]) for row in rows if row["SEX"] == sex] for sex in "12"]
        # Missing values are written -9,999.
        known = [[value for value in sex if value > 0] for sex in values]
        if all(known):
            means[name] = float(np.mean([np.mean(sex) for sex in known]))
    return means


def _number(text: str) -> float:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return -1.0


def head_measures(
    mean: FloatArray,
    skin: IntArray,
    eyes: tuple[IntArray, IntArray],
    ibug: SurfacePoints,
    opposite: IntArray,
) -> list[Measure]:
    """The survey's measures that a surface without bones shows, on the reference's vertices.

    ``skin``: its vertices; ``eyes``: those of the eyeballs.
    """

    def widest(y: tuple[float, float], z: tuple[float, float], name: str) -> Measure:
        place = mean[skin]
        inside = (place[:, 1] > y[0]) & (place[:, 1] < y[1])
        inside &= (place[:, 2] > z[0]) & (place[:, 2] < z[1])
        left = skin[inside][place[inside, 0].argmax()]
        return Measure(name, np.array([opposite[left]]), np.array([left]))

    def between(name: str, first: int, second: int) -> Measure:
        return Measure(name, ibug.corners[first], ibug.corners[second])

    middle = skin[np.abs(mean[skin, 0]) < 1e-4]
    front = middle[mean[middle, 2] > 0.09]
    glabella = front[np.abs(mean[front, 1] - 0.052).argmin()]
    skull = middle[(mean[middle, 1] > 0.02) & (mean[middle, 1] < 0.1)]
    back = skull[mean[skull, 2].argmin()]
    chin = front[mean[front, 1].argmin()]
    sellion = ibug.corners[27]
    return [
        Measure("INTPUPBR", *eyes),
        # In front of the ears and above them.
        widest((0.015, 0.021), (0.032, 0.045), "BIZYGOBR"),
        widest((0.050, 0.075), (-0.05, 0.03), "HEADBR"),
        Measure("HEADLTH", np.array([back]), np.array([glabella])),
        Measure("MENSELL", sellion, np.array([chin])),
        between("SUBNASAL", 27, 33),
        between("LIPLTH", 48, 54),
    ]


def moved_to(
    mean: FloatArray, modes: FloatArray, measures: list[Measure], goals: dict[str, float]
) -> tuple[FloatArray, FloatArray]:
    """The mean moved by the likeliest identity that meets all ``goals``, and that identity.

    Every round solves min |c|^2 so that the measures, linearised, are met: c = J^T (J J^T)^-1 d.
    """
    identity = np.zeros(len(modes), np.float32)
    moved = mean
    for _ in range(ROUNDS):
        gaps = np.array([goals[measure.name] - measure.of(moved) for measure in measures])
        if np.abs(gaps).max() < TOLERANCE:
            break
        slope = np.stack([measure.gradient(moved, modes) for measure in measures])
        step = slope.T @ np.linalg.solve(slope @ slope.T, gaps)
        identity = (identity + step).astype(np.float32)
        moved = (mean + np.tensordot(identity, modes, 1)).astype(np.float32)
    return moved, identity
