"""What makes a rig, kept on the head object: no file is needed to add the rig later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import bpy
import numpy as np

from ...ml.data import HeadMesh
from ...ml.errors import HeadError
from .groups import bone_steps, has_bone_weights

JOINTS = ("neck", "head", "jaw", "chin", "eye_left", "eye_right")
_STORED = "effigy_rig_data"


@dataclass(frozen=True)
class RigData:
    """Where the bones of a head stand and what they pull.

    Attributes
    ----------
    joints: (3,) places by name, head space, metres. crown: the highest point, the same.
    weights: (V,) whole numbers by bone, in 1/255; at every vertex they sum to 255.
    expressions: the names of the keys that the armature drives.
    """

    joints: Mapping[str, np.ndarray]
    crown: float
    weights: Mapping[str, np.ndarray]
    expressions: tuple[str, ...]


def rig_data(head: HeadMesh, name: str) -> RigData:
    """The rig's data in a reconstruction; HeadError if it has no joints or bone weights."""
    if not _is_complete(head):
        raise HeadError(
            f"The reconstruction of {name} has no joints: an older Effigy made it",
            "Reconstruct the photo again",
        )
    joints = {joint: np.asarray(head.joints[joint], np.float64) for joint in JOINTS}
    crown = float(np.max(head.vertices[:, 1]))
    return RigData(joints, crown, bone_steps(head), tuple(head.expression_names))


def store_rig_data(obj: bpy.types.Object, head: HeadMesh) -> None:
    """Keep the rig's data on ``obj``, where the reconstruction has it."""
    if not _is_complete(head):
        obj.pop(_STORED, None)
        return
    data = rig_data(head, obj.name)
    obj[_STORED] = {
        "joints": {name: place.tolist() for name, place in data.joints.items()},
        "crown": data.crown,
        "weights": {name: steps.tolist() for name, steps in data.weights.items()},
        "expressions": " ".join(data.expressions),
    }


def stored_rig_data(obj: bpy.types.Object) -> RigData | None:
    """The rig's data on ``obj``; None on heads of earlier files."""
    stored = obj.get(_STORED)
    if stored is None:
        return None
    return RigData(
        {name: np.array(place, np.float64) for name, place in stored["joints"].items()},
        stored["crown"],
        {name: np.array(steps, int) for name, steps in stored["weights"].items()},
        tuple(stored["expressions"].split()),
    )


def _is_complete(head: HeadMesh) -> bool:
    return has_bone_weights(head) and all(joint in head.joints for joint in JOINTS)
