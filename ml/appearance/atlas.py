"""The place of every texel on the mesh. It depends on the model only, so it is made once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import TypeVar

import numpy as np

from ..data import FloatArray, IntArray
from ..geometry.triangles import quad_of_triangle, triangulate_with_uv
from ..head.model import HeadModel
from ..rendering import rasterize
from .contours import Contours, contours_of

Known = TypeVar("Known", bound=np.ndarray)
# Layouts that are kept: their sizes, and what is known of each.
KEPT_LAYOUTS = 4
# Which texels show skin is decided on an atlas of this size, whatever the texture's size.
COARSE = 512


@dataclass(frozen=True, eq=False)
class Atlas:
    """The N covered texels of a model's UV layout, row 0 at the top (v = 1).

    Attributes
    ----------
    rows, columns: (N,) in the texture.
    corners: (N, 3) vertices of the triangle each lies in. weights: (N, 3) barycentric.
    part: (N,) index into the model's part names.
    mirror: (N,) index of the skin texel on the other side of the face; -1 if there is none.
    mean: (N, 3) places on the mean head, metres in head space.
    contours: their distances from the edges of eyes, brows and lips.
    """

    rows: IntArray
    columns: IntArray
    corners: IntArray
    weights: FloatArray
    part: np.ndarray
    mirror: IntArray
    mean: FloatArray
    contours: Contours

    def on(self, vertices: FloatArray) -> FloatArray:
        """(V, C) per-vertex values -> (N, C) at the texels."""
        # Imported on use, as numba takes long to load.
        from .kernels import mix

        mixed = np.empty((len(self.corners), vertices.shape[1]), np.float32)
        mix(self.corners, self.weights, np.ascontiguousarray(vertices, np.float32), mixed)
        return mixed

    def image(self, values: FloatArray, size: int) -> FloatArray:
        """(N, ...) values of texels -> (size, size, ...), 0 where there is no texel."""
        image = np.zeros((size * size, *values.shape[1:]), np.float32)
        image[_flat(self, size)] = values
        return image.reshape(size, size, *values.shape[1:])

    def of_image(self, image: FloatArray) -> FloatArray:
        """(S, S, ...) image in the layout -> (N, ...) its values at the texels."""
        return image.reshape(-1, *image.shape[2:]).take(_flat(self, image.shape[1]), axis=0)

    def of_parts(self, parts: Sequence[int]) -> IntArray:
        """Indices of the texels in any of these parts."""
        return np.flatnonzero(np.isin(self.part, parts)).astype(np.int32)


def of_layout(function: Callable[..., Known]) -> Callable[..., Known]:
    """``function`` of an atlas or a model, which is called once for each: no photo changes it.

    What it returns is kept, and cannot be written to.
    """

    @lru_cache(maxsize=KEPT_LAYOUTS)
    @wraps(function)
    def kept(*layout: object) -> Known:
        found = function(*layout)
        found.flags.writeable = False
        return found

    return kept


@of_layout
def _flat(atlas: Atlas, width: int) -> np.ndarray:
    """(N,) indices of an atlas' texels in an image of this width, row by row."""
    return atlas.rows.astype(np.intp) * width + atlas.columns


def parts_of_kind(model: HeadModel, *kinds: str, side: str = "") -> list[int]:
    """Indices of the parts named ``kind`` or ``kind_...`` (such as ``teeth_upper``).

    side: only parts whose name ends with it.
    """
    return [
        index
        for index, name in enumerate(model.part_names)
        if name.split("_")[0] in kinds and name.endswith(side)
    ]


@lru_cache(maxsize=KEPT_LAYOUTS)
def atlas_of(model: HeadModel, size: int) -> Atlas:
    """The atlas of ``model`` with ``size`` texels per side."""
    uv = model.uv
    corners, flat = triangulate_with_uv(model.quads, model.uv_quads)
    part = model.part[quad_of_triangle(model.quads)]
    places = np.column_stack([uv[:, 0] * size, (1 - uv[:, 1]) * size, np.ones(len(uv))])
    drawn = rasterize(places.astype(np.float32), flat, size, size)
    covered = np.flatnonzero(drawn.face >= 0)
    rows, columns = np.divmod(covered, size)
    face = drawn.face.ravel()[covered]
    index = np.full(size * size, -1, np.int32)
    index[covered] = np.arange(len(rows))
    # The layout is mirrored left to right, so a texel's mirror texel lies in the same row.
    skin = part[face] == model.part_names.index("skin")
    mirror = np.where(skin, index[covered + size - 1 - 2 * columns], -1)
    weights = drawn.barycentric.reshape(-1, 3)[covered]
    mean = np.einsum("nk,nkc->nc", weights, model.shape.mean[corners[face]]).astype(np.float32)
    return Atlas(
        rows.astype(np.int32),
        columns.astype(np.int32),
        corners[face],
        weights,
        part[face],
        mirror.astype(np.int32),
        mean,
        contours_of(model, mean),
    )
