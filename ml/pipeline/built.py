"""Whole heads from a file of coefficients and the photos, as a direct run makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..data import Photo
from ..errors import HeadError
from ..head.mesh import person_of
from ..head.storage import load_head_model
from ..results.columns import unusable
from ..results.estimate import COLUMNS, Estimate, estimate_of
from ..results.joined import open_columns
from ..results.provenance import check_same_model
from ..results.reconstruction import Reconstruction
from ..settings import Settings
from .sight import Sight
from .single import assemble, dressed, ignore_progress, warm_up
from .timing import Clock
from .upright import quarters_in, turned


@dataclass(frozen=True)
class FromFile:
    """Heads from the coefficients in ``file``; rows: of each photo's faces, by its path."""

    file: Path
    rows: Mapping[Path, Sequence[int]] = field(default_factory=dict)

    def __call__(self, photo: Path, settings: Settings) -> tuple[Reconstruction, ...]:
        """The heads of a photo, one for each of its rows.

        Raises
        ------
        HeadError: the photo is gone or has changed, the file is damaged or of another head model.
        ImageUnreadable, WeightsMissing, ModelUnreadable, EngineUnavailable
        """
        estimates = read_estimates(self.file, self.rows[photo])
        check_same_model(estimates[0].provenance)
        shown = _photo_of(photo, estimates[0])
        warm_up(settings)
        return tuple(_head(shown, estimate, settings) for estimate in estimates)


def read_estimates(file: Path, rows: Sequence[int]) -> list[Estimate]:
    """The faces in these rows of a file of coefficients. HeadError: it cannot be read."""
    columns = open_columns(file)
    try:
        table = {name: columns.read(name, np.array(rows)) for name in COLUMNS}
        return [
            estimate_of({name: values[index] for name, values in table.items()}, columns.about)
            for index in range(len(rows))
        ]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise unusable(file, error) from error


def _photo_of(path: Path, estimate: Estimate) -> Photo:
    """The photo, turned as the face was found in it. HeadError: it is gone or has changed."""
    from ..photo.read import read_photo

    if not path.exists():
        raise HeadError(f"{path} is not there", "Name the folder where the photos are by --photos")
    photo, origin = read_photo(path), estimate.provenance
    photo = turned(photo, quarters_in(origin.orientation_refused))
    size = photo.width, photo.height
    if photo.sha256 != origin.photo_sha256 or size != (origin.width, origin.height):
        raise HeadError(
            f"{path} is not the photo that its coefficients were made from",
            "Put the photo back, or make the coefficients anew with --write coefficients",
        )
    return photo


def _head(photo: Photo, estimate: Estimate, settings: Settings) -> Reconstruction:
    clock = Clock()
    origin = replace(
        estimate.provenance, photo_name=photo.path.name, photo_path=str(photo.path.absolute())
    )
    with clock.step("assemble"):
        person = person_of(load_head_model(), estimate.coefficients)
        head = assemble(replace(estimate, provenance=origin), person)
    sight = Sight(photo, head.camera, person)
    return dressed(head, sight, settings, clock, ignore_progress)
