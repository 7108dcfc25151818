"""The visemes of a head in the scene: shape keys composed of its own expressions.

Which sets were added is stored on the object, so that a key of the person's own that happens to be
called ``aa`` is never taken for one of ours.
"""

from __future__ import annotations

import bpy
import numpy as np

from ...ml.errors import HeadError
from ...ml.speech.lips import Mouth, lips_of, settled
from ...ml.speech.sets import SETS
from ..heads import stored_head
from ..scene.axes import from_blender, to_blender
from ..scene.expression import BASIS, set_key_value
from ..scene.points import places_of

_STORED = "effigy_visemes"


def sets_on(obj: bpy.types.Object) -> list[str]:
    """The sets that were added to ``obj`` and of which any key is still there."""
    keys = obj.data.shape_keys
    names = set(keys.key_blocks.keys()) if keys else set()
    return [which for which in _stored(obj) if names & SETS[which].shapes.keys()]


def mouth_of(obj: bpy.types.Object) -> Mouth:
    """What moves the lips of ``obj``, by its own shape keys.

    Raises
    ------
    HeadError: its mesh has other vertices now, or no keys; or see :func:`..heads.stored_head`.
    """
    mesh, keys = stored_head(obj).mesh, obj.data.shape_keys
    if keys is None or BASIS not in keys.key_blocks or len(obj.data.vertices) != len(mesh.vertices):
        raise HeadError(
            f"The mesh of {obj.name} has other vertices or no shape keys now, so its lips are not "
            "known",
            "Press Rebuild head first",
        )
    used = {name for some in SETS.values() for each in some.shapes.values() for name in each}
    names = tuple(name for name in sorted(used | {"mouthClose"}) if name in keys.key_blocks)
    rest = _points(keys.key_blocks[BASIS])
    moved = [_points(keys.key_blocks[name]) for name in names]
    still = [_points(keys.key_blocks[name].relative_key) for name in names]
    lips = lips_of(rest, mesh.quads, mesh.part, mesh.part_names)
    return Mouth(rest, np.array(moved) - np.array(still), names, lips)


def add_set(obj: bpy.types.Object, which: str) -> int:
    """Give ``obj`` the keys of a set at 0, or make those that it has anew; how many there are.

    Raises
    ------
    HeadError: see :func:`mouth_of`; or a key of the person's own has the name of one.
    """
    mouth = mouth_of(obj)
    blocks = obj.data.shape_keys.key_blocks
    ours = [name for other in _stored(obj) for name in SETS[other].shapes]
    taken = [name for name in SETS[which].shapes if name in blocks and name not in ours]
    if taken:
        raise HeadError(
            f"{obj.name} has shape keys of its own called {', '.join(taken)}",
            "Rename or remove them first",
        )
    shapes = settled(SETS[which], mouth)
    for name, weights in shapes.items():
        key = blocks.get(name)
        if key is None:
            key = obj.shape_key_add(name=name, from_mix=False)
            set_key_value(key, 0.0)
        key.relative_key = blocks[BASIS]
        places = to_blender(mouth.posed(weights))
        key.points.foreach_set("co", np.ascontiguousarray(places, np.float32).ravel())
    _store(obj, [*(one for one in _stored(obj) if one != which), which])
    obj.data.update()
    return len(shapes)


def remove_set(obj: bpy.types.Object, which: str) -> None:
    """Take the keys of a set away. Keyframes of them stay in their actions."""
    for name in SETS[which].shapes:
        key = obj.data.shape_keys.key_blocks.get(name)
        if key is not None:
            obj.shape_key_remove(key)
    _store(obj, [one for one in _stored(obj) if one != which])


def _stored(obj: bpy.types.Object) -> list[str]:
    return [which for which in str(obj.get(_STORED, "")).split() if which in SETS]


def _store(obj: bpy.types.Object, sets: list[str]) -> None:
    if sets:
        obj[_STORED] = " ".join(sets)
    else:
        obj.pop(_STORED, None)


def _points(key: bpy.types.ShapeKey) -> np.ndarray:
    return from_blender(places_of(key.points))
