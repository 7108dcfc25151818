"""What the head model is worth: which people it can be, how it is built, and what touches what.

    python -m ml.evaluation head --data ../shared/data

Needs the reference head that training makes (out/head/reference.npz): ICT-FaceKit's and
MakeHuman's people are given on its vertices.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ...data import FloatArray
from ...geometry import MILLIMETRES
from ...geometry.alignment import best_similarity
from ...geometry.mirror import mirror_twins
from ...head.conversion.convert import convert
from ...head.conversion.correspondence import find_correspondence
from ...head.formats.ict import load_ict_facekit
from ...head.model import HeadModel
from ...head.storage import EFFIGY_HEAD, load_head_model
from ...head.surface import nearest_on_triangles, skin_triangles
from ...training.head.statistics.anthropometry import head_measures, survey_means
from ...training.head.statistics.reference import learn_identity
from ...training.head.statistics.sources import read_ict
from ..synthetic.heads import REGIONS, Ruler, make_ruler
from ..synthetic.people import random_people
from .contact import measure_contact
from .topology import measure_topology
from .uv import measure_uv

SEED = 77
MODES = (160, 40)
EXPLAINED = (10, 20, 40, 80, 160)
# Points of the frontal face that are measured on every person.
POINTS = 1500
# Metres that a fitted vertex may be off where a whole standard deviation costs as much.
TOLERANCE = 0.0002


def measure_head(data: Path, reference: Path, people: int) -> dict[str, Any]:
    """All figures, by name. ``people``: how many of each source the modes are tried on."""
    model, ruler = load_head_model(), make_ruler(load_head_model(reference))
    figures: dict[str, Any] = {"topology": measure_topology(model), "uv": measure_uv(model)}
    figures["contact"] = measure_contact(model)
    figures["speed"] = measure_speed(model)
    figures["explained_variance"] = explained_variance(ruler.reference, data)
    figures["niosh_mm"] = against_survey(ruler.reference, data)
    return figures | {"represents": what_it_represents(model, ruler, data, people)}


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
        reference.embeddings["ibug68"],
        mirror_twins(mean),
    )
    survey, rows = survey_means(data), {}
    for measure in measures:
        ours, theirs = measure.of(mean), survey[measure.name]
        rows[measure.name] = {"head": ours, "survey": theirs, "off_%": 100 * (ours / theirs - 1)}
    return rows


def what_it_represents(
    model: HeadModel, ruler: Ruler, data: Path, people: int
) -> dict[str, dict[str, float]]:
    """Mean distance in mm from people's frontal faces to the closest head of the model."""
    rng = np.random.default_rng(SEED)
    face = np.flatnonzero(np.any([ruler.regions[name] for name in REGIONS], axis=0))
    triangles = skin_triangles(model)
    rows: dict[str, list[dict[str, float]]] = {}
    crowd = random_people(data, 2 * people, rng)
    for source, person, _ in tqdm(crowd, desc="people", leave=False):
        some = rng.choice(face, min(POINTS, len(face)), replace=False)
        row = {"mean face": _distance(model, triangles, ruler, person, some, face, 0)}
        for count in MODES:
            row[f"{count} modes"] = _distance(model, triangles, ruler, person, some, face, count)
        rows.setdefault(source, []).append(row)
    return {
        source: {name: float(np.mean([item[name] for item in found])) for name in found[0]}
        for source, found in rows.items()
    }


def _distance(
    model: HeadModel,
    triangles: np.ndarray,
    ruler: Ruler,
    person: FloatArray,
    some: np.ndarray,
    face: np.ndarray,
    count: int,
) -> float:
    """Fitted to all vertices of the ``face``, measured at ``some`` of them."""
    shape = ruler.reference.shape
    basis = shape.identity[:count, face].reshape(count, 3 * len(face)).astype(np.float64)
    identity = np.zeros(model.identity_count, np.float32)
    placed = person.astype(np.float64)
    system = basis @ basis.T / TOLERANCE**2 + np.eye(count)
    for _ in range(4):
        place = best_similarity(placed[face], shape.neutral(identity)[face].astype(np.float64))
        # Metric heads: pose only, no scale.
        centre = placed[face].mean(0)
        placed = (placed - centre) @ place.rotation.T + shape.neutral(identity)[face].mean(0)
        if not count:
            continue
        wanted = (placed - shape.mean)[face].reshape(-1) / TOLERANCE**2
        identity[:count] = np.linalg.solve(system, basis @ wanted)
    surface = model.shape.neutral(identity)
    found = nearest_on_triangles(surface, triangles, placed[some]).on(surface)
    return MILLIMETRES * float(np.linalg.norm(found - placed[some], axis=1).mean())


def measure_speed(model: HeadModel) -> dict[str, float]:
    """Milliseconds, best of several: loading, beside numpy's own reading; 64 heads at once."""
    plain = _best(lambda: dict(np.load(EFFIGY_HEAD)), 5)
    load = _best(lambda: load_head_model.__wrapped__(EFFIGY_HEAD), 5)
    rng = np.random.default_rng(0)
    identity = rng.normal(size=(64, model.identity_count)).astype(np.float32)
    expression = rng.random((64, len(model.expression_names))).astype(np.float32)
    return {
        "size_mb": EFFIGY_HEAD.stat().st_size / 1e6,
        "load_ms": load,
        "plain_read_ms": plain,
        "heads_64_ms": _best(lambda: model.shape.batch(identity, expression), 7),
    }


def _best(action: Any, times: int) -> float:
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        action()
        found.append(1000 * (time.perf_counter() - begun))
    return min(found)


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
