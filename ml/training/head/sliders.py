"""Fit the directions of the shape sliders in the head model's identity space.

    python -m ml.training.head.sliders --data DATA --reference out/head/reference.npz

A measured slider has the smallest change of a person that changes its own measure by one millimetre
and no other. What is far from the measure shall lie still: moving it costs extra. Age, sex-typical
shape and weight are differences of MakeHuman's groups, as coefficients.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ...assets.card import write_card
from ...data import FloatArray
from ...geometry import MILLIMETRES
from ...head.mirror import make_mirror
from ...head.model import HeadModel
from ...head.storage import load_head_model, read_head_model
from ...shape_sliders.directions import ASSET
from ...shape_sliders.measures import HELD, LANDMARKS, MEASURES, Measure, slopes
from ..arguments import file_options
from .statistics.components import align_rigidly, vertex_weights
from .statistics.correspondence import make_transfer
from .statistics.population import group_weights, people
from .statistics.sources import IctFaceKit, MakeHumanHead, read_ict, read_makehuman

# Metres from a measure's landmarks within which vertices move freely, and from which they do not.
FREE, FAR = 0.03, 0.06
# What a root mean square of 1 mm of the far vertices costs, in squared standard deviations.
STILL = 3.0
# Every so manieth vertex is looked at.
STRIDE = 3
# Metres that a vertex may be off where a whole standard deviation costs as much.
TOLERANCE = 0.0005
SOURCES = (
    "Effigy Head, CC0",
    "MakeHuman / MPFB head and morph targets, CC0",
)
COMMAND = "python -m ml.training.head.sliders --data DATA"
Groups = dict[str, tuple[FloatArray, FloatArray]]


def measured_directions(model: HeadModel) -> FloatArray:
    """(M, I) coefficients of one millimetre of each of MEASURES."""
    even = np.flatnonzero(make_mirror(model).identity > 0)
    rows = slopes(model)[:, even]
    # Millimetres of a measure weigh as people differ in it.
    spread = np.linalg.norm(rows, axis=1)
    rows = rows / spread[:, None]
    found = np.zeros((len(MEASURES), model.identity_count), np.float32)
    for number, measure in enumerate(MEASURES):
        cost = np.linalg.inv(_cost(model, measure, even))
        wanted = np.zeros(len(rows))
        wanted[number] = 1 / spread[number]
        found[number, even] = cost @ rows.T @ np.linalg.solve(rows @ cost @ rows.T, wanted)
    return found


def _cost(model: HeadModel, measure: Measure, even: np.ndarray) -> np.ndarray:
    """(S, S) of changing the symmetric modes: their own size, and what moves far away."""
    used = sorted({index for span in measure.spans for index in (*span.start, *span.end)})
    own = model.points(LANDMARKS).mean[used]
    places = model.shape.mean[::STRIDE]
    distance = np.linalg.norm(places[:, None] - own, axis=2).min(1)
    share = np.clip((distance - FREE) / (FAR - FREE), 0, 1)
    moved = MILLIMETRES * model.shape.identity[even, ::STRIDE] * share[:, None]
    flat = moved.reshape(len(even), -1).astype(np.float64)
    return np.asarray(np.eye(len(even)) + STILL * flat @ flat.T / len(places))


def groups_of(head: MakeHumanHead) -> Groups:
    """(789,) weights of the groups at minus and at plus 100 per cent, by the slider's name."""
    sexes, ages = {"female": 0.5, "male": 0.5}, {"young": 0.5, "old": 0.5}
    thin, fat = (
        group_weights(head, sexes, ages, {f"averagemuscle-{end}weight": 1.0})
        for end in ("min", "max")
    )
    for weights, end in ((thin, "decr"), (fat, "incr")):
        weights[head.target_names.index(f"head/head-fat-{end}")] = 1.0
    return {
        "age": (
            group_weights(head, sexes, {"young": 1.0}),
            group_weights(head, sexes, {"old": 1.0}),
        ),
        "sex": (
            group_weights(head, {"female": 1.0}, ages),
            group_weights(head, {"male": 1.0}, ages),
        ),
        "weight": (thin, fat),
    }


def group_directions(
    data: Path, reference: HeadModel
) -> tuple[dict[str, FloatArray], dict[str, float]]:
    """(I,) coefficients of one per cent of each group, and figures: how large 100 per cent are on
    the face, and what of it the modes lack, mean mm."""
    ict, makehuman = read_ict(data), read_makehuman(data)
    face, even = ict.vertices_of("Face"), np.flatnonzero(make_mirror(reference).identity > 0)
    modes, found, figures = reference.shape.identity[even], {}, {}
    for name, field in _fields(data, ict, makehuman).items():
        values = _fitted(field, modes, vertex_weights(ict))
        left = field - np.tensordot(values, modes, 1)
        for what, each in (("size", field), ("left", left)):
            off = MILLIMETRES * np.linalg.norm(each[face], axis=1).mean()
            figures[f"{name}_{what}_mm"] = round(float(off), 3)
        found[name] = np.zeros(reference.identity_count, np.float32)
        found[name][even] = values / 100
    return found, figures


def _fields(data: Path, ict: IctFaceKit, makehuman: MakeHumanHead) -> dict[str, FloatArray]:
    """(V, 3) metres of 100 per cent of each group, on the reference's vertices, without pose."""
    transfer, face = make_transfer(data, ict, makehuman), ict.vertices_of("Face")
    fields = {}
    for name, ends in groups_of(makehuman).items():
        low, high = (transfer.carry(one) for one in people(makehuman, np.stack(ends)))
        fields[name] = (align_rigidly(high[None], low, face)[0] - low) / 2
    return fields


def _fitted(field: FloatArray, modes: FloatArray, weights: FloatArray) -> np.ndarray:
    """(S,) coefficients of (S, V, 3) modes that come closest to a field."""
    basis = (modes * weights[:, None]).reshape(len(modes), -1).astype(np.float64)
    wanted = (field * weights[:, None]).ravel()
    count = len(weights) * TOLERANCE**2
    system = basis @ basis.T / count + np.eye(len(modes)) / 50
    return np.asarray(np.linalg.solve(system, basis @ wanted / count))


def main() -> None:
    options = [file_options("data", "reference")]
    parser = argparse.ArgumentParser(description=__doc__, parents=options)
    parser.add_argument("--out", type=Path, default=ASSET)
    arguments = parser.parse_args()
    model, reference = load_head_model(), read_head_model(arguments.reference)
    groups, figures = group_directions(arguments.data, reference)
    rows = dict(zip((each.name for each in MEASURES), measured_directions(model), strict=True))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        arguments.out, **{name: row.astype(np.float32) for name, row in (rows | groups).items()}
    )
    card = write_card(
        arguments.out,
        name="Shape sliders of Effigy Head",
        licence="CC0-1.0",
        commercial_use=True,
        sources=SOURCES,
        command=COMMAND,
        details={
            "head": model.model_id,
            "head_version": model.version,
            "sliders": len(rows) + len(groups),
            "held": [each.name for each in HELD],
            **figures,
        },
    )
    print(f"{arguments.out}: {card.size / 1e3:.1f} kB, {card.details}")


if __name__ == "__main__":
    main()
