"""Build the *reference* head: Effigy's statistics on ICT-FaceKit's vertices.

    python -m ml.training.head.statistics.reference --data ../shared/data

The reference is never shipped. The shipped layout samples it (see build.py), and the regressor
trains on it, so a better layout keeps the meaning of every coefficient.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ....data import FloatArray
from ....geometry.mirror import mirror_twins
from ....head.arkit import EXPRESSION_NAMES
from ....head.formats.ict import arkit_expressions as ict_arkit
from ....head.model import HeadModel, LinearShape
from ....head.storage import save_head_model
from ....head.tongue import TONGUE_OUT_JAW
from ...arguments import file_options
from ..gaze import gaze
from ..landmarks.sets import reference_landmark_sets
from .anthropometry import head_measures, moved_to, survey_means
from .components import (
    IdentityModes,
    align_rigidly,
    identity_modes,
    mirrored,
    vertex_weights,
)
from .correspondence import make_transfer
from .population import average_weights, people, people_weights
from .sources import IctFaceKit, read_ict, read_makehuman

MODEL_ID, MODEL_VERSION = "effigy-head", "2"
IDENTITY_MODES = 160
MAKEHUMAN_PEOPLE = 1000
MAKEHUMAN_SHARE = 0.4
SEED = 20


def learn_identity(data: Path, ict: IctFaceKit) -> IdentityModes:
    """Identity modes of both populations together."""
    makehuman = read_makehuman(data)
    transfer = make_transfer(data, ict, makehuman)
    rng = np.random.default_rng(SEED)
    average = transfer.carry(people(makehuman, average_weights(makehuman)[None])[0])
    crowd = people(makehuman, people_weights(makehuman, MAKEHUMAN_PEOPLE, rng))
    carried = np.stack([transfer.carry(person) for person in crowd])
    face = ict.vertices_of("Face")
    # Pose first against the average, then the average (and its people) against ICT's mean.
    carried = align_rigidly(carried, average, face)
    onto_ict = align_rigidly(np.stack([average, *carried]), ict.mean, face)
    made = onto_ict[1:] - onto_ict[0]
    made = (made - made.mean(0)) * np.sqrt(MAKEHUMAN_SHARE / MAKEHUMAN_PEOPLE)
    scanned = ict.identity * np.sqrt(1 - MAKEHUMAN_SHARE)
    deviations = np.concatenate([scanned, made.astype(np.float32)])
    opposite = mirror_twins(ict.mean)
    return identity_modes(deviations, opposite, vertex_weights(ict), IDENTITY_MODES)


def expressions(ict: IctFaceKit) -> FloatArray:
    """(52, V, 3): ICT's 53 under ARKit's names, and a tongueOut that only lowers the jaw.

    Eyeballs turn (gaze.py), so that pictures of the reference show where it looks. The tongue
    itself is added to our own mesh (build.py): ICT's is one piece with the gums.
    """
    names, deltas = ict_arkit(np.array(ict.expression_names), ict.expression)
    found = dict(zip(names, deltas, strict=True))
    found["tongueOut"] = TONGUE_OUT_JAW * found["jawOpen"]
    for side in ("left", "right"):
        ball = ict.vertices_of(f"Eyeball {side}")
        for name, moves in gaze(ict.mean[ball], side).items():
            found[name] = found[name].copy()
            found[name][ball] += moves
    return np.stack([found[name] for name in EXPRESSION_NAMES])


def build_reference(data: Path) -> tuple[HeadModel, IdentityModes]:
    """The reference head model and how much variance its modes explain."""
    ict = read_ict(data)
    opposite = mirror_twins(ict.mean)
    modes = learn_identity(data, ict)
    mean = ((ict.mean + mirrored(ict.mean, opposite)) / 2).astype(np.float32)
    landmark_sets = reference_landmark_sets(data, ict, mean)
    measures = head_measures(
        mean,
        ict.vertices_of("Face", "Head and Neck"),
        (ict.vertices_of("Eyeball right"), ict.vertices_of("Eyeball left")),
        landmark_sets["ibug68"],
        opposite,
    )
    even = modes.modes * modes.symmetric[:, None, None]
    mean, _ = moved_to(mean, even, measures, survey_means(data))
    model = HeadModel(
        model_id=MODEL_ID,
        version=MODEL_VERSION,
        licence="CC0-1.0",
        shape=LinearShape(mean, modes.modes, expressions(ict)),
        expression_names=EXPRESSION_NAMES,
        quads=ict.quads,
        uv=ict.uv,
        uv_quads=ict.uv_quads,
        part=ict.part,
        part_names=ict.part_names,
        landmark_sets=landmark_sets,
    )
    return model, modes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, parents=[file_options("data")])
    parser.add_argument("--out", type=Path, default=Path("out/head/reference.npz"))
    arguments = parser.parse_args()
    model, modes = build_reference(arguments.data)
    save_head_model(model, arguments.out)
    shares = ", ".join(f"{n}: {modes.explained[n - 1]:.4f}" for n in (10, 20, 40, 80))
    print(f"{arguments.out}: {model.vertex_count} vertices, {model.identity_count} modes")
    print(f"explained variance by number of modes: {shares}")
    print(f"antisymmetric modes: {np.count_nonzero(~modes.symmetric)}")


if __name__ == "__main__":
    main()
