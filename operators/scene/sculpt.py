"""What the artist sculpted on a head: read off its Basis, kept on the object, followed by its keys.

The Basis is what counts; what is kept on the object is the sculpt as it was read last. It serves
where vertices came or went since, and holds what other levels of the mesh know of it.
"""

from __future__ import annotations

import bpy
import numpy as np

from ...ml.data import FloatArray, HeadMesh
from ...ml.errors import HeadError
from ...ml.results.reconstruction import Reconstruction
from ...ml.results.record import with_sculpt
from ...ml.results.sculpt import Sculpt, by_level, is_affine, of_levels, sculpt_on
from .axes import from_blender, to_blender
from .detail import DETAIL
from .expression import BASIS
from .points import places_of
from .rebuild import keeps_additions

_STORED = "effigy_sculpt_data"
# Metres below which a key is as Effigy made it.
_SAME = 1e-5


def store_sculpt(obj: bpy.types.Object, sculpt: Sculpt | None) -> None:
    """Keep a sculpt on ``obj``; None: nothing was sculpted."""
    if sculpt is None:
        obj.pop(_STORED, None)
        return
    kept = {}
    for level, values in by_level(sculpt).items():
        moved = np.flatnonzero(values.any(1))
        places = np.ravel(values[moved]).astype(float).tolist()
        kept[level] = {"count": len(values), "vertices": moved.tolist(), "offsets": places}
    obj[_STORED] = kept


def stored_sculpt(obj: bpy.types.Object) -> Sculpt | None:
    """The sculpt on ``obj`` as it was read last; None: nothing was sculpted."""
    found = {}
    for level, part in obj.get(_STORED, {}).items():
        values = np.zeros((part["count"], 3), np.float32)
        values[np.array(part["vertices"], int)] = np.reshape(part["offsets"], (-1, 3))
        found[level] = values
    return of_levels(found)


def has_topology(obj: bpy.types.Object, mesh: HeadMesh) -> bool:
    """Whether ``obj`` still has the vertices and faces of ``mesh``, in their order, and keys."""
    if not keeps_additions(obj, mesh):
        return False
    present = np.ones(mesh.quads.shape, bool)
    present[:, 3] = mesh.quads[:, 2] != mesh.quads[:, 3]
    corners = mesh.quads[present]
    found = np.empty(len(obj.data.loops), np.int32)
    obj.data.loops.foreach_get("vertex_index", found)
    return np.array_equal(found, corners)


def check_topology(obj: bpy.types.Object, mesh: HeadMesh) -> None:
    """Raise HeadError unless :func:`has_topology`."""
    if not has_topology(obj, mesh):
        raise HeadError(
            f"The mesh of {obj.name} has other vertices or no shape keys now, so what was sculpted "
            "on it cannot be read",
            "Undo what added or removed them; or press Rebuild head, which goes back to what was "
            "kept last",
        )


def captured_sculpt(obj: bpy.types.Object, fitted: Reconstruction) -> Sculpt | None:
    """What was sculpted on ``obj`` over ``fitted``, its head without a sculpt; None: nothing.

    Raises
    ------
    HeadError: its mesh has other vertices, or was moved as a whole.
    """
    check_topology(obj, fitted.mesh)
    return sculpt_on(fitted, _places(obj, BASIS), stored_sculpt(obj))


def only_transformed(obj: bpy.types.Object, head: Reconstruction) -> bool:
    """Whether the Basis of ``obj``, with the vertices of ``head``, is that head transformed."""
    return is_affine(head.mesh.vertices, _places(obj, BASIS))


def take_sculpt(obj: bpy.types.Object, fitted: Reconstruction) -> Reconstruction:
    """``fitted`` with what was sculpted on ``obj``, which keeps it; keys follow the Basis.

    Sculpting in Blender moves keys along, but a script that sets the Basis does not; and lids that
    were sculpted close again.

    Raises
    ------
    HeadError: see :func:`captured_sculpt`.
    """
    sculpt = captured_sculpt(obj, fitted)
    edits = key_edits(obj, with_sculpt(fitted, stored_sculpt(obj)))
    head = with_sculpt(fitted, sculpt)
    store_sculpt(obj, sculpt)
    write_keys(obj, head, edits)
    return head


def key_edits(obj: bpy.types.Object, head: Reconstruction) -> dict[str, FloatArray]:
    """(V, 3) by which each key differs from ``head``'s, relative to the Basis; metres, head space.

    Of the person's own keys, which ``head`` has not, it is all. Keys that do not differ are left
    out.
    """
    mesh, basis = head.mesh, _places(obj, BASIS)
    made = dict(zip(mesh.expression_names, mesh.shape_keys, strict=True))
    if head.detail is not None:
        made[DETAIL] = head.detail.offsets
    names = [key.name for key in obj.data.shape_keys.key_blocks if key.name != BASIS]
    edits = {name: _places(obj, name) - basis - made.get(name, 0) for name in names}
    ours = [edits[name] for name in names if name in made]
    if ours:
        # What all keys lack alike is a Basis that was moved without them.
        behind = np.median(ours, axis=0)
        edits |= {name: edits[name] - behind for name in names if name in made}
    return {name: moved for name, moved in edits.items() if np.abs(moved).max() > _SAME}


def write_keys(obj: bpy.types.Object, head: Reconstruction, edits: dict[str, FloatArray]) -> None:
    """Let Basis and keys be those of ``head``, with the edits of :func:`key_edits`."""
    mesh = head.mesh
    made = dict(zip(mesh.expression_names, mesh.shape_keys, strict=True))
    if head.detail is not None:
        made[DETAIL] = head.detail.offsets
    _put(obj.data.vertices, mesh.vertices)
    for key in obj.data.shape_keys.key_blocks:
        moved = 0 if key.name == BASIS else made.get(key.name, 0) + edits.get(key.name, 0)
        _put(key.points, mesh.vertices + moved)
    obj.data.update()


def _places(obj: bpy.types.Object, name: str) -> FloatArray:
    return from_blender(places_of(obj.data.shape_keys.key_blocks[name].points))


def _put(points, places: FloatArray) -> None:
    points.foreach_set("co", np.ascontiguousarray(to_blender(places), np.float32).ravel())
