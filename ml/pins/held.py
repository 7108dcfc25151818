"""The pinned points of all photos: the model there, and how the layer's bumps reach them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..data import Camera, HeadCoefficients
from ..head.layer import Layer, bumps
from ..head.model import HeadModel, SurfacePoints
from .pins import Pins, points_of, positions_of
from .projection import Bases, by_place, pixels_of


@dataclass(frozen=True)
class Seen:
    """Where P pinned points fall: (P, 2) pixels, and (P, 2, 3) their derivative by place."""

    pixels: np.ndarray
    slopes: np.ndarray


class HeldPoints:
    """The P points that are pinned, photo by photo; where they are put may change.

    Attributes
    ----------
    points: all of them. bumps: (P, V), see ml.head.layer. near: (P, P) how far each point follows
    each bump.
    """

    def __init__(self, model: HeadModel, pins: Pins) -> None:
        self.points = _points(model, pins)
        self.bumps = bumps(model, self.points)
        # The surface between vertices is flat, so a point follows its triangle's corners.
        corners = self.bumps[:, self.points.corners] * self.points.weights
        self.near = corners.sum(-1).T.astype(np.float64)
        self._rows, self._bases, start = list[slice](), list[Bases](), 0
        for photo in pins.photos:
            rows = slice(start, start + len(photo.pins))
            self._rows.append(rows)
            self._bases.append(Bases.at(model, self.points.take(rows)))
            start = rows.stop

    def are_of(self, model: HeadModel, pins: Pins) -> bool:
        """Whether ``pins`` hold the same points in the same photos."""
        points, counts = _points(model, pins), [len(photo.pins) for photo in pins.photos]
        return (
            counts == [rows.stop - rows.start for rows in self._rows]
            and np.array_equal(points.corners, self.points.corners)
            and np.array_equal(points.weights, self.points.weights)
        )

    def photos(self) -> Iterator[tuple[int, slice, Bases]]:
        """Photos that have pins: number, rows of its pins among all, the model at them."""
        for photo, (rows, bases) in enumerate(zip(self._rows, self._bases, strict=True)):
            if rows.stop > rows.start:
                yield photo, rows, bases

    def seen(
        self,
        heads: Sequence[HeadCoefficients],
        cameras: Sequence[Camera],
        heights: np.ndarray | None = None,
    ) -> Seen:
        """Where the points fall, by the head and camera of each photo.

        heights: (P, 3) of the layer's bumps; None: there is no layer.
        """
        pixels, slopes = np.empty((len(self.points), 2)), np.empty((len(self.points), 2, 3))
        moved = np.zeros((len(self.points), 3)) if heights is None else self.near @ heights
        for photo, rows, bases in self.photos():
            places = bases.places(heads[photo]) + moved[rows]
            pixels[rows] = pixels_of(cameras[photo], places)
            slopes[rows] = by_place(cameras[photo], places)
        return Seen(pixels, slopes)

    def gram(self, slopes: np.ndarray) -> np.ndarray:
        """(2 P, 2 P) how far the pixels of each point follow a pull at each other's.

        slopes: see :class:`Seen`.
        """
        pulls = np.einsum("iak,ij,jbk->iajb", slopes, self.near, slopes)
        return np.asarray(pulls.reshape(2 * len(slopes), -1))

    def closed(self, seen: Seen, target: np.ndarray, heights: np.ndarray) -> np.ndarray:
        """(P, 3) ``heights`` of the layer's bumps, changed so that the points reach ``target``.

        Of all such changes, the one of the smallest norm; where pins contradict each other, the
        best in least squares.
        """
        # A point that is pinned in two photos has twice the same bump: the system is singular.
        gram = self.gram(seen.slopes)
        pulls = np.linalg.lstsq(gram, (target - seen.pixels).ravel(), rcond=1e-7)[0]
        return heights + (seen.slopes * pulls.reshape(-1, 2, 1)).sum(1)

    def layer(self, heights: np.ndarray) -> Layer:
        """The layer with bumps of these (P, 3) heights."""
        return Layer(self.points, heights.astype(np.float32))


def targets_of(pins: Pins) -> np.ndarray:
    """(P, 2) pixels that the pins hold, in the order of :class:`HeldPoints`."""
    return positions_of([pin for photo in pins.photos for pin in photo.pins])


def _points(model: HeadModel, pins: Pins) -> SurfacePoints:
    return points_of([pin for photo in pins.photos for pin in photo.pins], model)
