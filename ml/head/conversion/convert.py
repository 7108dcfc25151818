"""A person of one head model as coefficients of another: dense correspondence, least squares.

From a command line::

    python -m ml.head.conversion.convert RECONSTRUCTION --model FILE --out OUT.npz

writes a result's coefficients and vertices in the model of FILE, and how far the two are apart.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...data import FloatArray
from ...errors import HeadError
from ...results.compatibility import check_same_model
from ...results.reconstruction import Reconstruction, load_reconstruction
from ..formats.open import load_model_file
from ..mesh import person_of
from ..model import HeadModel
from ..storage import load_head_model
from ..surface import nearest_on_triangles, normals_at
from .align import Pull, Similarity, fit
from .correspondence import (
    RIDGE,
    TANGENTIAL,
    Correspondence,
    find_correspondence,
    restricted,
    with_identity,
)

__all__ = ["Converted", "Correspondence", "convert", "find_correspondence", "main"]

MILLIMETRES = 1000.0
OK, FAILED = 0, 1


@dataclass(frozen=True)
class Converted:
    """A person in another model.

    Attributes
    ----------
    identity: (I,) standard deviations. expression: (E,) activations or deviations, 0 at rest.
    vertices: (V, 3) of the target at rest, metres, in the target's space.
    similarity: from the source's space to the target's.
    mean_mm, median_mm, max_mm: distance of the target's face vertices to the person's surface,
        millimetres in the person's size.
    """

    identity: FloatArray
    expression: FloatArray
    vertices: FloatArray
    similarity: Similarity
    mean_mm: float
    median_mm: float
    max_mm: float


def convert(
    vertices: FloatArray,
    correspondence: Correspondence,
    target: HeadModel,
    ridge: float = RIDGE,
    expressed: FloatArray | None = None,
) -> Converted:
    """Coefficients of ``target`` for a person of the correspondence's source model.

    Parameters
    ----------
    vertices: (V, 3) the person at rest, metres, in the source's topology.
    ridge: metres; the gap that one standard deviation of one mode costs as much as.
    expressed: (V, 3) the person with an expression, if that is to be converted, too.
    """
    paired = correspondence
    places = paired.points.on(vertices).astype(np.float64)
    normals = normals_at(vertices, paired.points)
    pull = Pull(normals, paired.weights, TANGENTIAL)
    shape = restricted(target.shape, paired.vertices)
    identity, pose = fit(shape, places, pull, paired.similarity, ridge, 3)
    expression = np.zeros(len(shape.expression), np.float32)
    if expressed is not None and len(expression):
        change = (paired.points.on(expressed) - places) @ (pose.scale * pose.rotation).T
        turned_pull = Pull(normals @ pose.rotation.T, paired.weights, TANGENTIAL)
        expression = _expression(shape.expression, change, turned_pull, ridge)
    fitted = pose.undo(with_identity(shape, identity)[paired.on_face].astype(np.float64))
    reached = nearest_on_triangles(vertices, paired.skin, fitted).on(vertices)
    gaps = MILLIMETRES * np.linalg.norm(reached - fitted, axis=1)
    return Converted(
        identity,
        expression,
        with_identity(target.shape, identity),
        pose,
        float(gaps.mean()),
        float(np.median(gaps)),
        float(gaps.max()),
    )


def _expression(basis: FloatArray, change: np.ndarray, pull: Pull, ridge: float) -> FloatArray:
    """Ridge regression of (N, 3) displacements on (E, N, 3)."""
    columns = basis.astype(np.float64)
    pulled = pull.on(columns).reshape(len(basis), -1)
    system = pulled @ columns.reshape(len(basis), -1).T + ridge**2 * np.eye(len(basis))
    return np.linalg.solve(system, pulled @ change.ravel()).astype(np.float32)


def convert_result(result: Reconstruction, source: HeadModel, target: HeadModel) -> Converted:
    """A result in ``target``, with its expression.

    Raises
    ------
    UsageError: the result was made with another model than ``source``, or another version of it.
    """
    check_same_model(result.provenance, (source.model_id, source.version))
    # Not the result's own mesh: it may be of another level.
    person = person_of(source, result.coefficients)
    paired = find_correspondence(source, target)
    return convert(person.rest, paired, target, expressed=person.expressed)


def save_converted(
    converted: Converted, result: Reconstruction, target: HeadModel, path: Path
) -> None:
    """Write coefficients, vertices, pose, residual and origin as an ``.npz`` of plain arrays."""
    pose = converted.similarity
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        np.savez(
            stream,
            model_id=target.model_id,
            model_version=target.version,
            model_licence=target.licence,
            photo_name=result.provenance.photo_name,
            photo_sha256=result.provenance.photo_sha256,
            identity=converted.identity,
            expression=converted.expression,
            expression_names=np.array(target.expression_names, dtype=str),
            vertices=converted.vertices,
            scale=pose.scale,
            rotation=pose.rotation,
            translation=pose.translation,
            residual_mm=np.array([converted.mean_mm, converted.median_mm, converted.max_mm]),
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; prints the residual and the target's licence."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.head.conversion.convert", description=__doc__
    )
    parser.add_argument("reconstruction", type=Path, metavar="RECONSTRUCTION")
    parser.add_argument("--model", type=Path, required=True, metavar="FILE")
    parser.add_argument("--out", type=Path, required=True, metavar="OUT.npz")
    parsed = parser.parse_args(arguments)
    try:
        result = load_reconstruction(parsed.reconstruction)
        target = load_model_file(parsed.model)
        converted = convert_result(result, load_head_model(), target)
        save_converted(converted, result, target, parsed.out)
    except HeadError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"error: cannot write {parsed.out} ({error})", file=sys.stderr)
        return FAILED
    print(
        f"{target.model_id} {target.version}: residual mean {converted.mean_mm:.2f} mm, "
        f"median {converted.median_mm:.2f} mm, largest {converted.max_mm:.2f} mm over the face"
    )
    print(f"licence of the model: {target.licence}")
    return OK


if __name__ == "__main__":
    sys.exit(main())
