"""What can be set of the hair of a head: custom properties, which work without Effigy, too."""

from __future__ import annotations

import bpy

from .metadata import HAIR

SHOW, HAIR_LENGTH, BEARD_LENGTH = "effigy_hair_shown", "effigy_hair_length", "effigy_beard_length"
HAIR_TINT, HAIR_LIGHTNESS = "effigy_hair_tint", "effigy_hair_lightness"
LENGTHS = {"hair": HAIR_LENGTH, "beard": BEARD_LENGTH}
LONGEST = 1.5
_PROPERTIES = {
    SHOW: (True, {"description": "Show the hair and render it"}),
    HAIR_LENGTH: (
        1.0,
        {"min": 0.0, "max": LONGEST, "subtype": "FACTOR", "description": "1: as in the photo"},
    ),
    BEARD_LENGTH: (
        1.0,
        {"min": 0.0, "max": LONGEST, "subtype": "FACTOR", "description": "1: as in the photo"},
    ),
    HAIR_TINT: (
        (1.0, 1.0, 1.0),
        {"min": 0.0, "max": 1.0, "subtype": "COLOR", "description": "Colour on the photo's"},
    ),
    HAIR_LIGHTNESS: (
        0.0,
        {"min": -1.0, "max": 1.0, "description": "Below 0: more melanin; above 0: bleached"},
    ),
}


def add_properties(obj: bpy.types.Object) -> None:
    """Give a head what it has not yet, as in its photo."""
    for name, (value, about) in _PROPERTIES.items():
        if name not in obj:
            obj[name] = value
            obj.id_properties_ui(name).update(**about)


def length_of(hair: bpy.types.Object) -> float:
    """How long the head wants the strands of a hair object; 1: as they are."""
    return float(hair.parent.get(LENGTHS.get(hair[HAIR], ""), 1.0))
