"""The two public head models that Effigy Head is learned from, as plain arrays in metres."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....data import FloatArray, IntArray
from ....head.formats.ict import part_of_faces, repeat_last

CENTIMETRE, DECIMETRE = 0.01, 0.1


@dataclass(frozen=True)
class IctFaceKit:
    """ICT-FaceKit light (MIT, USC Institute for Creative Technologies), metres.

    Attributes
    ----------
    mean: (V, 3); identity: (100, V, 3) per standard deviation; expression: (53, V, 3).
    quads, uv, uv_quads: triangles repeat their last index. part: (F,) index into part_names.
    materials: (F,) name of each face's material.
    """

    mean: FloatArray
    identity: FloatArray
    expression: FloatArray
    expression_names: tuple[str, ...]
    quads: IntArray
    uv: FloatArray
    uv_quads: IntArray
    part: np.ndarray
    part_names: tuple[str, ...]
    materials: np.ndarray
    landmarks68: IntArray

    def vertices_of(self, *parts: str) -> IntArray:
        """Sorted indices of the vertices used by the faces of the named parts."""
        wanted = [self.part_names.index(name) for name in parts]
        return np.unique(self.quads[np.isin(self.part, wanted)])


def read_ict(data: Path) -> IctFaceKit:
    """Read ``head_models/ict_facekit.npz`` below ``data``."""
    with np.load(data / "head_models" / "ict_facekit.npz", allow_pickle=False) as archive:
        return IctFaceKit(
            mean=archive["neutral"] * CENTIMETRE,
            identity=archive["identity"].astype(np.float32) * CENTIMETRE,
            expression=archive["expression"].astype(np.float32) * CENTIMETRE,
            expression_names=tuple(str(name) for name in archive["expression_names"]),
            quads=repeat_last(archive["faces"]),
            uv=archive["uv"],
            uv_quads=repeat_last(archive["uv_faces"]),
            part=part_of_faces(archive["part_face_range"], len(archive["faces"])),
            part_names=tuple(str(name) for name in archive["part_names"]),
            materials=archive["materials"][archive["face_material"]],
            landmarks68=archive["landmarks68"],
        )


@dataclass(frozen=True)
class MakeHumanHead:
    """The head of MakeHuman's base mesh and its morph targets (CC0), metres.

    Attributes
    ----------
    base: (W, 3) base mesh (no average person: see population). targets: (789, W, 3) float16.
    """

    base: FloatArray
    quads: IntArray
    uv: FloatArray
    uv_quads: IntArray
    target_names: tuple[str, ...]
    target_groups: tuple[str, ...]
    targets: np.ndarray


def read_makehuman(data: Path) -> MakeHumanHead:
    """Read ``head_models/makehuman_head.npz`` below ``data``."""
    with np.load(data / "head_models" / "makehuman_head.npz", allow_pickle=False) as archive:
        return MakeHumanHead(
            base=archive["neutral"] * DECIMETRE,
            quads=repeat_last(archive["faces"]),
            uv=archive["uv"],
            uv_quads=repeat_last(archive["uv_faces"]),
            target_names=tuple(str(name) for name in archive["target_names"]),
            target_groups=tuple(str(name) for name in archive["target_group"]),
            targets=archive["target_delta"],
        )
