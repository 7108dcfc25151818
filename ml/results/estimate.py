"""What a photo says of one face, without the head: a row of a file of coefficients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data import Camera, FloatArray, HeadCoefficients
from ..geometry.mesh_names import mesh_name
from ..settings import Settings
from ..version import effigy_version
from .origin import statement_of_many
from .provenance import Provenance, current_model
from .reconstruction import made_with

# Format of the files of coefficients.
FORMAT = 1
# Columns of text, and of numbers with their types.
TEXTS = (
    *("photo", "path", "sha256"),
    *("focal_source", "focal_refused", "orientation_refused", "quality_reason"),
)
NUMBERS: dict[str, type[np.generic]] = {
    "face": np.int32,
    "faces": np.int32,
    "width": np.int32,
    "height": np.int32,
    "confidence": np.float64,
    "quality": np.float64,
    "face_box": np.float64,
    "identity": np.float32,
    "expression": np.float32,
    "intrinsics": np.float32,
    "rotation": np.float32,
    "translation": np.float32,
    "landmarks_68": np.float32,
    "landmarks_478": np.float32,
}
COLUMNS = (*TEXTS, *NUMBERS)


@dataclass(frozen=True)
class Estimate:
    """The coefficients of one face, its camera, and how far both can be trusted.

    Attributes
    ----------
    face_box, confidence, quality, quality_reason, face: as of a Reconstruction.
    landmarks_68_px, landmarks_478_px: (68, 2) and (478, 2) pixels of the photo, by the head model's
        linear bases: the lids are not settled on the eyeballs. None: not asked for.
    """

    provenance: Provenance
    coefficients: HeadCoefficients
    camera: Camera
    face_box: tuple[float, float, float, float]
    confidence: float
    quality: float
    quality_reason: str
    landmarks_68_px: FloatArray | None = None
    landmarks_478_px: FloatArray | None = None
    face: tuple[int, int] = (1, 1)


def columns_of(rows: Sequence[tuple[str, Estimate]]) -> dict[str, np.ndarray]:
    """The columns of faces, each with the path of its photo below the folder it was found in."""
    table = [_values(name, estimate) for name, estimate in rows]
    texts = {name: np.array([row[name] for row in table], dtype=str) for name in TEXTS}
    numbers = {
        name: np.stack([np.asarray(row[name], kind) for row in table])
        for name, kind in NUMBERS.items()
    }
    return texts | numbers


def _values(name: str, estimate: Estimate) -> dict[str, Any]:
    origin, camera = estimate.provenance, estimate.camera
    return {
        "photo": name,
        "path": origin.photo_path,
        "sha256": origin.photo_sha256,
        "focal_source": origin.focal_source,
        "focal_refused": origin.focal_refused,
        "orientation_refused": origin.orientation_refused,
        "quality_reason": estimate.quality_reason,
        "face": estimate.face[0],
        "faces": estimate.face[1],
        "width": origin.width,
        "height": origin.height,
        "confidence": estimate.confidence,
        "quality": estimate.quality,
        "face_box": estimate.face_box,
        "identity": estimate.coefficients.identity,
        "expression": estimate.coefficients.expression,
        "intrinsics": camera.intrinsics,
        "rotation": camera.rotation,
        "translation": camera.translation,
        "landmarks_68": estimate.landmarks_68_px,
        "landmarks_478": estimate.landmarks_478_px,
    }


def about_of(settings: Settings, names: Sequence[str], licence: str) -> dict[str, Any]:
    """What is the same in all rows of a batch: head model, Effigy, settings, expressions' names.

    Also what the file says of its origin, to which its date is added when it is whole.
    """
    model_id, version = current_model()
    return {
        "format": FORMAT,
        "model": {"id": model_id, "version": version, "licence": licence},
        "effigy_version": effigy_version(),
        "provenance": statement_of_many(effigy_version(), consent=settings.consent),
        "settings": made_with(settings),
        "expression_names": list(names),
    }


def consent_in(about: Mapping[str, Any]) -> str:
    """The note about consent in a file; empty where there is none, as in files before 1.0."""
    return str(about.get("provenance", {}).get("consent", ""))


def estimate_of(row: Mapping[str, Any], about: Mapping[str, Any]) -> Estimate:
    """The face in a row; ``about``: what is the same in all rows of its file, :func:`about_of`.

    Raises
    ------
    KeyError, ValueError, TypeError: something is missing or of another kind.
    """
    origin = _provenance_of(row, about)
    x0, y0, x1, y1 = map(float, row["face_box"])
    intrinsics, rotation, translation = (
        np.asarray(row[name]) for name in ("intrinsics", "rotation", "translation")
    )
    return Estimate(
        provenance=origin,
        coefficients=HeadCoefficients(np.asarray(row["identity"]), np.asarray(row["expression"])),
        camera=Camera(intrinsics, rotation, translation, origin.width, origin.height),
        face_box=(x0, y0, x1, y1),
        confidence=float(row["confidence"]),
        quality=float(row["quality"]),
        quality_reason=str(row["quality_reason"]),
        landmarks_68_px=np.asarray(row["landmarks_68"]),
        landmarks_478_px=np.asarray(row["landmarks_478"]),
        face=(int(row["face"]), int(row["faces"])),
    )


def _provenance_of(row: Mapping[str, Any], about: Mapping[str, Any]) -> Provenance:
    model, path = about["model"], str(row["path"])
    return Provenance(
        model_id=model["id"],
        model_version=model["version"],
        model_licence=model["licence"],
        photo_name=path.replace("\\", "/").rpartition("/")[2],
        photo_sha256=str(row["sha256"]),
        width=int(row["width"]),
        height=int(row["height"]),
        effigy_version=about["effigy_version"],
        level=mesh_name(about["settings"]["level"], bust=about["settings"].get("bust", True)),
        focal_source=str(row["focal_source"]),
        focal_refused=str(row["focal_refused"]),
        orientation_refused=str(row["orientation_refused"]),
        photo_path=path,
        consent=consent_in(about),
    )
