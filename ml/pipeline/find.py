"""Find faces: the detector proposes boxes, the regressor judges and re-frames every one.

The regressor sees from a crop whether it shows a face and where that face's landmarks are, so
where the crop should have been. A second crop there makes rough proposals exact and lets false
ones fall.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from ..data import FaceBox, FaceCrop, FoundFace, Observation, Photo, RegressorOutput
from ..photo.crop import FACE_POINTS, box_from_landmarks, crop_face
from ..photo.faces import choose, prominence
from ..settings import Settings

Face = TypeVar("Face")
Predict = Callable[[Sequence[FaceCrop]], list[RegressorOutput]]

# A first crop may be badly framed, so its face only needs to be plausible.
PLAUSIBLE, CERTAIN = 0.15, 0.5
# The median sigma of the landmarks as a share of the face's extent. On labelled photos it is 0.004
# to 0.017, for near-profiles up to 0.035; where there is no face (coins, gravel) at least 0.05.
VAGUE = 0.035
# Pixels of the photo: smaller boxes tell nothing of a head, and in them letters look like faces.
SMALLEST = 28.0
CROPS = 2
# Crops that the regressor sees at a time, for the sake of memory.
BATCH = 12
# A crop is final if its frame is off by less than this share of the face's box, and its size and
# roll (radians) by less than twice that. Training frames faces more loosely than this. Measured on
# portraits and photos in the wild: half of it costs a second crop of every fourth face more and
# makes their landmark errors 0.00 and 0.02 % smaller; twice as much, no second crops, 0.1 % larger.
FRAMED = 0.1


def observe(photo: Photo, settings: Settings) -> list[Observation]:
    """The faces that ``settings`` ask for, the most prominent first.

    Raises
    ------
    NoFaceFound: none, or not the one asked for. WeightsMissing
    """
    if settings.landmarks == "face-alignment":
        return _observe_by_alignment(photo, settings)
    faces, enhancement = _find(photo, settings.face)
    faces.sort(key=lambda face: -prominence(face.box, photo))
    return [
        Observation(faces[index], faces[index].output.landmarks, "dense", enhancement)
        for index in choose(len(faces), settings.face, photo.path)
    ]


def _find(photo: Photo, wanted: str) -> tuple[list[FoundFace], str]:
    """Faces in the photo or in an enhanced copy, and the enhancement's name."""
    from ..photo.faces import propose_faces, propose_more_faces
    from ..regressor.regressor import load_regressor

    predict = load_regressor().predict

    def search(shown: Photo) -> list[FoundFace]:
        faces = find_faces(shown, propose_faces(shown, wanted), predict)
        if not faces and shown is photo:
            faces = find_faces(shown, propose_more_faces(shown, wanted), predict)
        return faces

    return first_showing(photo, search)


def first_showing(photo: Photo, search: Callable[[Photo], list[Face]]) -> tuple[list[Face], str]:
    """What ``search`` finds in the photo, or else in the first of its ENHANCEMENTS with any face.

    Returns the faces, and the name of the enhancement; empty if there was none.
    """
    found = search(photo)
    if found:
        return found, ""
    from ..photo.enhance import ENHANCEMENTS

    for name in ENHANCEMENTS:
        found = search(enhanced(photo, name))
        if found:
            return found, name
    return [], ""


def enhanced(photo: Photo, name: str) -> Photo:
    """The photo with the enhancement of this name; with the empty name, the photo itself."""
    if not name:
        return photo
    from ..photo.enhance import ENHANCEMENTS

    return replace(photo, rgb=ENHANCEMENTS[name](photo.rgb))


def _observe_by_alignment(photo: Photo, settings: Settings) -> list[Observation]:
    """face-alignment finds the faces and their 68 points; the regressor gives the first guess."""
    from ..photo.face_alignment_source import FaceAlignmentSource
    from ..regressor.regressor import load_regressor

    source = FaceAlignmentSource(allow_download=settings.allow_download)
    found, enhancement = first_showing(photo, source.detect)
    found = sorted(found, key=lambda face: -prominence(face.box, photo))
    chosen = [found[index] for index in choose(len(found), settings.face, photo.path)]
    shown = enhanced(photo, enhancement)
    outputs = load_regressor().predict([crop_face(shown, face.box) for face in chosen])
    return [
        Observation(
            FoundFace(replace(face.box, score=output.confidence), output),
            face.landmarks,
            "ibug68",
            enhancement,
        )
        for face, output in zip(chosen, outputs, strict=True)
    ]


def find_faces(photo: Photo, proposals: Sequence[FaceBox], predict: Predict) -> list[FoundFace]:
    """Faces among ``proposals``, the most certain first.

    Every proposal is cropped again until it is framed well, ``CROPS`` times at most. Boxes of the
    result carry the network's confidence as their score.
    """
    boxes, settled = list(proposals), list[FoundFace]()
    for crop in range(CROPS):
        if not boxes:
            break
        outputs = [
            output
            for start in range(0, len(boxes), BATCH)
            for output in predict([crop_face(photo, box) for box in boxes[start : start + BATCH]])
        ]
        seen = distinct(
            [
                FoundFace(replace(box, score=output.confidence), output)
                for box, output in zip(boxes, outputs, strict=True)
                if output.confidence >= PLAUSIBLE
            ]
        )
        done = [crop == CROPS - 1 or _framed_well(face) for face in seen]
        settled += [face for face, ready in zip(seen, done, strict=True) if ready]
        boxes = [next_box(face) for face, ready in zip(seen, done, strict=True) if not ready]
    return distinct([face for face in settled if is_face(face)])


def _framed_well(face: FoundFace) -> bool:
    """Whether another crop would hardly be framed otherwise."""
    box, better = face.box, next_box(face)
    shift = np.hypot(box.center[0] - better.center[0], box.center[1] - better.center[1])
    turn = abs((box.roll - better.roll + np.pi) % (2 * np.pi) - np.pi)
    near = shift < FRAMED * better.size and abs(np.log(box.size / better.size)) < 2 * FRAMED
    return bool(near and turn < 2 * FRAMED)


def is_face(face: FoundFace) -> bool:
    """Whether the network both says that it sees a face and knows where its points are."""
    landmarks = face.output.landmarks
    extent = float(np.ptp(landmarks.points[:FACE_POINTS], axis=0).max())
    vagueness = float(np.median(landmarks.sigma[:FACE_POINTS])) / max(extent, 1e-6)
    sure = face.output.confidence >= CERTAIN and vagueness < VAGUE
    return sure and face.box.size >= SMALLEST


def next_box(face: FoundFace) -> FaceBox:
    """Where the network says the crop should have been."""
    return box_from_landmarks(face.output.landmarks.points)


def distinct(faces: list[FoundFace]) -> list[FoundFace]:
    """The most confident of every group of crops that show the same face."""
    kept: list[FoundFace] = []
    for face in sorted(faces, key=lambda item: -item.output.confidence):
        if all(not _same(face, other) for other in kept):
            kept.append(face)
    return kept


def _same(one: FoundFace, other: FoundFace) -> bool:
    """Whether two crops have their landmarks on the same spot, at about the same size."""
    centre = np.stack([face.output.landmarks.points.mean(0) for face in (one, other)])
    size = max(one.box.size, other.box.size)
    return bool(np.linalg.norm(centre[0] - centre[1]) < 0.3 * size)
