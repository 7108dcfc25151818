"""What the head's mesh is made of: quads, poles, loops, edges, and how well both sides agree."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from skimage.measure import points_in_poly

from ...data import FloatArray, IntArray
from ...geometry import MILLIMETRES
from ...geometry.mirror import MIRROR, mirror_twins
from ...geometry.triangles import edges_of
from ...head.levels import level_of
from ...head.loops import concentric_loops, mesh_edges, mouth_rim
from ...head.model import HeadModel
from ...rendering import vertex_normals
from ...settings import LEVELS

# The lids: this many loops from the eye's rim.
LID_LOOPS = 7
# Points of iBUG-68 round the lips' outer border.
OUTER_LIPS = slice(48, 60)


def inner_valences(quads: IntArray) -> tuple[IntArray, IntArray]:
    """Vertices (N,) that lie on no border, and how many edges meet in each."""
    edges, uses = mesh_edges(quads)
    valence = np.bincount(edges.ravel(), minlength=int(quads.max()) + 1)
    inner = np.setdiff1d(np.unique(quads), edges[uses == 1])
    return inner.astype(np.int32), valence[inner].astype(np.int32)


def directed_edges_repeat(quads: IntArray) -> int:
    """Directed edges used twice or more: wrongly turned neighbours, or three faces at an edge."""
    pairs = edges_of(quads)
    return len(pairs) - len(np.unique(pairs, axis=0))


def mirror_error(model: HeadModel) -> tuple[float, float]:
    """Millimetres between the mean's skin and its mirror image, vertex by vertex; and the share of
    the skin's quads whose mirror image is a quad too."""
    quads = model.quads[model.part_faces("skin")]
    used, nearest = skin_twins(model)
    skin = model.shape.mean[used]
    distance = np.linalg.norm(skin[nearest] - skin * MIRROR, axis=1)
    twin = np.zeros(model.vertex_count, np.int32)
    twin[used] = used[nearest]
    ours = {tuple(quad) for quad in np.sort(quads, axis=1).tolist()}
    theirs = np.sort(twin[quads], axis=1).tolist()
    paired = np.mean([tuple(quad) in ours for quad in theirs])
    return MILLIMETRES * float(distance.max()), float(paired)


def skin_twins(model: HeadModel) -> tuple[IntArray, IntArray]:
    """Vertices (N,) of the skin, and which row of them lies opposite each one.

    Lips touch at rest: an open jaw tells their vertices apart.
    """
    used = np.unique(model.quads[model.part_faces("skin")])
    jaw = model.shape.expression[model.expression_names.index("jawOpen")]
    return used, mirror_twins(np.concatenate([model.shape.mean, jaw], axis=1)[used])


def edge_medians(model: HeadModel) -> dict[str, float]:
    """Median length in millimetres of the skin's edges on lids, lips and cheeks of the mean."""
    mean = model.shape.mean
    quads = model.quads[model.part_faces("skin")]
    edges, _ = mesh_edges(quads)
    length = MILLIMETRES * np.linalg.norm(mean[edges[:, 0]] - mean[edges[:, 1]], axis=1)
    lids = np.zeros(len(mean), bool)
    for eye in model.lids.values():
        lids[eye.rings[-LID_LOOPS:]] = True
    outline = model.landmark_sets["ibug68"].take(OUTER_LIPS).on(mean)[:, :2]
    ahead = vertex_normals(mean, model.triangles)[:, 2] > 0
    lips = points_in_poly(mean[:, :2], outline) & ahead
    regions = {"lids": lids, "lips": lips, "cheeks": model.masks["cheeks"] > 0.5}
    return {name: float(np.median(length[at[edges].all(1)])) for name, at in regions.items()}


def loop_counts(model: HeadModel) -> dict[str, int]:
    """Closed loops of edges round each eye and the mouth, the rim included."""
    skin = model.quads[model.part_faces("skin")]
    rims = {f"eye{side}": eye.rings[-1] for side, eye in model.lids.items()}
    rims["mouth"] = mouth_rim(model.quads, model.part, model.part_names)
    return {name: len(concentric_loops(skin, rim)) for name, rim in rims.items()}


def measure_topology(model: HeadModel) -> dict[str, object]:
    """All figures on the mesh, by name."""
    skin = model.quads[model.part_faces("skin")]
    _, valence = inner_valences(skin)
    off, paired = mirror_error(model)
    edges = edge_medians(model)
    return {
        "quads_only": all_quads(model.quads),
        "skin_faces": _faces_by_level(model),
        "mirror_error_mm": off,
        "mirrored_quads": paired,
        "edges_of_three_faces": int((mesh_edges(model.quads)[1] > 2).sum()),
        "directed_edges_used_twice": directed_edges_repeat(model.quads),
        "unused_vertices": model.vertex_count - len(np.unique(model.quads)),
        "highest_valence": int(valence.max()),
        "irregular_share": float((valence != 4).mean()),
        "loops": loop_counts(model),
        "edge_median_mm": edges,
    }


def all_quads(quads: IntArray) -> bool:
    """Whether every (F, 4) face has four different corners."""
    ordered = np.sort(quads, axis=1)
    return bool((ordered[:, 1:] > ordered[:, :-1]).all())


def _faces_by_level(model: HeadModel) -> Mapping[str, int]:
    counts = {}
    for name in LEVELS:
        level = level_of(model, name)
        part = model.part if level is None else level.part
        counts[name] = int((part == model.part_names.index("skin")).sum())
    return counts


def quad_areas(vertices: FloatArray, quads: IntArray) -> np.ndarray:
    """(F,) areas of (F, 4) quads in the square of the vertices' unit."""
    corner = vertices[quads]
    across = np.cross(corner[:, 2] - corner[:, 0], corner[:, 3] - corner[:, 1])
    return np.asarray(np.linalg.norm(across, axis=-1) / 2)
