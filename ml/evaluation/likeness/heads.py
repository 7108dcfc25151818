"""Heads in photos: made now by the pipeline, or read from a folder of results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...data import Camera, Detail, HeadCoefficients, HeadMesh
from ...errors import NoFaceFound, UsageError
from ...head.levels import level_of
from ...head.mesh import blend, person_mesh, person_of
from ...head.storage import load_head_model
from ...results.detail import NORMAL_NAME
from ...results.files import JSON_NAME
from ...results.folder import head_record, photo_digest, recorded_digest
from ...results.preview import without_lashes
from ...results.provenance import check_same_model
from ...results.reconstruction import load_reconstruction
from ...settings import Settings
from .clay import ClayHead

# Detail shows best on the finest mesh, which is also what a person who looks closely would choose.
LEVEL = "high"
# A photo -> its heads by variant. Raises HeadError where it has none.
MakeHeads = Callable[[Path], Mapping[str, ClayHead]]


def made_now(mode: str) -> MakeHeads:
    """By the pipeline that ships, with this mode of detail."""
    from ...pipeline.single import reconstruct

    settings = Settings(level=LEVEL, texture_size=0, detail=mode, hair=False)

    def heads(photo: Path) -> Mapping[str, ClayHead]:
        made = reconstruct(photo, settings)[0]
        return {f"detail {mode}": clay_head(made.coefficients, made.camera, made.detail)}

    return heads


def from_results(name: str, folder: Path) -> MakeHeads:
    """From results of ``python -m ml.cli --out FOLDER``, by the bytes of their photos.

    Raises
    ------
    UsageError: there are no results in ``folder``. For a photo: its result was made with another
        head model, from whose coefficients nothing can be computed.
    """
    records = sorted(folder.rglob(JSON_NAME))
    known = {recorded_digest(head_record(path.parent)): path.parent for path in reversed(records)}
    known.pop("", None)
    if not known:
        raise UsageError(
            f"{folder} holds no results", "Name a folder that `python -m ml.cli --out` wrote"
        )

    def heads(photo: Path) -> Mapping[str, ClayHead]:
        result = known.get(photo_digest(photo))
        if result is None:
            raise NoFaceFound(f"{folder} holds no head of {photo}")
        made = load_reconstruction(result)
        check_same_model(made.provenance)
        detail, level = _with_map(made.detail, result / NORMAL_NAME), made.provenance.level
        return {name: clay_head(made.coefficients, made.camera, detail, level)}

    return heads


def all_of(makers: Iterable[MakeHeads]) -> MakeHeads:
    """The heads of several makers; a photo that one of them finds no head in has none."""
    known = list(makers)
    return lambda photo: {name: head for maker in known for name, head in maker(photo).items()}


def vertices_only(make: MakeHeads) -> MakeHeads:
    """Without normal maps: what Blender's Solid view shows."""
    return lambda photo: {
        name: replace(head, normal_map=None) for name, head in make(photo).items()
    }


def _with_map(detail: Detail | None, path: Path) -> Detail | None:
    """A detail that was read back, with its normal map if there is one."""
    if detail is None or not path.exists():
        return detail
    from PIL import Image

    with Image.open(path) as image:
        return replace(detail, normal_map=np.asarray(image.convert("RGB")))


def clay_head(
    coefficients: HeadCoefficients, camera: Camera, detail: Detail | None = None, level: str = LEVEL
) -> ClayHead:
    """What is drawn of a person; ``detail``: of the mesh of this ``level``."""
    model, mean = load_head_model(), _mean_mesh(level)
    expressed = person_of(model, coefficients).expressed
    finer = level_of(model, level)
    vertices = blend(finer.points, expressed) if finer is not None else expressed
    offsets, normal_map = (detail.offsets, detail.normal_map) if detail else (None, None)
    landmarks = model.landmark_sets["ibug68"].on(expressed)
    mesh = replace(mean, vertices_expressed=vertices)
    return ClayHead(mesh, coefficients.expression, camera, landmarks, offsets, normal_map)


def mean_face(head: ClayHead) -> ClayHead:
    """The mean person in the camera of ``head`` with its expression, without detail."""
    nobody = np.zeros(load_head_model().identity_count, np.float32)
    return clay_head(HeadCoefficients(nobody, head.expression), head.camera)


@lru_cache(maxsize=3)
def _mean_mesh(level: str) -> HeadMesh:
    """The mean person's mesh as it is drawn: without lashes."""
    model = load_head_model()
    nobody = HeadCoefficients(
        np.zeros(model.identity_count, np.float32),
        np.zeros(len(model.expression_names), np.float32),
    )
    return without_lashes(person_mesh(model, person_of(model, nobody), level))
