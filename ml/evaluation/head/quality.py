"""The head model in figures: which people it represents, how it is built, and what touches what.

    python -m ml.evaluation head --data DATA

Needs the reference head that training makes: ICT-FaceKit's and MakeHuman's people are given on its
vertices.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ...data import FloatArray
from ...geometry import MILLIMETRES
from ...geometry.alignment import best_rigid
from ...geometry.mirror import mirror_twins
from ...head.conversion.convert import convert
from ...head.conversion.correspondence import find_correspondence
from ...head.formats.ict import load_ict_facekit
from ...head.model import HeadModel, LinearShape
from ...head.storage import EFFIGY_HEAD, load_head_model, read_head_model
from ...head.surface import nearest_on_triangles, skin_triangles
from ...training.head.statistics.anthropometry import head_measures, survey_means
from ...training.head.statistics.reference import learn_identity
from ...training.head.statistics.sources import read_ict
from ..benchmark import Outcome
from ..speed.clock import milliseconds
from ..synthetic.kept_out import KeptOut, add_kept_out_options
from ..synthetic.people import random_people
from ..synthetic.reference import Reference, make_reference
from ..synthetic.shape import face_of
from .contact import measure_contact
from .mouth import measure_mouth
from .topology import measure_topology
from .uv import measure_uv

SEED = 77
MODES = (160, 40)
EXPLAINED = (10, 20, 40, 80, 160)
# Points of the frontal face that are measured on every person.
POINTS = 1500
# Metres that a fitted vertex may be off where a whole standard deviation costs as much.
TOLERANCE = 0.0002
# Random heads that are converted to another model.
CONVERTED = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_out_options(parser, people=200)


def run(arguments: argparse.Namespace) -> Outcome:
    figures = measure(KeptOut.of(arguments))
    return Outcome(json.dumps(figures, indent=1), figures)


def measure(kept_out: KeptOut) -> dict[str, Any]:
    """All figures, by name; the modes are tried on so many people of each source."""
    model, data = load_head_model(), kept_out.data
    reference = make_reference(kept_out.head)
    return {
        "topology": measure_topology(model),
        "uv": measure_uv(model),
        "contact": measure_contact(model),
        "mouth": measure_mouth(model),
        "speed": measure_speed(model),
        "explained_variance": explained_variance(reference.head, data),
        "niosh_mm": against_survey(reference.head, data),
        "represents": what_it_represents(model, reference, data, kept_out.people),
        "to_ict_facekit_mm": measure_conversion(
            model, data / "head_models" / "ict_facekit.npz", CONVERTED
        ),
    }


def explained_variance(reference: HeadModel, data: Path) -> dict[str, float]:
    """Share of the training people's area-weighted variance by number of modes, learned again.

    Also how far the modes found lie from the ``reference``'s own, in mm, at most.
    """
    found = learn_identity(data, read_ict(data))
    off = np.abs(np.abs(found.modes) - np.abs(reference.shape.identity)).max()
    shares = {f"{count} modes": float(found.explained[count - 1]) for count in EXPLAINED}
    return shares | {"off_the_reference_mm": MILLIMETRES * float(off)}


def against_survey(reference: HeadModel, data: Path) -> dict[str, dict[str, float]]:
    """Every caliper measure on the mean head, in the NIOSH survey, and how many per cent apart.

    On the reference's vertices, whose surface our mesh samples.
    """
    mean = reference.shape.mean

    def vertices(*parts: str) -> np.ndarray:
        chosen = [reference.part_names.index(part) for part in parts]
        return np.unique(reference.quads[np.isin(reference.part, chosen)])

    measures = head_measures(
        mean,
        vertices("Face", "Head and Neck"),
        (vertices("Eyeball right"), vertices("Eyeball left")),
        reference.landmark_sets["ibug68"],
        mirror_twins(mean),
    )
    survey, rows = survey_means(data), {}
    for measure in measures:
        ours, theirs = measure.of(mean), survey[measure.name]
        rows[measure.name] = {"head": ours, "survey": theirs, "off_%": 100 * (ours / theirs - 1)}
    return rows


def what_it_represents(
    model: HeadModel, reference: Reference, data: Path, people: int
) -> dict[str, dict[str, float]]:
    """Mean distance in mm from people's frontal faces to the closest head of the model."""
    rng = np.random.default_rng(SEED)
    face = np.flatnonzero(face_of(reference.regions))
    triangles = skin_triangles(model)
    rows: dict[str, list[dict[str, float]]] = {}
    crowd = random_people(data, 2 * people, rng)
    for source, person, _ in tqdm(crowd, desc="people", leave=False):
        some = rng.choice(face, min(POINTS, len(face)), replace=False)
        row = {}
        for count in (0, *MODES):
            identity, placed = closest_head(reference.head.shape, person, face, count)
            surface = model.shape.neutral(identity)
            found = nearest_on_triangles(surface, triangles, placed[some]).on(surface)
            off = np.linalg.norm(found - placed[some], axis=1)
            row[f"{count} modes" if count else "mean face"] = MILLIMETRES * float(off.mean())
        rows.setdefault(source, []).append(row)
    return {
        source: {name: float(np.mean([item[name] for item in found])) for name in found[0]}
        for source, found in rows.items()
    }


def closest_head(
    shape: LinearShape, person: FloatArray, face: np.ndarray, count: int
) -> tuple[FloatArray, np.ndarray]:
    """The identity (I,) of ``count`` modes that is closest to the ``face`` (indices) of a
    person (V, 3), and the person where that head lies."""
    basis = shape.identity[:count, face].reshape(count, 3 * len(face)).astype(np.float64)
    identity = np.zeros(len(shape.identity), np.float32)
    placed = person.astype(np.float64)
    system = basis @ basis.T / TOLERANCE**2 + np.eye(count)
    for _ in range(4):
        # Metric heads: pose only, no scale.
        goal = shape.neutral(identity)[face].astype(np.float64)
        placed = best_rigid(placed[face], goal).apply(placed)
        if count:
            wanted = (placed - shape.mean)[face].reshape(-1) / TOLERANCE**2
            identity[:count] = np.linalg.solve(system, basis @ wanted)
    return identity, placed


def measure_speed(model: HeadModel) -> dict[str, float]:
    """Milliseconds, best of several: loading, beside numpy's own reading; 64 heads at once."""
    plain = milliseconds(lambda: dict(np.load(EFFIGY_HEAD)), 5)
    load = milliseconds(lambda: read_head_model(EFFIGY_HEAD), 5)
    rng = np.random.default_rng(0)
    identity = rng.normal(size=(64, model.identity_count)).astype(np.float32)
    expression = rng.random((64, len(model.expression_names))).astype(np.float32)
    return {
        "size_mb": EFFIGY_HEAD.stat().st_size / 1e6,
        "load_ms": load.min(),
        "plain_read_ms": plain.min(),
        "heads_64_ms": milliseconds(lambda: model.shape.batch(identity, expression), 7).min(),
    }


def measure_conversion(model: HeadModel, ict_file: Path, people: int) -> float:
    """Mean distance in mm of ``people`` random heads from what ICT-FaceKit makes of them."""
    target = load_ict_facekit(ict_file)
    pair = find_correspondence(model, target)
    rng = np.random.default_rng(SEED)
    found = []
    for _ in tqdm(range(people), desc="conversion", leave=False):
        identity = np.clip(rng.normal(size=model.identity_count), -2.5, 2.5).astype(np.float32)
        found.append(convert(model.shape.neutral(identity), pair, target).mean_mm)
    return float(np.mean(found))
