"""Vertex groups of a head: its parts, its regions, and the weights that its bones pull with."""

from __future__ import annotations

from collections.abc import Mapping

import bpy
import numpy as np

from ...ml.data import HeadMesh, IntArray
from ...ml.geometry.triangles import edges_of
from .bone_names import BONES, SCHEMES, bone_name, bone_names

REGIONS = ("brows", "eyes", "nose", "cheeks", "mouth", "jaw", "ears", "neck")
REGION_PREFIX = "region_"
# Weights are multiples of 1/255, as in the files. Blender sets one weight for many vertices at
# once, so few different weights mean few calls.
STEPS = 255
# Masks weight neck, head and jaw. Each eye turns as a whole: all vertices of its parts.
_MASK_OF_BONE = {"neck": "bone_neck", "head": "bone_head", "jaw": "bone_jaw"}
_SIDE_OF_BONE = {"eye.L": "left", "eye.R": "right"}
_EYE_PARTS = ("eye", "iris", "pupil")

# Where the skin ends at the bust: what joins a body is welded there.
NECK_LOOP = "neck_loop"


def add_part_groups(obj: bpy.types.Object, head: HeadMesh) -> None:
    """One vertex group for each part that the mesh has (skin, eye_left, teeth_upper, ...)."""
    for index, name in enumerate(head.part_names):
        members = np.unique(head.quads[head.part == index]).tolist()
        if members:
            obj.vertex_groups.new(name=name).add(members, 1.0, "REPLACE")
    loop = _neck_loop(head)
    if len(loop):
        obj.vertex_groups.new(name=NECK_LOOP).add(loop.tolist(), 1.0, "REPLACE")


def _neck_loop(head: HeadMesh) -> IntArray:
    """The vertices at which the skin ends below; none in heads of versions without a bust."""
    names = list(head.part_names)
    if "bust" not in names:
        return np.zeros(0, np.int32)
    skin, bust = (head.quads[head.part == names.index(name)] for name in ("skin", "bust"))
    if len(bust):
        return np.intersect1d(skin, bust)
    # The bust is open: of all borders of the skin, this one is no other part's.
    pairs = np.sort(edges_of(skin), axis=1)
    edges, uses = np.unique(pairs, axis=0, return_counts=True)
    others = np.unique(head.quads[head.part != names.index("skin")])
    border = np.unique(edges[uses == 1])
    return np.setdiff1d(border, others)


def add_region_groups(obj: bpy.types.Object, head: HeadMesh) -> None:
    """One vertex group for each region that the model knows (region_nose, ...), with weights."""
    for name in REGIONS:
        if name in head.masks:
            steps = np.rint(np.clip(head.masks[name], 0, 1) * STEPS).astype(int)
            add_group(obj, REGION_PREFIX + name, steps)


def has_bone_weights(head: HeadMesh) -> bool:
    """Whether the reconstruction has bone weights; those of the first Effigy have none."""
    return all(mask in head.masks for mask in _MASK_OF_BONE.values())


def add_bone_groups(
    obj: bpy.types.Object, rig: bpy.types.Object, weights: Mapping[str, np.ndarray]
) -> None:
    """One vertex group for each bone of ``rig``, with the weights of :func:`bone_steps`."""
    remove_bone_groups(obj, rig)
    for name, steps in weights.items():
        add_group(obj, bone_name(rig, name), steps)


def remove_bone_groups(obj: bpy.types.Object, rig: bpy.types.Object | None) -> None:
    """Take away the groups of the bones of ``rig``; None: it was deleted by hand."""
    for name in bone_groups(rig):
        group = obj.vertex_groups.get(name)
        if group is not None:
            obj.vertex_groups.remove(group)


def bone_groups(rig: bpy.types.Object | None) -> set[str]:
    """The names of the groups of a rig's bones; None: of any rig that was there."""
    if rig is not None:
        return set(bone_names(rig).values())
    return {*BONES, *(name for scheme in SCHEMES.values() for name in scheme.names.values())}


def bone_steps(head: HeadMesh) -> Mapping[str, np.ndarray]:
    """(V,) weights by bone as multiples of 1 / ``STEPS``; they sum to ``STEPS`` at each vertex.

    The masks were rounded one by one when saved, so their sum may be a step off: the difference
    goes to the bone that rounding changed most.
    """
    weights = np.zeros((len(head.vertices), len(BONES)))
    for name, mask in _MASK_OF_BONE.items():
        weights[:, BONES.index(name)] = np.maximum(head.masks[mask], 0)
    for name, side in _SIDE_OF_BONE.items():
        weights[_eye_vertices(head, side)] = np.eye(len(BONES))[BONES.index(name)]
    total = weights.sum(1, keepdims=True)
    # A vertex without any bone would stay behind when the head turns.
    weights[total[:, 0] <= 0, BONES.index("head")] = 1
    exact = weights / np.where(total > 0, total, 1) * STEPS
    # Slightly more, so that a whole number is not rounded down after an inexact division.
    steps = np.floor(exact + 1e-9).astype(int)
    rank = np.argsort(np.argsort(steps - exact, axis=1, kind="stable"), axis=1, kind="stable")
    steps += rank < (STEPS - steps.sum(1, keepdims=True))
    return dict(zip(BONES, steps.T, strict=True))


def _eye_vertices(head: HeadMesh, side: str) -> np.ndarray:
    starts = tuple(f"{part}_{side}" for part in _EYE_PARTS)
    parts = [index for index, name in enumerate(head.part_names) if name.startswith(starts)]
    return np.unique(head.quads[np.isin(head.part, parts)])


def add_group(obj: bpy.types.Object, name: str, steps: np.ndarray) -> None:
    """A group of the vertices with weight; one call per different weight."""
    group = obj.vertex_groups.new(name=name)
    order = np.argsort(steps, kind="stable")
    values, starts = np.unique(steps[order], return_index=True)
    for value, members in zip(values.tolist(), np.split(order, starts[1:]), strict=True):
        if value > 0:
            group.add(members.tolist(), value / STEPS, "REPLACE")
