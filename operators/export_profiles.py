"""What each program wants of a head's file, as a table: format, names, order, maps, levels.

Names of bones and shape keys are those of the programs' public documentation: Unity's humanoid
bones, Unreal's mannequin, VRM 1.0's humanoid, Live Link Face's curves, the blended shapes of
VRCFaceTracking's Unified Expressions, VRChat's visemes. Keys that a table does not name keep
their names and come last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..ml.head.arkit import EXPRESSION_NAMES
from ..ml.performance.write import LIVE_LINK_ORDER


@dataclass(frozen=True)
class Profile:
    """How one program wants a head.

    Attributes
    ----------
    label, help: for people. format: of WRITERS. suffix: of the file, where it is another than the
        format's. packing: of baked maps. keys: names of shape keys, by Effigy's, in the file's
        order. bones: names of bones, by Effigy's and "root".
    lod: names of meshes, of {name} and {number} (0 is the finest); empty: one level alone.
    influences: bones that a vertex may follow. humanoid: whether a whole body's bones and VRM's
        expressions are added. options: of Blender's exporter, besides those of the format.
    """

    label: str
    help: str
    format: str
    suffix: str = ""
    packing: str = "SEPARATE"
    keys: Mapping[str, str] = field(default_factory=dict)
    bones: Mapping[str, str] = field(default_factory=dict)
    lod: str = "{name}_LOD{number}"
    influences: int = 4
    humanoid: bool = False
    options: Mapping[str, object] = field(default_factory=dict)


_ARKIT = {name: name for name in LIVE_LINK_ORDER}
_LIVE_LINK = {name: f"{name[0].upper()}{name[1:]}" for name in LIVE_LINK_ORDER}
# ARKit's expressions as Unified Expressions; what a word stands for, side by side.
_UNIFIED = {
    "eyeBlink": "EyeClosed",
    "browDown": "BrowDown",
    "mouthClose": "MouthClosed",
    "mouthFunnel": "LipFunnel",
    "mouthPucker": "LipPucker",
    "mouthRollUpper": "LipSuckUpper",
    "mouthRollLower": "LipSuckLower",
    "mouthShrugUpper": "MouthRaiserUpper",
    "mouthShrugLower": "MouthRaiserLower",
}


def _unified(name: str) -> str:
    for side in ("Left", "Right"):
        stem = name.removesuffix(side)
        if stem != name and stem in _UNIFIED:
            return _UNIFIED[stem] + side
    return _UNIFIED.get(name, f"{name[0].upper()}{name[1:]}")


_VRC_VISEMES = {
    f"viseme_{name}": f"vrc.v_{name.lower()}"
    for name in ("sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E")
} | {"viseme_I": "vrc.v_ih", "viseme_O": "vrc.v_oh", "viseme_U": "vrc.v_ou"}

_HUMANOID = {
    "root": "Root",
    "neck": "Neck",
    "head": "Head",
    "jaw": "Jaw",
    "eye.L": "LeftEye",
    "eye.R": "RightEye",
}
_MANNEQUIN = {"neck": "neck_01", "eye.L": "eye_l", "eye.R": "eye_r"}
_VRM_BONES = {"neck": "neck", "head": "head", "jaw": "jaw"}
_VRM_BONES |= {"eye.L": "leftEye", "eye.R": "rightEye"}

PROFILES = {
    "UNITY": Profile(
        "Unity",
        "FBX, bones as Unity's humanoid has them, mask map",
        "FBX",
        packing="UNITY",
        keys=_ARKIT,
        bones=_HUMANOID,
    ),
    "UNREAL": Profile(
        "Unreal Engine",
        "FBX, expressions as Live Link Face sends them, normals as DirectX has them",
        "FBX",
        packing="UNREAL",
        keys=_LIVE_LINK,
        bones=_MANNEQUIN,
        influences=8,
    ),
    "GODOT": Profile(
        "Godot", "GLB, bones as Godot's humanoid has them", "GLB", packing="ORM", bones=_HUMANOID
    ),
    "WEB": Profile(
        "three.js", "GLB for three.js, Babylon.js and glTF viewers", "GLB", packing="ORM"
    ),
    "VRM": Profile(
        "VRM 1.0",
        "Avatar with VRM's expressions, visemes and bones; a head on the bones of a body",
        "GLB",
        ".vrm",
        packing="ORM",
        bones=_VRM_BONES,
        lod="",
        humanoid=True,
    ),
    "VRCHAT": Profile(
        "VRChat",
        "FBX, expressions as Unified Expressions for VRCFaceTracking",
        "FBX",
        packing="UNITY",
        keys={name: _unified(name) for name in EXPRESSION_NAMES} | _VRC_VISEMES,
        bones=_HUMANOID,
    ),
    "ARKIT": Profile(
        "Apple ARKit",
        "USDZ, expressions in ARKit's order",
        "USD",
        ".usdz",
        keys=_ARKIT,
        lod="",
        # Apple's own check of files (usdchecker --arkit) refuses another axis.
        options={
            "convert_orientation": True,
            "export_global_forward_selection": "NEGATIVE_Z",
            "export_global_up_selection": "Y",
        },
    ),
}

# A body for a head alone, as VRM demands one: parent, and where the bone begins, metres from the
# neck's own beginning in Blender's space, X to the subject's left, Z up. They move nothing.
BODY: Mapping[str, tuple[str, tuple[float, float, float]]] = {
    "hips": ("", (0.0, 0.0, -0.55)),
    "spine": ("hips", (0.0, 0.0, -0.43)),
    "chest": ("spine", (0.0, 0.0, -0.26)),
    **{
        f"{side}{part}": (parent.format(side), (sign * x, 0.0, z))
        for side, sign in (("left", 1), ("right", -1))
        for part, parent, x, z in (
            ("UpperLeg", "hips", 0.09, -0.6),
            ("LowerLeg", "{}UpperLeg", 0.09, -1.0),
            ("Foot", "{}LowerLeg", 0.09, -1.4),
            ("UpperArm", "chest", 0.16, -0.06),
            ("LowerArm", "{}UpperArm", 0.43, -0.06),
            ("Hand", "{}LowerArm", 0.68, -0.06),
        )
    },
}


def _both(**weights: float) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in weights.items():
        sides = [name] if name in EXPRESSION_NAMES else [f"{name}Left", f"{name}Right"]
        found |= dict.fromkeys(sides, value)
    return found


# VRM's preset expressions as weights of ARKit's; its visemes are those of ml/speech.
VRM_EXPRESSIONS: Mapping[str, Mapping[str, float]] = {
    "happy": _both(mouthSmile=0.8, cheekSquint=0.5, eyeSquint=0.3, mouthDimple=0.2),
    "angry": _both(browDown=0.9, eyeSquint=0.4, noseSneer=0.5, mouthPress=0.4, mouthFrown=0.3),
    "sad": _both(browInnerUp=0.8, mouthFrown=0.7, mouthShrugLower=0.4, eyeLookDown=0.2),
    "relaxed": _both(mouthSmile=0.3, eyeBlink=0.25),
    "surprised": _both(browInnerUp=0.8, browOuterUp=0.8, eyeWide=0.8, jawOpen=0.35),
    "blink": _both(eyeBlink=1.0),
    "blinkLeft": {"eyeBlinkLeft": 1.0},
    "blinkRight": {"eyeBlinkRight": 1.0},
    "lookUp": _both(eyeLookUp=1.0),
    "lookDown": _both(eyeLookDown=1.0),
    "lookLeft": {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0},
    "lookRight": {"eyeLookOutRight": 1.0, "eyeLookInLeft": 1.0},
}
