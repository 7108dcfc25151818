"""Convert a result to another head model.

From a command line::

    python -m ml.results.convert RECONSTRUCTION --model FILE --out OUT.npz

writes the coefficients and vertices in the model of FILE, and the distance between both heads.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import HeadError, explained
from ..head.conversion.convert import Converted, convert
from ..head.conversion.correspondence import find_correspondence
from ..head.formats.open import load_model_file
from ..head.mesh import person_of
from ..head.model import HeadModel
from ..head.sculpt import sculpted_person
from ..head.storage import load_head_model
from .provenance import check_same_model
from .reconstruction import Reconstruction, load_reconstruction

OK, FAILED = 0, 1


def convert_result(result: Reconstruction, source: HeadModel, target: HeadModel) -> Converted:
    """``result`` in the model ``target``, with its expression.

    Raises
    ------
    UsageError: the result was made with another model than ``source``, or another version of it.
    """
    check_same_model(result.provenance, (source.model_id, source.version))
    # The result's own mesh may be of another level, so the base mesh is rebuilt.
    person = person_of(source, result.coefficients, result.pinned.layer if result.pinned else None)
    if result.sculpt is not None:
        person = sculpted_person(source, person, result.sculpt)
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
    parser = argparse.ArgumentParser(prog="python -m ml.results.convert", description=__doc__)
    parser.add_argument("reconstruction", type=Path, metavar="RECONSTRUCTION")
    parser.add_argument("--model", type=Path, required=True, metavar="FILE")
    parser.add_argument("--out", type=Path, required=True, metavar="OUT.npz")
    parsed = parser.parse_args(arguments)
    try:
        result = load_reconstruction(parsed.reconstruction)
        target = load_model_file(parsed.model)
        converted = convert_result(result, load_head_model(), target)
        save_converted(converted, result, target, parsed.out)
    except (HeadError, OSError, MemoryError) as error:
        print(f"error: {explained(error, parsed.out)}", file=sys.stderr)
        return FAILED
    print(
        f"{target.model_id} {target.version}: residual mean {converted.mean_mm:.2f} mm, "
        f"median {converted.median_mm:.2f} mm, largest {converted.max_mm:.2f} mm over the face"
    )
    print(f"licence of the model: {target.licence}")
    return OK


if __name__ == "__main__":
    sys.exit(main())
