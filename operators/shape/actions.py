"""What changes all of a head's shape at once: reset, a random person, a mix of two heads."""

from __future__ import annotations

from dataclasses import replace

import bpy

from ...ml.errors import HeadError
from ...ml.results.nobody import random_identity
from ...ml.results.provenance import check_same_model, provenance_of
from ...ml.results.shaped import Shaped
from ...ml.shape_sliders.sliders import SLIDERS
from ..heads import poll_mesh_edit
from ..random_person import RandomPerson
from ..reporting import ReportsErrors
from ..scene.metadata import active_head, is_head, record_of
from ..translations import CONTEXT
from .head import identity_on, set_shape, shape_on


class _ShapeOperator(ReportsErrors):
    """Mixin: moves the mesh of the active head."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        return poll_mesh_edit(cls, context)


class EFFIGY_OT_reset_shape(_ShapeOperator, bpy.types.Operator):
    """Take shape sliders back: the head is as the photo and its pins say"""

    bl_idname = "effigy.reset_shape"
    bl_label = "Reset shape"

    slider: bpy.props.StringProperty(
        name="Slider",
        description="The name of one slider; empty: all, with likeness and mix",
        options={"SKIP_SAVE"},
        translation_context=CONTEXT,
    )

    @classmethod
    def description(cls, context, properties):
        return "Put this slider back to 0" if properties.slider else cls.__doc__

    def run(self, context):
        obj = active_head(context)
        shaped = shape_on(obj)
        if not self.slider:
            set_shape(obj, Shaped(shaped.identity))
            return {"FINISHED"}
        if self.slider not in SLIDERS:
            raise HeadError(
                f"There is no shape slider {self.slider!r}", f"Use one of {', '.join(SLIDERS)}"
            )
        set_shape(obj, replace(shaped, sliders={**shaped.sliders, self.slider: 0.0}))
        return {"FINISHED"}


class EFFIGY_OT_random_shape(RandomPerson, _ShapeOperator, bpy.types.Operator):
    """Give the head the shape of a random person; texture, animation and sliders stay. Reset shape brings the person back"""  # noqa: E501 - the tooltip

    bl_idname = "effigy.random_shape"
    bl_label = "Random person"

    mix: bpy.props.FloatProperty(
        name="Mix",
        description="Per cent of the random person; the rest is the head's own",
        default=100.0,
        min=0.0,
        max=100.0,
        precision=0,
        subtype="PERCENTAGE",
        translation_context=CONTEXT,
    )

    def run(self, context):
        obj = active_head(context)
        other = random_identity(self.seed, self.variation)
        set_shape(obj, replace(shape_on(obj), other=other, mix=self.mix))
        return {"FINISHED"}


class EFFIGY_OT_mix_heads(_ShapeOperator, bpy.types.Operator):
    """Mix the shape of the other selected head into the active one"""

    bl_idname = "effigy.mix_heads"
    bl_label = "Mix heads"

    mix: bpy.props.FloatProperty(
        name="Mix",
        description="Per cent of the other head",
        default=50.0,
        min=0.0,
        max=100.0,
        precision=0,
        subtype="PERCENTAGE",
        translation_context=CONTEXT,
    )

    @classmethod
    def poll(cls, context):
        if not super().poll(context):
            return False
        if len(_others(context)) != 1:
            cls.poll_message_set("Select two heads: the other one, then the one that shall change")
            return False
        return True

    def run(self, context):
        obj, other = active_head(context), _others(context)[0]
        check_same_model(provenance_of(record_of(other)))
        shaped = replace(shape_on(obj), other=identity_on(other), mix=self.mix)
        set_shape(obj, shaped)
        return {"FINISHED"}


def _others(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The selected heads but the active one; a head is selected by its rig, too."""
    active, found = active_head(context), []
    for obj in context.selected_objects:
        for head in (obj, *obj.children):
            if is_head(head) and head != active and head not in found:
                found.append(head)
    return found


CLASSES = (EFFIGY_OT_reset_shape, EFFIGY_OT_random_shape, EFFIGY_OT_mix_heads)
