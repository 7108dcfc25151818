"""The sliders as properties of the head: ``obj.effigy_shape.jaw_width = 4``.

They have no values of their own: what is read and written is the head's record, so that undo,
files, copies and rebuilding have one truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import bpy
import numpy as np
from bpy.props import FloatProperty, PointerProperty

from ...ml.errors import explained
from ...ml.results.shaped import Shaped
from ...ml.settings import LEAST_LIKENESS, MOST_LIKENESS
from ...ml.shape_sliders.sliders import MM, SLIDERS, Slider
from ..reporting import KNOWN
from ..scene.metadata import is_head
from ..translations import CONTEXT
from .head import set_shape, shape_on

_UNITS = {MM: "millimetres", "%": "per cent"}
_UNMOVED = Shaped(np.zeros(0, np.float32))
Change = Callable[[Shaped, float], Shaped]


def _get(value: Callable[[Shaped], float], otherwise: float) -> Callable[[Any], float]:
    def get(self) -> float:
        obj = self.id_data
        return float(value(shape_on(obj))) if is_head(obj) else otherwise

    return get


def _set(change: Change, low: float, high: float) -> Callable[[Any, float], None]:
    def set_value(self, value: float) -> None:
        obj = self.id_data
        if not is_head(obj):
            return
        try:
            # A script's value is not held to the limits by Blender.
            set_shape(obj, change(shape_on(obj), min(max(value, low), high)))
        except KNOWN as error:
            if bpy.app.background:
                raise
            _say(str(explained(error)))

    return set_value


def _say(text: str) -> None:
    """Show an error at the mouse: a property cannot report one as an operator does."""

    def draw(self, context):
        self.layout.label(text=text, translate=False)

    bpy.context.window_manager.popup_menu(draw, title="Effigy", icon="ERROR")


def _slider(slider: Slider) -> object:
    def change(shaped: Shaped, value: float) -> Shaped:
        return replace(shaped, sliders={**shaped.sliders, slider.name: value})

    return FloatProperty(
        name=slider.label,
        description=f"{slider.help} ({_UNITS[slider.unit]})",
        min=-slider.reach,
        max=slider.reach,
        precision=1 if slider.unit == MM else 0,
        step=10 if slider.unit == MM else 100,
        options=set(),
        get=_get(lambda shaped: shaped.sliders.get(slider.name, 0.0), 0.0),
        set=_set(change, -slider.reach, slider.reach),
        translation_context=CONTEXT,
    )


def _share(name: str, description: str, limits: tuple[int, int]) -> object:
    """The property of a share of a Shaped, per cent; by default as where no slider was moved."""
    default = getattr(_UNMOVED, name)
    return FloatProperty(
        name=name.capitalize(),
        description=description,
        default=default,
        min=limits[0],
        max=limits[1],
        precision=0,
        subtype="PERCENTAGE",
        options=set(),
        get=_get(lambda shaped: getattr(shaped, name), default),
        set=_set(lambda shaped, value: replace(shaped, **{name: value}), *limits),
        translation_context=CONTEXT,
    )


class _Sliders:
    """A property for each slider, under its name, and for each share."""

    # Made here: Blender reads annotations of its own classes where functions do not know ours.
    __annotations__ = {slider.name: _slider(slider) for slider in SLIDERS.values()} | {
        "likeness": _share(
            "likeness",
            "Per cent of what makes this person differ from the average head; 100 as it was built",
            (LEAST_LIKENESS, MOST_LIKENESS),
        ),
        "mix": _share(
            "mix",
            "Per cent of the other head, which Mix heads or Random person took",
            (0, 100),
        ),
    }


class EFFIGY_PG_shape(_Sliders, bpy.types.PropertyGroup):
    """Where the shape sliders of a head stand."""


CLASSES = (EFFIGY_PG_shape,)


def attach() -> None:
    bpy.types.Object.effigy_shape = PointerProperty(type=EFFIGY_PG_shape)


def detach() -> None:
    del bpy.types.Object.effigy_shape
