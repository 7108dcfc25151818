"""What the engine answers to a request ``wrap``: arrays and images in, arrays and images out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..assets.archive import read_arrays
from ..data import Progress
from ..errors import HeadError, UsageError
from ..results.files import write_arrays, write_image
from ..results.mesh import mesh_of
from .surface import Surface
from .texture import Layout, covered_alpha, heights_of, texture_for
from .wrap import Wrapped, wrap

# Names of the files in the folder of a request.
GOAL, OWN, RESULT = "goal.npz", "own.npz", "wrapped.npz"
ALBEDO, HEIGHT = "albedo.png", "height.png"
_OWN = ("vertices", "triangles", "uv", "uv_triangles", "mark_names", "mark_vertices")
_IMAGES = ("albedo", "displacement")
_GOAL = (
    *("vertices", "vertices_expressed", "quads", "uv", "uv_quads", "part", "part_names"),
    *("shape_keys", "shape_key_names", "landmarks_68", "landmarks_478", *_IMAGES),
)


def answer(data: Mapping[str, Any], folder: Path, progress: Progress) -> dict[str, Any]:
    """Wrap the mesh in ``own.npz`` of ``folder`` onto the head in its ``goal.npz``.

    data: "keep_shape", and "texture", the size of the images, 0 for none. Writes ``wrapped.npz``
    and the images beside.

    Raises
    ------
    UsageError: the files are not as they should be. HeadError: see :func:`.wrap.wrap`.
    """
    own, goal = _read(folder / OWN, _OWN), _read(folder / GOAL, _GOAL)
    try:
        surface = Surface(own["vertices"], own["triangles"])
        marks = dict(zip(own["mark_names"].tolist(), own["mark_vertices"].tolist(), strict=True))
        mesh = mesh_of(goal)
    except (KeyError, ValueError) as error:
        raise UsageError(f"The meshes in {folder} do not fit ({error})", "Wrap again") from error
    result = wrap(surface, marks, mesh, progress, keep_shape=bool(data.get("keep_shape")))
    arrays = {"vertices": result.vertices, "keys": result.keys, "skin": result.registered.skin}
    write_arrays(folder / RESULT, arrays)
    size = int(data.get("texture") or 0)
    if size and len(own.get("uv", ())):
        progress(0.95, "Transferring the texture")
        _write_images(result, Layout(own["uv"], own["uv_triangles"]), goal, (folder, size))
    progress(1.0, "Done")
    return {
        "folder": str(folder),
        "median_mm": result.median_mm,
        "large_mm": result.large_mm,
        "flipped": result.flipped,
    }


def _write_images(
    result: Wrapped, layout: Layout, goal: Mapping[str, np.ndarray], where: tuple[Path, int]
) -> None:
    """Write those images that ``goal`` has."""
    (folder, size), mesh = where, mesh_of(dict(goal))
    if "albedo" in goal:
        image = goal["albedo"][..., :3]
        picture, covered = texture_for(result.registered, layout, mesh, image, size)
        write_image(np.dstack([picture, covered_alpha(covered)]), folder / ALBEDO)
    if "displacement" in goal:
        heights = heights_of(goal["displacement"])
        picture, covered = texture_for(result.registered, layout, mesh, heights, size)
        picture[~covered] = 1 << 15
        write_image(picture[..., 0], folder / HEIGHT)


def _read(path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    try:
        return read_arrays(path, names)
    except (OSError, ValueError) as error:
        raise HeadError(f"{path} could not be read ({error})", "Wrap again") from error
