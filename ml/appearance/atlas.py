"""The place of every texel on the mesh. It depends on the model only, so it is made once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, wraps
from typing import TypeVar, cast

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
    rows, columns: (N,) in the texture, or of a part of an atlas in its window.
    corners: (N, 3) vertices of the triangle each lies in. weights: (N, 3) barycentric.
    part: (N,) index into the model's part names.
    mirror: (N,) index of the skin texel on the other side of the face; -1 if there is none.
    mean: (N, 3) places on the mean head, metres in head space.
    contours: their distances from the edges of eyes, brows and lips.
    whole, chosen, window: of a part of an atlas, see ``only``: that atlas, the (N,) indices in it,
        and height and width of the images of its values.
    """

    rows: IntArray
    columns: IntArray
    corners: IntArray
    weights: FloatArray
    part: np.ndarray
    mirror: IntArray
    mean: FloatArray
    contours: Contours
    whole: Atlas | None = None
    chosen: IntArray | None = None
    window: tuple[int, int] | None = None

    def only(self, chosen: IntArray, margin: int) -> Atlas:
        """The atlas of the (N',) ``chosen`` texels: what a photo does not show costs no time.

        margin: texels around them in images of their values, for filters that reach so far.
        """
        rows, columns = (
            along[chosen] - (along[chosen].min() - margin) for along in (self.rows, self.columns)
        )
        return Atlas(
            rows,
            columns,
            self.corners.take(chosen, 0),
            self.weights.take(chosen, 0),
            self.part[chosen],
            np.full(len(chosen), -1, np.int32),
            self.mean.take(chosen, 0),
            self.contours.only(chosen),
            self,
            chosen,
            (int(rows.max()) + margin + 1, int(columns.max()) + margin + 1),
        )

    def on_whole(self, values: FloatArray) -> FloatArray:
        """(N, ...) values of texels -> the same at those of the whole atlas, 0 elsewhere."""
        if self.whole is None or self.chosen is None:
            return values
        found = np.zeros((len(self.whole.rows), *values.shape[1:]), values.dtype)
        found[self.chosen] = values
        return found

    def on(self, vertices: FloatArray) -> FloatArray:
        """(V, C) per-vertex values -> (N, C) at the texels."""
        # Imported on use, as numba takes long to load.
        from .kernels import mix

        mixed = np.empty((len(self.corners), vertices.shape[1]), np.float32)
        mix(self.corners, self.weights, np.ascontiguousarray(vertices, np.float32), mixed)
        return mixed

    def image(self, values: FloatArray, size: int, fill: float = 0) -> FloatArray:
        """(N, ...) values of texels -> (size, size, ...), ``fill`` where there is no texel.

        Of a part of an atlas, the image has the size of its window.
        """
        height, width = self.window or (size, size)
        image = np.full((height * width, *values.shape[1:]), fill, np.float32)
        image[self._places(width)] = values
        return image.reshape(height, width, *values.shape[1:])

    def of_image(self, image: FloatArray) -> FloatArray:
        """An image as of :meth:`image` -> (N, ...) its values at the texels."""
        return image.reshape(-1, *image.shape[2:]).take(self._places(image.shape[1]), axis=0)

    def _places(self, width: int) -> np.ndarray:
        """(N,) indices of the texels in an image of this width, row by row."""
        return _flat(self, width) if self.window is None else self._in_window

    @cached_property
    def _in_window(self) -> np.ndarray:
        assert self.window is not None
        return _row_by_row(self, self.window[1])

    def of_parts(self, parts: Sequence[int]) -> IntArray:
        """Indices of the texels in any of these parts."""
        return np.flatnonzero(np.isin(self.part, parts)).astype(np.int32)


def of_layout(function: Callable[..., Known]) -> Callable[..., Known]:
    """``function`` of an atlas or a model, which is called once for each: no photo changes it.

    What it returns has a row for each texel; it is kept, and cannot be written to. For a part of an
    atlas, what is known of the whole is taken.
    """

    @lru_cache(maxsize=KEPT_LAYOUTS)
    def kept(*layout: object) -> Known:
        found = function(*layout)
        found.flags.writeable = False
        return found

    @wraps(function)
    def known(*layout: object) -> Known:
        part = next((one for one in layout if isinstance(one, Atlas)), None)
        if part is None or part.chosen is None:
            return kept(*layout)
        found = kept(*(part.whole if one is part else one for one in layout))
        return cast(Known, found.take(part.chosen, axis=0))

    return known


@of_layout
def _flat(atlas: Atlas, width: int) -> np.ndarray:
    return _row_by_row(atlas, width)


def _row_by_row(atlas: Atlas, width: int) -> np.ndarray:
    """(N,) indices of an atlas' texels in an image of this width."""
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
