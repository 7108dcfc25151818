"""ARKit's 52 expression names in Effigy's order, and their regions.

The order is fixed: files and weights store expressions as arrays in this order.
"""

from __future__ import annotations

REGIONS: dict[str, tuple[str, ...]] = {
    "Brows": (
        "browDownLeft",
        "browDownRight",
        "browInnerUp",
        "browOuterUpLeft",
        "browOuterUpRight",
    ),
    "Eyes": (
        "eyeBlinkLeft",
        "eyeBlinkRight",
        "eyeLookDownLeft",
        "eyeLookDownRight",
        "eyeLookInLeft",
        "eyeLookInRight",
        "eyeLookOutLeft",
        "eyeLookOutRight",
        "eyeLookUpLeft",
        "eyeLookUpRight",
        "eyeSquintLeft",
        "eyeSquintRight",
        "eyeWideLeft",
        "eyeWideRight",
    ),
    "Cheeks and nose": (
        "cheekPuff",
        "cheekSquintLeft",
        "cheekSquintRight",
        "noseSneerLeft",
        "noseSneerRight",
    ),
    "Jaw": ("jawForward", "jawLeft", "jawOpen", "jawRight"),
    "Mouth": (
        "mouthClose",
        "mouthDimpleLeft",
        "mouthDimpleRight",
        "mouthFrownLeft",
        "mouthFrownRight",
        "mouthFunnel",
        "mouthLeft",
        "mouthLowerDownLeft",
        "mouthLowerDownRight",
        "mouthPressLeft",
        "mouthPressRight",
        "mouthPucker",
        "mouthRight",
        "mouthRollLower",
        "mouthRollUpper",
        "mouthShrugLower",
        "mouthShrugUpper",
        "mouthSmileLeft",
        "mouthSmileRight",
        "mouthStretchLeft",
        "mouthStretchRight",
        "mouthUpperUpLeft",
        "mouthUpperUpRight",
        "tongueOut",
    ),
}

EXPRESSION_NAMES: tuple[str, ...] = tuple(name for names in REGIONS.values() for name in names)
"""All 52 names, region by region."""


def mirrored_name(name: str) -> str:
    """The name of the same expression on the other side of the face.

    A name that ends with Left or Right (``mouthSmileLeft``, ``jawLeft``) gets the other ending;
    every other name is returned unchanged.
    """
    if name.endswith("Left"):
        return name.removesuffix("Left") + "Right"
    if name.endswith("Right"):
        return name.removesuffix("Right") + "Left"
    return name
