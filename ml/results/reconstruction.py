"""The result of the pipeline and its files: the interface to Blender and to scripts.

``reconstruction.npz`` holds the arrays, under the keys of :func:`save_reconstruction`; all are
float32 or integers in the shapes, units and axes of ``ml.data.HeadMesh``, masks as uint8 0..255.
``reconstruction.json`` holds everything else, as :meth:`Reconstruction.to_json` lists it, with its
``"format"`` number; matrices are nested lists, row by row. ``albedo.png``, ``photo.jpg`` (upright,
possibly reduced), the maps of ``ml.results.detail``, ``pins.json`` and the strands of
``hair.npz`` (ml.hair.strands) lie beside them. Reading
needs NumPy only, so that Blender's own Python can load results; writing images needs Pillow.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..assets.card import FileState
from ..data import ByteArray, Camera, Detail, FloatArray, HeadCoefficients, HeadMesh, Timings
from ..errors import HeadError, explained
from ..hair.look import Hair, look_of
from ..hair.strands import HAIR_NAME, read_strands, write_strands
from ..head.sculpt import Sculpt
from ..settings import OF_THE_RUN, Settings
from .camera import camera_as_json, camera_of, plain
from .checks import (
    check_about,
    check_state,
    incomplete,
    read_json,
    read_mesh_arrays,
    recorded,
    state_of,
)
from .detail import detail_of, write_maps
from .files import (
    IMAGE_NAMES,
    JSON_NAME,
    NPZ_NAME,
    PINS_NAME,
    Replacement,
    Writer,
    arrays_of,
    side_by_side,
    write_arrays,
    write_image,
)
from .images import ALBEDO_NAME, PHOTO_NAME, check_images
from .mesh import mesh_of
from .pinned import NAME as PINNED
from .pinned import Pinned, pinned_of
from .provenance import Provenance, provenance_of
from .sculpt import sculpt_arrays, sculpt_of
from .shaped import NAME as SHAPED
from .shaped import Shaped, shaped_of

if TYPE_CHECKING:
    from ..detail.consistency import StrengthChoice

# Format of the files. Files without the number are of format 1 and differ in nothing else.
FORMAT = 2


@dataclass(frozen=True)
class Reconstruction:
    """One complete head.

    Attributes
    ----------
    face_box: (x0, y0, x1, y1) pixels of the photo; NaN where only its record was left.
    landmarks_68_px: (68, 2), landmarks_478_px: (478, 2): of the head with its expression,
        projected, pixels of the photo.
    confidence: 0..1, the regressor's: that there is a face.
    quality: 0..1, how far the head can be trusted (ml.fitting.quality); None in results of earlier
        versions. quality_reason: why it is low, in words; empty where it is not.
    albedo: (S, S, 3) uint8 sRGB in the mesh's UV layout, first row at the top (v = 1), or None.
    photo_rgb: (h, w, 3) uint8, upright, for the camera's background, possibly reduced; or None.
    detail: mid-frequency detail, which ``mesh`` does not contain; or None.
    detail_strength: how its strength was chosen; None if it was not. Not read back from files.
    hair: its look, and strands on ``mesh`` at rest; or None.
    pinned, shaped, sculpt: its pins, sliders, and what was sculpted, which is in ``mesh``; or None.
    settings: how it was made; None where that is not known. Not read back from files.
    face: number of the face among those of its photo, and how many heads that photo gave.
    state: of the folder that it was read from, see ``checks.state_of``; None if it was not read.
    """

    provenance: Provenance
    mesh: HeadMesh
    coefficients: HeadCoefficients
    camera: Camera
    face_box: tuple[float, float, float, float]
    landmarks_68_px: FloatArray
    landmarks_478_px: FloatArray
    confidence: float
    quality: float | None = None
    quality_reason: str = ""
    albedo: ByteArray | None = None
    photo_rgb: ByteArray | None = None
    detail: Detail | None = None
    detail_strength: StrengthChoice | None = None
    hair: Hair | None = None
    pinned: Pinned | None = None
    shaped: Shaped | None = None
    sculpt: Sculpt | None = None
    timings: Timings = field(default_factory=Timings)
    settings: Settings | None = None
    face: tuple[int, int] = (1, 1)
    state: FileState | None = None

    def to_json(self) -> dict[str, Any]:
        """The contents of ``reconstruction.json``, as plain Python values."""
        names = self.mesh.expression_names
        return {
            "status": "ok",
            "format": FORMAT,
            **self.provenance.to_json(),
            "face_box": [round(float(v), 3) for v in self.face_box],
            "identity": plain(self.coefficients.identity),
            "expression": dict(zip(names, plain(self.coefficients.expression), strict=True)),
            "camera": camera_as_json(self.camera),
            "landmarks_68": plain(self.landmarks_68_px),
            "landmarks_478": plain(self.landmarks_478_px),
            "confidence": float(self.confidence),
            **_if_known(self),
            "detail": self.detail.mode if self.detail else "off",
            "settings": made_with(self.settings) if self.settings else {},
            "face": {"number": self.face[0], "of": self.face[1]},
            "timings_ms": {step: round(ms, 2) for step, ms in self.timings.steps.items()},
        }


def _if_known(head: Reconstruction) -> dict[str, Any]:
    """What ``reconstruction.json`` says of some heads only."""
    known: dict[str, Any] = {}
    if head.quality is not None:
        known |= {"quality": head.quality, "quality_reason": head.quality_reason}
    if head.detail_strength is not None:
        known["detail_strength"] = head.detail_strength.to_json()
    if head.hair is not None:
        known["hair"] = head.hair.look.to_json()
    if head.pinned is not None:
        known[PINNED] = head.pinned.to_json()
    if head.shaped is not None:
        known[SHAPED] = head.shaped.to_json()
    return known


def made_with(settings: Settings) -> dict[str, Any]:
    """The settings that a result depends on, as its ``.json`` names them."""
    return {name: value for name, value in asdict(settings).items() if name not in OF_THE_RUN}


def save_reconstruction(head: Reconstruction, directory: Path) -> Path:
    """Write all files of ``head`` into ``directory`` (created if needed); return the ``.json``.

    They take the place of an earlier result's in one go, the ``.json`` last: its presence means
    that the result is complete.

    Raises
    ------
    OSError: they cannot be written. The earlier result is left.
    """
    with Replacement(directory) as replacement:
        write_files(head, replacement.aside)
        replacement.commit()
    return directory / JSON_NAME


def write_files(head: Reconstruction, directory: Path) -> None:
    """Write all files of ``head`` into the empty ``directory``.

    ``"images"`` in the ``.json`` lists the images in it, those that were there before, too.
    """
    side_by_side(_writers(head, directory))
    images = [name for name in IMAGE_NAMES if (directory / name).exists()]
    about = {**head.to_json(), "images": images}
    (directory / JSON_NAME).write_text(json.dumps(about, indent=1), encoding="utf-8")


def _writers(head: Reconstruction, directory: Path) -> list[Writer]:
    """What writes each file of ``head`` but the ``.json``, those that take longest first."""
    arrays = arrays_of(head.mesh, head.detail) | sculpt_arrays(head.sculpt)
    writers: list[Writer] = [partial(write_arrays, directory / NPZ_NAME, arrays)]
    images = ((ALBEDO_NAME, head.albedo), (PHOTO_NAME, head.photo_rgb))
    writers += [partial(write_image, it, directory / name) for name, it in images if it is not None]
    if head.detail is not None:
        writers.append(partial(write_maps, head.detail, directory))
    if head.hair is not None:
        writers.append(partial(write_strands, directory / HAIR_NAME, head.hair.strands))
    if head.pinned is not None:
        pins = json.dumps(head.pinned.pins, indent=1)
        writers.append(partial((directory / PINS_NAME).write_text, pins, "utf-8"))
    return writers


def load_reconstruction(path: Path) -> Reconstruction:
    """Read a result from its directory, ``.json`` or ``.npz``. Images are not read.

    Results of all versions of the head model are read: they contain their own mesh. Check
    ``ml.results.provenance`` before computing with the coefficients.

    Raises
    ------
    HeadError: a file is missing, damaged or incomplete, or the photo gave no head; says why.
    """
    named = not path.is_dir() and path.suffix in (".json", ".npz")
    directory = path.parent if named else path
    state, about = state_of(directory), read_about(directory)
    try:
        arrays = read_mesh_arrays(directory / NPZ_NAME)
        check_state(directory, state)
        detail = detail_of(about.get("detail", "off"), arrays.get("detail_offsets"))
        head = replace(assemble(about, mesh_of(arrays), detail), sculpt=sculpt_of(arrays))
        if (look := look_of(about)) is not None:
            head = replace(head, hair=Hair(look, read_strands(directory / HAIR_NAME)))
        check_images(directory, about)
    except (OSError, ValueError, KeyError) as error:
        check_state(directory, state)
        raise incomplete(directory, error) from error
    except MemoryError as error:
        raise explained(error, directory) from error
    return replace(head, state=state)


def read_about(directory: Path) -> dict[str, Any]:
    """The checked contents of the ``reconstruction.json`` in ``directory``.

    Raises
    ------
    HeadError: it is missing or damaged, was written by a later Effigy, or says why there is no
        head.
    """
    try:
        about = read_json(directory / JSON_NAME)
    except (OSError, ValueError) as error:
        raise incomplete(directory, error) from error
    if about.get("format", 1) not in range(1, FORMAT + 1):
        raise HeadError(
            f"{directory} has the format {about['format']!r:.20}, and this Effigy reads up to "
            f"{FORMAT}",
            "Update Effigy, or reconstruct the photo again",
        )
    if about.get("status") == "failed":
        raise recorded(about, directory)
    try:
        check_about(about)
    except ValueError as error:
        raise incomplete(directory, error) from error
    return about


def coefficients_of(about: dict[str, Any], names: Sequence[str]) -> HeadCoefficients:
    """The coefficients in there; ``names``: of the expressions, in the order of the model."""
    return HeadCoefficients(
        np.array(about["identity"], np.float32),
        np.array([about["expression"][name] for name in names], np.float32),
    )


def assemble(about: dict[str, Any], mesh: HeadMesh, detail: Detail | None) -> Reconstruction:
    """The head of which ``reconstruction.json`` holds ``about``, with its mesh and detail."""
    return Reconstruction(
        provenance=provenance_of(about),
        mesh=mesh,
        coefficients=coefficients_of(about, mesh.expression_names),
        camera=camera_of(about),
        face_box=tuple(about["face_box"]),
        landmarks_68_px=np.array(about["landmarks_68"], np.float32),
        landmarks_478_px=np.array(about["landmarks_478"], np.float32),
        confidence=about["confidence"],
        quality=about.get("quality"),
        quality_reason=about.get("quality_reason", ""),
        detail=detail,
        pinned=pinned_of(about),
        shaped=shaped_of(about),
        timings=Timings(about["timings_ms"]),
    )
