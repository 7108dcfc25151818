"""Rendered people, untouched and spoiled, with what is measured on them and the true error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...data import ByteArray, FloatArray, Photo
from ...errors import HeadError
from ...fitting.measures import Measures
from ...pipeline.fit import Fitted, fit_photo
from ..benchmark import ONE_FACE
from ..synthetic.kept_out import KeptOut
from ..synthetic.people import Crowd, RenderedView, rendered_views
from ..synthetic.reference import Reference, make_reference
from ..synthetic.shape import ShapeError, shape_error
from .spoil import SPOILS

UNTOUCHED, *KINDS = SPOILS
SEED = 4242
# One view in each span of yaw, either way, to where half of the face is hidden.
YAWS = ((0, 12), (12, 30), (30, 60), (55, 80))


@dataclass(frozen=True)
class TrustRow:
    """One picture of a person.

    Attributes
    ----------
    person: number. yaw: degrees. kind: of spoil.SPOILS.
    measures: of the face; None where none was found. vagueness and identity (I,) stand for one
    photo of a person among several. shape: error of the neutral face.
    """

    person: int
    yaw: float
    kind: str
    measures: Measures | None = None
    identity: FloatArray | None = None
    shape: ShapeError | None = None

    @property
    def ratio(self) -> float:
        """Error over the mean face's."""
        assert self.shape is not None
        return self.shape.mean / self.shape.mean_baseline


def measure_people(kept_out: KeptOut) -> list[TrustRow]:
    """Rows of random people: each view untouched, and spoiled in two ways. Raises UsageError."""
    views = rendered_views(kept_out, Crowd(seed=SEED, yaws=YAWS))
    return list(measure_views(views, make_reference(kept_out.head)))


def measure_views(views: Iterable[RenderedView], reference: Reference) -> Iterator[TrustRow]:
    """Three rows a view; the kinds take turns."""
    rng, count = np.random.default_rng(SEED), len(KINDS)
    for number, whole in enumerate(views):
        view = replace(whole, rendering=None)
        second = (number + count // 2 + number // count) % count
        for kind in (UNTOUCHED, KINDS[number % count], KINDS[second]):
            yield _row(view, kind, SPOILS[kind](view.rgb, view.points, rng), reference)


def _row(view: RenderedView, kind: str, rgb: ByteArray, reference: Reference) -> TrustRow:
    row = TrustRow(view.person, view.yaw, kind)
    try:
        fitted = fit_photo(Photo(rgb, Path("synthetic.png"), ""), ONE_FACE)
    except HeadError:
        return row
    return measured(row, fitted, view.neutral, reference)


def measured(row: TrustRow, fitted: Fitted, true: FloatArray, reference: Reference) -> TrustRow:
    """The row with the measures of the head ``fitted``, and its error."""
    shape, identity = reference.head.shape, fitted.fit.coefficients.identity
    error = shape_error(shape.neutral(identity), true, shape.mean, reference.regions)
    return replace(row, measures=fitted.measures, identity=identity, shape=error)
