"""What operators that draw a person at random ask for."""

from __future__ import annotations

import secrets

import bpy

from .translations import CONTEXT

# New seeds are short enough to be read and typed.
_SEEDS = 10_000


class RandomPerson:
    """Mixin for operators: a seed, drawn anew where none is given, and how far from the average."""

    seed: bpy.props.IntProperty(
        name="Seed",
        description="The same seed gives the same person",
        min=0,
        options={"SKIP_SAVE"},
        translation_context=CONTEXT,
    )
    variation: bpy.props.FloatProperty(
        name="Variation",
        description="How far from the average: 1 as people differ",
        default=1.0,
        min=0.0,
        max=1.5,
        subtype="FACTOR",
        translation_context=CONTEXT,
    )

    def invoke(self, context, event):
        if not self.properties.is_property_set("seed"):
            self.seed = secrets.randbelow(_SEEDS)
        return self.execute(context)
