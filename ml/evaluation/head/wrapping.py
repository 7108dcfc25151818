"""Heads of other topologies wrapped onto random people: how near they come, and how they act.

    python -m ml.evaluation wrap --data DATA

MakeHuman's head and ICT-FaceKit's, marked at ICT-FaceKit's landmarks. Keys are compared where both
say the same: ICT-FaceKit keeps its shape, gets the average head's keys, and has keys of its own.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from ...data import FloatArray, HeadCoefficients, HeadMesh
from ...geometry import MILLIMETRES
from ...geometry.triangles import triangulate
from ...head.mesh import person_mesh, person_of
from ...head.storage import load_head_model
from ...training.head.statistics.correspondence import make_transfer
from ...training.head.statistics.sources import IctFaceKit, read_ict, read_makehuman
from ...wrap.marks import MARKS
from ...wrap.surface import Surface
from ...wrap.wrap import Wrapped, wrap
from ..benchmark import Outcome, add_data_options
from ..report.text import table

SEED, PEOPLE = 61, 6
# How much people differ from the average, in standard deviations.
SPREAD = 0.8
# A key is compared where ICT-FaceKit's own moves a vertex by so much, metres.
MOVES = 0.002
# ICT-FaceKit tells left from right where ARKit does not.
_HALVED = ("browInnerUp", "cheekPuff")
_LIDS = (("eyeBlinkRight", 3), ("eyeBlinkLeft", 5))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data_options(parser)
    parser.add_argument("--people", type=int, default=PEOPLE, help="random people (%(default)s)")


def run(arguments: argparse.Namespace) -> Outcome:
    rows = list(_rows(arguments.data, arguments.people))
    names = sorted({str(row["head"]) for row in rows})
    figures = {name: _means([row for row in rows if row["head"] == name]) for name in names}
    figures["keys"] = {"error_over_movement": compare_keys(read_ict(arguments.data))}
    columns = list(figures[names[0]])
    cells = [[name, *(f"{figures[name][column]:.3f}" for column in columns)] for name in names]
    share = figures["keys"]["error_over_movement"]
    text = f"Keys of a head that keeps its shape: error {share:.2f} of what they move"
    return Outcome(table(["head", *columns], cells) + "\n" + text, figures)


def _means(rows: list[dict[str, float | str]]) -> dict[str, float]:
    columns = [name for name in rows[0] if name != "head"]
    return {name: float(np.mean([float(row[name]) for row in rows])) for name in columns}


def _rows(data: Path, people: int) -> Iterator[dict[str, float | str]]:
    rng, model = np.random.default_rng(SEED), load_head_model()
    heads = dict(foreign_heads(data))
    for _ in range(people):
        person = _person((SPREAD * rng.standard_normal(model.identity_count)).astype(np.float32))
        for name, (surface, marks) in heads.items():
            begun = time.process_time()
            made = wrap(surface, marks, person, lambda fraction, message: None)
            yield {
                "head": name,
                "median_mm": made.median_mm,
                "95_percent_mm": made.large_mm,
                "turned_over": float(made.flipped),
                "lid_gap_mm": max(lid_gap(made, person, *lid) for lid in _LIDS),
                "seconds": time.process_time() - begun,
            }


def _person(identity: FloatArray) -> HeadMesh:
    model = load_head_model()
    rest = np.zeros(len(model.expression_names), np.float32)
    return person_mesh(model, person_of(model, HeadCoefficients(identity, rest)))


def foreign_heads(data: Path) -> Iterator[tuple[str, tuple[Surface, dict[str, int]]]]:
    """Name, mesh and marked vertices of each head."""
    ict, makehuman = read_ict(data), read_makehuman(data)
    carried = make_transfer(data, ict, makehuman).carry(makehuman.base)[ict.landmarks68]
    nearest = cKDTree(makehuman.base).query(carried)[1]
    for name, vertices, quads, landmarks in (
        ("MakeHuman", makehuman.base, makehuman.quads, nearest),
        ("ICT-FaceKit", ict.mean, ict.quads, ict.landmarks68),
    ):
        marks = {mark: int(landmarks[number]) for mark, (_, number) in MARKS.items()}
        yield name, (Surface(vertices.astype(np.float32), triangulate(quads)), marks)


def lid_gap(made: Wrapped, person: HeadMesh, key: str, upper: int) -> float:
    """Millimetres between the lids of a closed eye, where they are nearest on average."""
    pose, side = made.registered.pose, made.registered.side
    moved = made.keys[person.expression_names.index(key)] * pose.scale @ pose.rotation.T
    places = pose.apply(made.vertices) + moved
    away, _ = cKDTree(places[side == upper + 1]).query(places[side == upper])
    return float(MILLIMETRES * np.sort(away)[: max(4, len(away) // 6)].mean())


def compare_keys(ict: IctFaceKit) -> float:
    """Mean over the keys of the error, as a share of what ICT-FaceKit's own key moves."""
    model = load_head_model()
    average = _person(np.zeros(model.identity_count, np.float32))
    marks = {mark: int(ict.landmarks68[number]) for mark, (_, number) in MARKS.items()}
    surface = Surface(ict.mean.astype(np.float32), triangulate(ict.quads))
    made = wrap(surface, marks, average, lambda fraction, message: None, keep_shape=True)
    matched, shares = made.registered.matches.belief > 0, list[float]()
    for number, name in enumerate(model.expression_names):
        true = _own_key(ict, name)
        if true is None:
            continue
        size = np.linalg.norm(true, axis=1)
        moves = matched & (size > MOVES)
        if moves.any():
            error = np.linalg.norm(made.keys[number] - true, axis=1)
            shares.append(float(error[moves].mean() / size[moves].mean()))
    return float(np.mean(shares))


def _own_key(ict: IctFaceKit, name: str) -> FloatArray | None:
    """(V, 3) ICT-FaceKit's key of ARKit's name; None where it has none."""
    for long, short in (("Left", "_L"), ("Right", "_R")):
        if name.endswith(long):
            name = name.removesuffix(long) + short
    wanted = [f"{name}_L", f"{name}_R"] if name in _HALVED else [name]
    known = [ict.expression_names.index(one) for one in wanted if one in ict.expression_names]
    return ict.expression[known].sum(0) if known else None
