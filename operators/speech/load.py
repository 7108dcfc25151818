"""Let a head say what a lip-sync program wrote: keyframes of a file."""

from __future__ import annotations

from collections.abc import Mapping

import bpy
import numpy as np

from ...ml.errors import HeadError, UsageError
from ...ml.speech.animate import FINEST, Curves, expression_curves, viseme_curves
from ...ml.speech.lips import settled
from ...ml.speech.read import Cue, Speech, read_speech
from ...ml.speech.sets import PARTING, SETS
from ..heads import poll_own_mesh
from ..reporting import ReportsErrors
from ..runtime import RELATIVE, path_of
from ..scene.animation import LAST_FRAME, frames_per_second
from ..scene.expression import expression_slot
from ..scene.metadata import active_head
from ..scene.new_action import add_action
from ..translations import CONTEXT
from .keys import mouth_of, sets_on
from .visemes import SET_ITEMS

# Above this value an expression parts the lips visibly.
_PARTED = 0.03
_AUTOMATIC, _EXPRESSIONS = "AUTOMATIC", "EXPRESSIONS"
# Where a head has several sets, the first of these speaks.
_PREFERRED = ("OCULUS", "MICROSOFT", "VRM")


class EFFIGY_OT_import_speech(ReportsErrors, bpy.types.Operator):
    """Let the head say a file of Rhubarb Lip Sync (JSON, TSV, XML) or a TextGrid of the Montreal Forced Aligner. Its animation stays; speech lies over it"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.import_speech"
    bl_label = "Import lip sync"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(
        name="File",
        description="A .json, .tsv or .xml of Rhubarb, or a .TextGrid",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"} | RELATIVE,
    )
    filter_glob: bpy.props.StringProperty(
        default="*.json;*.tsv;*.txt;*.xml;*.TextGrid;*.textgrid", options={"HIDDEN", "SKIP_SAVE"}
    )
    target: bpy.props.EnumProperty(
        name="Keys",
        description="Which shape keys speak",
        items=(
            (_AUTOMATIC, "Automatic", "Visemes where the head has some, else its expressions"),
            (_EXPRESSIONS, "Expressions", "The 52 expressions, or the rig that drives them"),
            *SET_ITEMS,
        ),
        translation_context=CONTEXT,
    )
    frame: bpy.props.IntProperty(
        name="Start frame",
        description="The frame at which the recording starts",
        default=1,
        min=-LAST_FRAME,
        max=LAST_FRAME,
        options={"SKIP_SAVE"},
        translation_context=CONTEXT,
    )
    tier: bpy.props.StringProperty(
        name="Tier",
        description="The tier of a TextGrid with the phones; empty: the only one there is",
        options={"SKIP_SAVE"},
        translation_context=CONTEXT,
    )

    @classmethod
    def poll(cls, context):
        return poll_own_mesh(cls, context)

    def invoke(self, context, event):
        if not self.properties.is_property_set("frame"):
            self.frame = context.scene.frame_start
        if self.filepath:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context):
        obj = active_head(context)
        if not self.filepath:
            raise UsageError("No file was chosen", self.bl_rna.properties["filepath"].description)
        path = path_of(self.filepath)
        speech = read_speech(path, self.tier)
        which = _target(obj, self.target)
        curves = _curves(obj, speech.cues, frames_per_second(context.scene), which)
        owner, placed = _placed(obj, curves, self.frame)
        action = add_action(owner, f"{obj.name} {path.stem}", placed)
        first, last = (round(frame) for frame in action.frame_range)
        done = f"{action.name}: {len(speech.cues)} sounds, frames {first} to {last}"
        doubts = _doubts(obj, speech, which)
        self.report({"WARNING" if doubts else "INFO"}, ". ".join([done, *doubts]))
        return {"FINISHED"}


def _target(obj: bpy.types.Object, chosen: str) -> str:
    """The set that speaks, or _EXPRESSIONS. Raises HeadError: the head lacks the chosen one."""
    there = sets_on(obj)
    if chosen == _AUTOMATIC:
        return next((which for which in _PREFERRED if which in there), _EXPRESSIONS)
    if chosen != _EXPRESSIONS and chosen not in there:
        raise HeadError(
            f"{obj.name} has no visemes of {SETS[chosen].label}",
            "Add them first (Speech, Visemes), or choose Automatic",
        )
    return chosen


def _doubts(obj: bpy.types.Object, speech: Speech, which: str) -> list[str]:
    """What of the speech will not be as it should, one sentence each."""
    found = []
    if speech.unknown:
        found.append(f"No viseme shows the phones {', '.join(speech.unknown[:8])}")
    keys = obj.data.shape_keys.key_blocks
    parted = [name for name in PARTING if name in keys and keys[name].value > _PARTED]
    # Visemes add to them; where the expressions speak they have curves themselves.
    if which != _EXPRESSIONS and parted:
        found.append(f"Lips will not meet while {', '.join(parted)} is up: press Neutral")
    return found


def _curves(obj: bpy.types.Object, cues: tuple[Cue, ...], rate: float, which: str) -> Curves:
    if which == _EXPRESSIONS:
        return expression_curves(cues, rate, settled(SETS[FINEST], mouth_of(obj)))
    return viseme_curves(cues, rate, which)


def _placed(
    obj: bpy.types.Object, curves: Curves, start: int
) -> tuple[bpy.types.ID, Mapping[str, tuple[np.ndarray, np.ndarray]]]:
    """Who has the values of the keys, and the curves by paths there.

    Keys that something else drives are left to it: their values cannot be set.

    Raises
    ------
    HeadError: none can be set.
    """
    keys = obj.data.shape_keys
    driven = (
        {curve.data_path for curve in keys.animation_data.drivers} if keys.animation_data else ()
    )
    found: dict[bpy.types.ID, dict[str, tuple[np.ndarray, np.ndarray]]] = {}
    for name, (frames, values) in curves.items():
        key = keys.key_blocks.get(name)
        if key is None:
            continue
        owner, path = expression_slot(obj, key)
        if owner == key:
            owner, path = keys, key.path_from_id("value")
            if path in driven:
                continue
        found.setdefault(owner, {})[path] = (frames + start, values)
    if not found:
        raise HeadError(f"{obj.name} has no shape keys that can speak", "Press Rebuild head first")
    # Beside a rig, keys that are not on it are the person's own matter.
    return max(found.items(), key=lambda item: len(item[1]))


CLASSES = (EFFIGY_OT_import_speech,)
