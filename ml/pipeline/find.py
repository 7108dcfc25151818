"""Find faces with the detector's proposals and the regressor's own second look.

The detector proposes boldly; the network judges every crop and, from where it sees the landmarks,
says where the crop should have been. Looking again there makes rough proposals exact and lets
false ones fall.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..data import FaceBox, FaceCrop, Photo, RegressorOutput
from ..photo.crop import FACE_POINTS, box_from_landmarks, crop_face

Predict = Callable[[Sequence[FaceCrop]], list[RegressorOutput]]

# A first look may be badly framed, so it only needs to be plausible.
PLAUSIBLE, CERTAIN = 0.15, 0.5
# The median sigma of the landmarks as a share of the face's extent. On labelled photos it is 0.004
# to 0.017, for near-profiles up to 0.035; where there is no face (coins, gravel) at least 0.05.
VAGUE = 0.035
# Pixels of the photo: smaller boxes tell nothing of a head, and in them letters look like faces.
SMALLEST = 28.0
LOOKS = 2
# A look is final if its frame is off by less than this share of the face's box, and its size and
# roll (radians) by less than twice that. Training frames faces more loosely than this. Measured on
# portraits and photos in the wild: half of it costs a second look at every fourth face more and
# makes their landmark errors 0.00 and 0.02 % smaller; twice as much, no second looks, 0.1 % larger.
FRAMED = 0.1


@dataclass(frozen=True)
class FoundFace:
    """A face that the network is sure of: the box of its last look and what it saw there."""

    box: FaceBox
    output: RegressorOutput


def find_faces(photo: Photo, proposals: Sequence[FaceBox], predict: Predict) -> list[FoundFace]:
    """Faces among ``proposals``, each looked at until it is framed well, ``LOOKS`` times at most;
    most certain first.

    Boxes of the result carry the network's confidence as their score.
    """
    boxes, settled = list(proposals), list[FoundFace]()
    for look in range(LOOKS):
        if not boxes:
            break
        outputs = predict([crop_face(photo, box) for box in boxes])
        seen = distinct(
            [
                FoundFace(replace(box, score=output.confidence), output)
                for box, output in zip(boxes, outputs, strict=True)
                if output.confidence >= PLAUSIBLE
            ]
        )
        done = [look == LOOKS - 1 or _framed_well(face) for face in seen]
        settled += [face for face, ready in zip(seen, done, strict=True) if ready]
        boxes = [next_box(face) for face, ready in zip(seen, done, strict=True) if not ready]
    return distinct([face for face in settled if _is_face(face)])


def _framed_well(face: FoundFace) -> bool:
    """Whether another look would hardly be framed otherwise."""
    box, better = face.box, next_box(face)
    shift = np.hypot(box.center[0] - better.center[0], box.center[1] - better.center[1])
    turn = abs((box.roll - better.roll + np.pi) % (2 * np.pi) - np.pi)
    near = shift < FRAMED * better.size and abs(np.log(box.size / better.size)) < 2 * FRAMED
    return bool(near and turn < 2 * FRAMED)


def _is_face(face: FoundFace) -> bool:
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
    """One of every group of looks that see the same face: the most confident."""
    kept: list[FoundFace] = []
    for face in sorted(faces, key=lambda item: -item.output.confidence):
        if all(not _same(face, other) for other in kept):
            kept.append(face)
    return kept


def _same(one: FoundFace, other: FoundFace) -> bool:
    """Whether two looks put their landmarks on the same spot, at about the same size."""
    centre = np.stack([face.output.landmarks.points.mean(0) for face in (one, other)])
    size = max(one.box.size, other.box.size)
    return bool(np.linalg.norm(centre[0] - centre[1]) < 0.3 * size)
