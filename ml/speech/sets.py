"""Sets of visemes, the mouth's shapes for sounds, as weights of the 52 expressions.

Names and sounds are those of public documentation: Meta's viseme reference of Oculus Lipsync (15),
Microsoft's SPVISEMES, which Azure's viseme ids follow (22), and VRM 1.0's lip-sync expressions (5).
The weights are Effigy's own. Expressions without a side stand for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..head.arkit import EXPRESSION_NAMES

# Activations by the names of expressions.
Weights = Mapping[str, float]


def _both(**weights: float) -> dict[str, float]:
    """Weights by ARKit's names; ``mouthPress`` is ``mouthPressLeft`` and ``mouthPressRight``."""
    found: dict[str, float] = {}
    for name, value in weights.items():
        known = name in EXPRESSION_NAMES
        found |= dict.fromkeys([name] if known else [f"{name}Left", f"{name}Right"], value)
    return found


# Expressions that part the lips of somebody at rest.
PARTING = tuple(
    _both(jawOpen=1, mouthFunnel=1, mouthLowerDown=1, mouthUpperUp=1, mouthShrugUpper=1)
)
_REST: dict[str, float] = {}
_P = _both(mouthPress=0.35, mouthRollLower=0.25, mouthRollUpper=0.2, mouthPucker=0.05)
_F = _both(jawOpen=0.04, mouthRollLower=0.55, mouthUpperUp=0.3)
_TH = _both(jawOpen=0.14, tongueOut=0.25, mouthLowerDown=0.2, mouthUpperUp=0.15)
_T = _both(jawOpen=0.1, mouthLowerDown=0.25, mouthUpperUp=0.12, mouthStretch=0.1)
_K = _both(jawOpen=0.16, mouthLowerDown=0.15, mouthUpperUp=0.1)
_CH = _both(jawOpen=0.08, mouthFunnel=0.45, mouthPucker=0.25, mouthLowerDown=0.15)
_S = _both(jawOpen=0.04, mouthStretch=0.25, mouthSmile=0.1, mouthLowerDown=0.3, mouthUpperUp=0.15)
_L = _both(jawOpen=0.12, mouthLowerDown=0.2, mouthUpperUp=0.12)
_R = _both(jawOpen=0.12, mouthFunnel=0.3, mouthPucker=0.25)
_ER = _both(jawOpen=0.18, mouthFunnel=0.3, mouthPucker=0.15)
_AE = _both(jawOpen=0.32, mouthStretch=0.15, mouthLowerDown=0.15, mouthUpperUp=0.1)
_AA = _both(jawOpen=0.45, mouthLowerDown=0.15, mouthUpperUp=0.1)
_AO = _both(jawOpen=0.38, mouthFunnel=0.4, mouthPucker=0.1)
_E = _both(jawOpen=0.25, mouthStretch=0.2, mouthSmile=0.15, mouthLowerDown=0.2, mouthUpperUp=0.1)
_I = _both(jawOpen=0.13, mouthStretch=0.25, mouthSmile=0.25, mouthLowerDown=0.15)
_EE = _both(jawOpen=0.12, mouthStretch=0.3, mouthSmile=0.4, mouthLowerDown=0.2, mouthUpperUp=0.1)
_O = _both(jawOpen=0.28, mouthFunnel=0.45, mouthPucker=0.25)
_U = _both(jawOpen=0.12, mouthFunnel=0.25, mouthPucker=0.65)
_AW = _both(jawOpen=0.4, mouthFunnel=0.25, mouthPucker=0.1)
_OY = _both(jawOpen=0.28, mouthFunnel=0.35, mouthSmile=0.05)
_AY = _both(jawOpen=0.35, mouthStretch=0.15, mouthSmile=0.12, mouthLowerDown=0.15)
_H = _both(jawOpen=0.16, mouthLowerDown=0.08)


@dataclass(frozen=True)
class VisemeSet:
    """Visemes under the names that programs look for.

    Attributes
    ----------
    label: the set's name. shapes: weights by the names of shape keys, in the set's own order.
    closing: names of those in which the lips meet.
    """

    label: str
    shapes: Mapping[str, Weights]
    closing: frozenset[str]


_OCULUS = {
    **{"sil": _REST, "PP": _P, "FF": _F, "TH": _TH, "DD": _T, "kk": _K, "CH": _CH, "SS": _S},
    **{"nn": _L, "RR": _R, "aa": _AA, "E": _E, "I": _I, "O": _O, "U": _U},
}
_MICROSOFT = (
    *(_REST, _AE, _AA, _AO, _E, _ER, _I, _U, _O, _AW, _OY, _AY),
    *(_H, _R, _L, _S, _CH, _TH, _F, _T, _K, _P),
)
SETS: dict[str, VisemeSet] = {
    "OCULUS": VisemeSet(
        "Oculus",
        {f"viseme_{name}": weights for name, weights in _OCULUS.items()},
        frozenset({"viseme_PP"}),
    ),
    "MICROSOFT": VisemeSet(
        "Microsoft",
        {f"viseme_{number}": weights for number, weights in enumerate(_MICROSOFT)},
        frozenset({"viseme_21"}),
    ),
    "VRM": VisemeSet("VRM", {"aa": _AA, "ih": _I, "ou": _U, "ee": _EE, "oh": _O}, frozenset()),
}
