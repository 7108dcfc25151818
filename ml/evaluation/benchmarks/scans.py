"""What the benchmarks on scans share: surfaces, predictions, and the mean face.

A folder of results holds, for every photo, either an Effigy result (``NAME/reconstruction.json``)
or a mesh (``NAME.obj``). A mesh with the head model's vertices in its order has its landmarks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...data import IntArray
from ...errors import HeadError, ModelUnreadable, UsageError
from ...geometry.triangles import triangulate
from ...head.model import HeadModel, SurfacePoints
from ...head.surface import SKIN_PARTS
from ...results.folder import is_complete
from ...results.reconstruction import Reconstruction, load_reconstruction
from .result import some

# What a scanner sees of a head; a mouth's inside would attract scan points of the lips.
EYES = ("eye_left", "eye_right", "iris_left", "iris_right", "pupil_left", "pupil_right")
OUTSIDE = (*SKIN_PARTS, *EYES)
WHOLE = "Check that it is a whole Wavefront OBJ file; download or export it again"


@dataclass(frozen=True)
class Surface:
    """(V, 3) float64 vertices in the file's unit and (F, 3) triangles."""

    vertices: np.ndarray
    triangles: IntArray


@dataclass(frozen=True)
class Prediction:
    """One person's surface; ``head`` is the Effigy result it comes from, if it does."""

    name: str
    surface: Surface
    head: Reconstruction | None = None


def needed(path: Path, what: str, hint: str) -> Path:
    """``path`` if it is there.

    Raises
    ------
    UsageError: it is not; names it.
    """
    if not path.exists():
        raise UsageError(f"{what} {path} is missing", hint)
    return path


def read_obj(path: Path, hint: str = WHOLE) -> Surface:
    """Vertices and triangles of a Wavefront file; polygons become fans.

    Raises
    ------
    UsageError: the file is absent, no such text, or names a vertex that it lacks; with ``hint``.
    """
    needed(path, "The mesh", hint)
    vertices: list[list[float]] = []
    triangles: list[tuple[int, int, int]] = []
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                word, *rest = line.split() or [""]
                if word == "v":
                    vertices.append([float(value) for value in rest[:3]])
                elif word == "f":
                    corners = [_index(item, len(vertices)) for item in rest]
                    fan = range(1, len(corners) - 1)
                    triangles += [(corners[0], corners[i], corners[i + 1]) for i in fan]
        places = np.array(vertices, np.float64).reshape(-1, 3)
    except (OSError, ValueError) as error:
        raise UsageError(f"The mesh {path} could not be read ({error})", WHOLE) from error
    faces = np.array(triangles, np.int32).reshape(-1, 3)
    if not np.isfinite(places).all():
        raise UsageError(f"The mesh {path} has vertices that are no finite numbers", WHOLE)
    if not len(places) or (len(faces) and (faces.max() >= len(places) or faces.min() < 0)):
        raise UsageError(f"The mesh {path} has no vertices, or faces without them", WHOLE)
    return Surface(places, faces)


def _index(item: str, count: int) -> int:
    """OBJ's index, from 1 or backwards from the last vertex so far, as one from 0; -1 is none."""
    number = int(item.split("/")[0])
    return number - 1 if number >= 0 else count + number


def find_prediction(folder: Path, name: str) -> Path | None:
    """The complete result ``name`` in ``folder``, or the mesh ``name.obj``, or None."""
    if is_complete(folder / name):
        return folder / name
    mesh = folder / f"{name}.obj"
    return mesh if mesh.is_file() else None


def prediction_names(folder: Path) -> list[str]:
    """All that :func:`find_prediction` would find in ``folder``, sorted."""
    meshes = (path.stem for path in folder.glob("*.obj"))
    return sorted({*meshes, *(path.name for path in folder.glob("*/") if is_complete(path))})


def read_prediction(path: Path, model: HeadModel, *, expressed: bool) -> Prediction:
    """The person at rest, or with the photo's expression; a mesh is taken as it is.

    Effigy results and meshes in the model's topology keep only what a scanner can see.

    Raises
    ------
    HeadError: the result or mesh is damaged.
    """
    if path.is_dir():
        head = load_reconstruction(path)
        mesh = head.mesh
        vertices = mesh.vertices_expressed if expressed else mesh.vertices
        triangles = _outside(mesh.quads, mesh.part, mesh.part_names)
        return Prediction(path.name, Surface(vertices.astype(np.float64), triangles), head)
    surface = read_obj(path)
    if not len(surface.triangles):
        raise UsageError(f"The mesh {path} has no faces", "Export it with its faces")
    if len(surface.vertices) == model.vertex_count:
        surface = Surface(surface.vertices, mean_face(model).triangles)
    return Prediction(path.stem, surface)


def mean_face(model: HeadModel) -> Surface:
    """The baseline, which knows no photo; metres."""
    triangles = _outside(model.quads, model.part, model.part_names)
    return Surface(model.shape.mean.astype(np.float64), triangles)


def _outside(quads: IntArray, part: np.ndarray, names: tuple[str, ...]) -> IntArray:
    seen = [number for number, name in enumerate(names) if name in OUTSIDE]
    return triangulate(quads[np.isin(part, seen)] if seen else quads)


def landmark_set(model: HeadModel, name: str) -> SurfacePoints:
    """The model's landmark set ``name``.

    Raises
    ------
    ModelUnreadable: it has none.
    """
    if name not in model.landmark_sets:
        raise ModelUnreadable(
            f"Head model {model.model_id!r} has no landmark set {name!r}",
            f"Use head model 2 or newer; this one has {', '.join(model.landmark_sets) or 'none'}",
        )
    return model.landmark_sets[name]


def landmarks_on(points: SurfacePoints, surface: Surface) -> np.ndarray:
    """(L, 3) landmarks on a surface in the model's topology, float64."""
    return np.asarray((surface.vertices[points.corners] * points.weights[..., None]).sum(-2))


def model_points(
    model: HeadModel, name: str, prediction: Prediction, path: Path, hint: str
) -> np.ndarray:
    """(L, 3) the model's landmarks on a prediction.

    Raises
    ------
    UsageError: it is not in the model's topology; names it, with ``hint`` for a mesh.
    ModelUnreadable: as :func:`landmark_set`.
    """
    points = landmark_set(model, name)
    known, made = f"{model.model_id} {model.version}", None
    if prediction.head is not None:
        made = f"{prediction.head.provenance.model_id} {prediction.head.provenance.model_version}"
        hint = "Reconstruct the photo again, with --level base"
    count = len(prediction.surface.vertices)
    if count != model.vertex_count or made not in (None, known):
        raise UsageError(
            f"{path} has {count} vertices{f' of {made}' if made else ''}, the head model {known} "
            f"has {model.vertex_count}: its landmarks are not known",
            hint,
        )
    return landmarks_on(points, prediction.surface)


def none_found(results: Path, wanted: Sequence[str]) -> HeadError:
    """The error for a folder without a single prediction; names what was looked for."""
    return UsageError(
        f"{results} holds no prediction: looked for {some(wanted)}",
        "A prediction NAME is a folder NAME with an Effigy result, or a mesh NAME.obj",
    )
