"""What the engine answers to a request ``wrap``: arrays and images in, arrays and images out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..data import Progress
from ..errors import HeadError, UsageError
from ..results.files import write_arrays, write_image
from ..results.mesh import mesh_of
from .files import ALBEDO, GOAL, HEIGHT, OWN, RESULT, read_request
from .surface import Surface
from .texture import Layout, covered_alpha, heights_of, texture_for
from .wrap import wrap

_OWN = ("vertices", "triangles", "uv", "uv_triangles", "mark_names", "mark_vertices")
# In a height map: on the surface.
_LEVEL = 1 << 15
_GOAL = (
    *("vertices", "vertices_expressed", "quads", "uv", "uv_quads", "part", "part_names"),
    *("shape_keys", "shape_key_names", "landmarks_68", "landmarks_478", "albedo"),
)


def answer(data: Mapping[str, Any], folder: Path, progress: Progress) -> dict[str, Any]:
    """Wrap the mesh in ``own.npz`` of ``folder`` onto the head in its ``goal.npz``.

    data: "keep_shape"; "texture", the size of the images, 0 for none; "relief", the path of the
    head's displacement map, or empty. Writes ``wrapped.npz`` and the images beside.

    Raises
    ------
    UsageError: the files are not as they should be. HeadError: see :func:`.wrap.wrap`.
    """
    own, goal = read_request(folder / OWN, _OWN), read_request(folder / GOAL, _GOAL)
    try:
        surface = Surface(own["vertices"], own["triangles"])
        marks = dict(zip(own["mark_names"].tolist(), own["mark_vertices"].tolist(), strict=True))
        mesh = mesh_of(goal)
    except (KeyError, ValueError) as error:
        raise UsageError(f"The meshes in {folder} do not fit ({error})", "Wrap again") from error
    result = wrap(surface, marks, mesh, progress, keep_shape=bool(data.get("keep_shape")))
    lies = result.registered
    arrays = {"vertices": result.vertices, "keys": result.keys, "skin": lies.skin}
    write_arrays(folder / RESULT, {**arrays, "metres": np.array(lies.pose.scale)})
    size = int(data.get("texture") or 0)
    if size and len(own.get("uv", ())):
        progress(0.95, "Transferring the texture")
        layout = Layout(own["uv"], own["uv_triangles"])
        if "albedo" in goal:
            picture, covered = texture_for(lies, layout, mesh, goal["albedo"], size)
            write_image(np.dstack([picture, covered_alpha(covered)]), folder / ALBEDO)
        if (relief := _relief(data)) is not None:
            heights, covered = texture_for(lies, layout, mesh, relief, size)
            heights[~covered] = _LEVEL
            write_image(heights[..., 0], folder / HEIGHT)
    progress(1.0, "Done")
    return {
        "folder": str(folder),
        "median_mm": result.median_mm,
        "large_mm": result.large_mm,
        "flipped": result.flipped,
    }


def _relief(data: Mapping[str, Any]) -> np.ndarray | None:
    """(S, S, 1) the heights in the displacement map of a request; None where it has none."""
    path = Path(str(data.get("relief") or ""))
    if not path.is_file():
        return None
    picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.ndim != 3 or picture.dtype != np.uint16:
        raise HeadError(f"{path} is no displacement map", "Reconstruct the photo again")
    return heights_of(picture[..., ::-1])
