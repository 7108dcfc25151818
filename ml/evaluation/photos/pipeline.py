"""The pipeline that is measured on photos: the one that ships, or one that tests invent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ...data import FaceBox, FloatArray, Photo
from ...errors import NoFaceFound
from ...results.reconstruction import Reconstruction
from ...settings import Settings

# All faces are reconstructed, so that finding the right one and placing it well stay two figures.
EVERY_FACE = Settings(face="all", texture_size=0, hair=False)


@dataclass(frozen=True)
class Pipeline:
    """Functions from a photo, or from its path.

    Attributes
    ----------
    heads: all heads in the photo, the most prominent first.
    points: (L, 2) the network's landmarks of each face, before any fit, in MediaPipe's order
        as far as 478.
    boxes: where the faces are; empty if there is none.
    """

    heads: Callable[[Path], tuple[Reconstruction, ...]]
    points: Callable[[Path], list[FloatArray]]
    boxes: Callable[[Photo], list[FaceBox]]


def shipped_pipeline() -> Pipeline:
    """The public pipeline. It keeps the heads of the last photo, which several figures need.

    Raises
    ------
    WeightsMissing: now, and not as a face that is not found in any photo.
    """
    from ...photo.read import read_photo
    from ...pipeline.find import observe
    from ...pipeline.single import reconstruct, warm_up

    warm_up()

    @lru_cache(maxsize=1)
    def heads(path: Path) -> tuple[Reconstruction, ...]:
        return reconstruct(path, EVERY_FACE)

    def points(path: Path) -> list[FloatArray]:
        return [item.landmarks.points for item in observe(read_photo(path), EVERY_FACE)]

    def boxes(photo: Photo) -> list[FaceBox]:
        try:
            return [item.face.box for item in observe(photo, EVERY_FACE)]
        except NoFaceFound:
            return []

    return Pipeline(heads, points, boxes)
