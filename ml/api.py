"""The public interface of the core for scripts; everything else may change in any version.

``import effigy_ml`` where the wheel is installed, ``import ml`` in a clone: the package gives these
names itself and loads them when they are first used. Settings, results and coefficients need NumPy
only; :func:`reconstruct` and :func:`reconstruct_person` load PyTorch, and weights once per process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from .data import Camera, FloatArray, HeadCoefficients, HeadMesh, IntArray
from .environment import prepare_process
from .errors import HeadError, UsageError
from .results.person import SamePerson
from .results.reconstruction import Reconstruction, load_reconstruction, save_reconstruction
from .settings import Settings
from .version import effigy_version

__all__ = [
    "Camera",
    "HeadCoefficients",
    "HeadError",
    "HeadMesh",
    "Reconstruction",
    "SamePerson",
    "Settings",
    "expression_names",
    "head_mesh",
    "identity_count",
    "load_reconstruction",
    "prepare_process",
    "reconstruct",
    "reconstruct_person",
    "save_reconstruction",
    "triangles",
]

__version__ = effigy_version()
Progress = Callable[[float, str], None]


def reconstruct(
    photo: Path | str, settings: Settings | None = None, progress: Progress | None = None
) -> tuple[Reconstruction, ...]:
    """The heads of the faces that ``settings`` ask for in a photo, the most prominent first.

    progress: called with the share that is done, 0 to 1, and what is done next.

    Raises
    ------
    HeadError: the photo cannot be read, shows no face, or the settings are wrong; says what to do.
    """
    from .pipeline.single import reconstruct as run

    return run(Path(photo), settings or Settings(), progress)


def reconstruct_person(
    photos: Iterable[Path | str], settings: Settings | None = None, progress: Progress | None = None
) -> SamePerson:
    """One person from several photos: one identity, and each photo's own expression and camera.

    Raises
    ------
    HeadError: no photo could be used, or the settings are wrong; says what to do.
    """
    from .pipeline.same_person import reconstruct_person as run

    return run([Path(photo) for photo in photos], settings or Settings(), progress)


def head_mesh(
    identity: FloatArray, expression: Mapping[str, float] | None = None, level: str = "base"
) -> HeadMesh:
    """The mesh of a person: metres, y up, the face towards +z.

    Parameters
    ----------
    identity: (I,) coefficients, as in a result or a file of coefficients.
    expression: activations, 0 to 1, by their names; the others are 0.
    level: the name of the mesh: low, base or high; with "-open" behind it the bust is not closed
        below.

    Raises
    ------
    UsageError: a coefficient is of another head model, or there is no such expression or level.
    """
    from .head.mesh import person_mesh, person_of
    from .head.storage import load_head_model

    model, values = load_head_model(), dict(expression or {})
    numbers = np.asarray(identity, np.float32)
    if numbers.shape != (model.identity_count,) or not np.isfinite(numbers).all():
        raise UsageError(
            f"identity has the shape {numbers.shape} or is not finite, and the head model has "
            f"{model.identity_count} coefficients",
            "Use those of a result that this version of Effigy made",
        )
    if unknown := sorted(values.keys() - {*model.expression_names}):
        raise UsageError(
            f"There is no expression {unknown[0]!r}", "expression_names() lists those there are"
        )
    activations = np.array([values.get(n, 0.0) for n in model.expression_names], np.float32)
    return person_mesh(model, person_of(model, HeadCoefficients(numbers, activations)), level)


def identity_count() -> int:
    """How many coefficients the identity of a person has."""
    from .head.storage import load_head_model

    return load_head_model().identity_count


def expression_names() -> tuple[str, ...]:
    """The names of the expressions: the 52 of ARKit, in the order of the coefficients."""
    from .head.storage import load_head_model

    return load_head_model().expression_names


def triangles(mesh: HeadMesh) -> IntArray:
    """(T, 3) indices of the triangles of a mesh, counter-clockwise seen from outside."""
    from .geometry.triangles import triangulate

    return triangulate(mesh.quads)
