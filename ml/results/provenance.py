"""Check whether a result was made with this Effigy's head model.

Coefficients are only valid for the model they were fitted with. A result of another version
contains its own mesh and can still be built, but nothing may be computed from its coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..assets.card import read_card
from ..errors import UsageError
from ..head.storage import EFFIGY_HEAD


@dataclass(frozen=True)
class Provenance:
    """The origin of a head: what is needed to rebuild it and to credit it.

    Attributes
    ----------
    model_id, model_version, model_licence: of the head model.
    photo_name: file name of the photo; photo_sha256: of its bytes.
    width, height: of the photo in pixels, upright.
    effigy_version: of the extension that made it.
    level: of the mesh: low, base or high.
    focal_source: of the camera's focal length: "exif", "guess", or "unknown" in results of earlier
        versions. focal_refused: why EXIF's was not believed; empty if it was, or if there was none.
    orientation_refused: why the photo is not turned as EXIF says; empty if it is.
    photo_path: where the photo was; empty in results of earlier versions.
    """

    model_id: str
    model_version: str
    model_licence: str
    photo_name: str
    photo_sha256: str
    width: int
    height: int
    effigy_version: str
    level: str = "base"
    focal_source: str = "unknown"
    focal_refused: str = ""
    orientation_refused: str = ""
    photo_path: str = ""


@lru_cache(maxsize=1)
def current_model() -> tuple[str, str]:
    """Id and version of the head model that ships with this Effigy; only its card is read."""
    details = read_card(EFFIGY_HEAD).details
    return str(details["id"]), str(details["version"])


def is_current(origin: Provenance) -> bool:
    """Whether a result was made with the model that ships with this Effigy."""
    return (origin.model_id, origin.model_version) == current_model()


def check_same_model(origin: Provenance, model: tuple[str, str] | None = None) -> None:
    """Check that a result was made with ``model`` (id, version); by default the current one.

    Raises
    ------
    UsageError: it was made with another model, or another version of it.
    """
    wanted = model or current_model()
    if (origin.model_id, origin.model_version) != wanted:
        raise UsageError(
            f"The head of {origin.photo_name} was made with {origin.model_id} "
            f"{origin.model_version}, but this Effigy has {' '.join(wanted)}",
            "Reconstruct the photo again",
        )


def provenance_of(about: dict[str, Any]) -> Provenance:
    """The origin of a head in the contents of its ``reconstruction.json``."""
    photo, model = about["photo"], about["model"]
    return Provenance(
        model_id=model["id"],
        model_version=model["version"],
        model_licence=model["licence"],
        photo_name=photo["name"],
        photo_sha256=photo["sha256"],
        width=photo["width"],
        height=photo["height"],
        effigy_version=about["effigy_version"],
        level=about.get("level", "base"),
        focal_source=photo.get("focal_source", "unknown"),
        focal_refused=photo.get("focal_refused", ""),
        orientation_refused=photo.get("orientation_refused", ""),
        photo_path=photo.get("path", ""),
    )
