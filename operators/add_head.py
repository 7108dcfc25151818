"""Add a head without a photo: the average person, or a random one."""

from __future__ import annotations

import bpy

from ..ml.geometry.mesh_names import mesh_name
from ..ml.results.nobody import average_head, random_head
from ..ml.settings import Settings, option
from .heads import make_active, poll_object_mode
from .random_person import RandomPerson
from .reporting import ReportsErrors
from .scene.collection import build_nobody
from .translations import CONTEXT

_LEVEL, _BUST = option("level"), option("bust")


class EFFIGY_OT_add_head(RandomPerson, ReportsErrors, bpy.types.Operator):
    """Add a head without a photo: the average person, or a random one, with all expressions"""

    bl_idname = "effigy.add_head"
    bl_label = "Effigy head"
    bl_options = {"REGISTER", "UNDO", "PRESET"}

    person: bpy.props.EnumProperty(
        name="Person",
        description="Whose head",
        items=(
            ("AVERAGE", "Average", "The mean of all people of the head model"),
            ("RANDOM", "Random", "A person drawn from the head model"),
        ),
        translation_context=CONTEXT,
    )
    level: bpy.props.EnumProperty(
        name=_LEVEL.label,
        description=_LEVEL.help,
        items=[(each.value, each.label, each.help) for each in _LEVEL.choices],
        default=Settings().level,
        translation_context=CONTEXT,
    )
    bust: bpy.props.BoolProperty(
        name=_BUST.label,
        description=_BUST.help,
        default=Settings().bust,
        translation_context=CONTEXT,
    )

    @classmethod
    def poll(cls, context):
        return poll_object_mode(cls, context)

    def draw(self, context):
        layout = self.layout
        layout.use_property_split, layout.use_property_decorate = True, False
        layout.prop(self, "person")
        if self.person == "RANDOM":
            layout.prop(self, "seed")
            layout.prop(self, "variation")
        layout.prop(self, "level")
        layout.prop(self, "bust")

    def run(self, context):
        mesh = mesh_name(self.level, bust=self.bust)
        if self.person == "RANDOM":
            head, name = random_head(self.seed, self.variation, mesh), f"Head {self.seed}"
        else:
            head, name = average_head(mesh), "Head"
        make_active(context, build_nobody(context.scene, context.view_layer, head, name))
        return {"FINISHED"}


CLASSES = (EFFIGY_OT_add_head,)
