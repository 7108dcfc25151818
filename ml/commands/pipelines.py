"""What makes heads of photos, by name: processes and clusters find these functions by import."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..pins.pins import Pins
from ..results.estimate import Estimate
from ..results.person import SamePerson
from ..results.reconstruction import Reconstruction
from ..settings import Settings


def reconstruct_photo(
    photo: Path, settings: Settings, pins: Pins | None = None
) -> Sequence[Reconstruction]:
    """Heads of one photo; see ml.pipeline.single."""
    from ..pins.shipped import pins_for_photo
    from ..pipeline.single import reconstruct

    return reconstruct(photo, settings, pins=pins_for_photo(pins, photo))


def estimate_photo(photo: Path, settings: Settings) -> Sequence[Estimate]:
    """Coefficients alone; see ml.pipeline.estimate."""
    from ..pipeline.estimate import estimate_photo as estimate

    return estimate(photo, settings)


def reconstruct_person(
    photos: Sequence[Path], settings: Settings, pins: Pins | None = None
) -> SamePerson:
    """One person from several photos; see ml.pipeline.same_person."""
    from ..pipeline.same_person import reconstruct_person as reconstruct

    return reconstruct(photos, settings, pins=pins)
