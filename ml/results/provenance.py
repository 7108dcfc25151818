"""Check whether a result was made with this Effigy's head model.

Coefficients are only valid for the model they were fitted with. A result of another version
contains its own mesh and can still be built, but nothing may be computed from its coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from ..assets.card import read_card
from ..errors import UsageError
from ..head.storage import EFFIGY_HEAD
from .origin import made_statement, now


@dataclass(frozen=True)
class Provenance:
    """The origin of a head: what is needed to rebuild it and to credit it.

    Attributes
    ----------
    model_id, model_version, model_licence: of the head model.
    photo_name: file name of the photo; photo_sha256: of its bytes.
    width, height: of the photo in pixels, upright.
    effigy_version: of the extension that made it.
    level: the name of the mesh: low, base or high (geometry.mesh_names).
    focal_source: of the camera's focal length: "exif", "guess", or "unknown" in results of earlier
        versions. focal_refused: why EXIF's was not believed; empty if it was, or if there was none.
    orientation_refused: why the photo is not turned as EXIF says; empty if it is.
    photo_path: where the photo was; empty in results of earlier versions.
    made: when, in UTC by ISO 8601; empty in results of earlier versions.
    consent: what a person noted about the consent of who is in the photo; may be empty.
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
    made: str = ""
    consent: str = ""

    def to_json(self) -> dict[str, Any]:
        """What ``reconstruction.json`` says of the origin."""
        known = {"orientation_refused": self.orientation_refused, "path": self.photo_path}
        model = {"id": self.model_id, "version": self.model_version, "licence": self.model_licence}
        return {
            "model": model,
            "effigy_version": self.effigy_version,
            "level": self.level,
            "photo": {
                "name": self.photo_name,
                "width": self.width,
                "height": self.height,
                "sha256": self.photo_sha256,
                "focal_source": self.focal_source,
                "focal_refused": self.focal_refused,
                **{name: text for name, text in known.items() if text},
            },
            "provenance": made_statement(
                self.effigy_version, self.photo_sha256, self.made, self.consent
            ),
        }


def dated(origin: Provenance, consent: str = "") -> Provenance:
    """``origin`` of a head that is made now. consent: the note; empty: the one that is there."""
    return replace(origin, made=now(), consent=consent or origin.consent)


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
    photo, model, said = about["photo"], about["model"], about.get("provenance", {})
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
        made=said.get("date", ""),
        consent=said.get("consent", ""),
    )
