"""Sounds of speech: which viseme of each set shows one, and how it blends with its neighbours."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

# Longest transitions into and out of a sound, seconds: lips are rounded early.
_USUAL, _ROUNDED = 0.12, 0.2


@dataclass(frozen=True)
class Sound:
    """A kind of sound.

    Attributes
    ----------
    microsoft: viseme id. oculus: viseme. vrm: weights of VRM's expressions.
    dominance: how much of a neighbour's shape gives way to this one's. reach: longest transition,
    seconds. closes: whether the lips, or lip and teeth, must touch. halves: the sounds that a
    diphthong goes through, where a set has no viseme for it.
    """

    microsoft: int
    oculus: str
    vrm: Mapping[str, float] = field(default_factory=dict)
    dominance: float = 1.0
    reach: float = _USUAL
    closes: bool = False
    halves: tuple[str, ...] = ()


SILENCE = "silence"
SOUNDS: dict[str, Sound] = {
    SILENCE: Sound(0, "sil"),
    "ae": Sound(1, "aa", {"aa": 0.7}),
    "aa": Sound(2, "aa", {"aa": 1.0}),
    "ao": Sound(3, "O", {"oh": 1.0}, reach=_ROUNDED),
    "eh": Sound(4, "E", {"ee": 0.4, "aa": 0.4}),
    "er": Sound(5, "RR", {"oh": 0.5}),
    "iy": Sound(6, "I", {"ih": 0.6, "ee": 0.4}),
    "uw": Sound(7, "U", {"ou": 1.0}, reach=_ROUNDED),
    "ow": Sound(8, "O", {"oh": 1.0}, reach=_ROUNDED),
    "aw": Sound(9, "aa", {"aa": 1.0}, halves=("aa", "uw")),
    "oy": Sound(10, "O", {"oh": 1.0}, halves=("ao", "iy")),
    "ay": Sound(11, "aa", {"aa": 1.0}, halves=("aa", "iy")),
    "h": Sound(12, "kk", {"aa": 0.3}, dominance=0.3),
    "r": Sound(13, "RR", {"ou": 0.5}, dominance=0.8, reach=_ROUNDED),
    "l": Sound(14, "nn", {"ih": 0.3}, dominance=0.6),
    "s": Sound(15, "SS", {"ih": 0.3}, dominance=0.9),
    "sh": Sound(16, "CH", {"ou": 0.4}, reach=_ROUNDED),
    "th": Sound(17, "TH", {"ih": 0.4}),
    "f": Sound(18, "FF", closes=True),
    "t": Sound(19, "DD", {"ih": 0.3}, dominance=0.6),
    "n": Sound(19, "nn", {"ih": 0.3}, dominance=0.6),
    "k": Sound(20, "kk", {"ih": 0.3}, dominance=0.5),
    "p": Sound(21, "PP", closes=True),
}
# Rhubarb's shapes, from Hanna-Barbera's; G, H and X are optional there.
RHUBARB = {
    **{"A": "p", "B": "s", "C": "eh", "D": "aa", "E": "ao"},
    **{"F": "uw", "G": "f", "H": "l", "X": SILENCE},
}
# Phones of ARPABET and of the Montreal Forced Aligner's IPA sets, by sound.
_PHONES = {
    SILENCE: "sil sp spn <eps> eps pau <sil>",
    "ae": "AE AX AH ae ax ah æ ə ʌ ɐ a ɘ",
    "aa": "AA aa ɑ ɒ ä ã ɑ̃",
    "ao": "AO ao ɔ œ̃ ɔ̃",
    "eh": "EY EH UH eh uh ey ɛ e ej eɪ ɛː ʊ ø œ ɤ ɵ",
    "er": "ER AXR er axr ɝ ɚ ɜ",
    "iy": "IY IH IX Y iy ih ix i ɪ ɨ j y ʏ ʝ ç ɥ ʎ ɟ c",
    "uw": "W UW UX w uw ux u ʉ ɯ ʍ ɰ",
    "ow": "OW ow o əw oʊ əʊ",
    "aw": "AW aw aʊ au",
    "oy": "OY oy ɔj ɔɪ ɔʏ oj",
    "ay": "AY ay aj aɪ ai",
    "h": "HH H hh h ħ ɦ ʔ q",
    "r": "R r ɹ ɾ ɻ ʁ ʀ ɽ",
    "l": "L EL l el ɫ ɭ ɬ ɮ",
    "s": "S Z s z ts dz t͡s d͡z",
    "sh": "SH CH JH ZH sh ch jh zh ʃ ʒ tʃ dʒ ɕ ʑ tɕ dʑ ʂ ʐ tʂ dʐ",
    "th": "TH DH th dh θ ð t̪ d̪",
    "f": "F V f v ɱ ʋ",
    "t": "T D DX t d dx ʈ ɖ",
    "n": "N EN NX n en ɲ ɳ",
    "k": "K G NG k g ng ɡ ŋ x ɣ χ kp ɡb ɴ",
    "p": "P B M EM p b m em ɸ β pf",
}
_SOUND_OF = {phone: sound for sound, phones in _PHONES.items() for phone in phones.split()}
# Length, stress, tone and what is written as a raised letter: none of it changes the lips' shape.
_MARKS = str.maketrans("", "", "0123456789ːˑˈˌʰʲʷˠˤʼˀ˞̚˥˦˧˨˩̃*.")


def sound_of_phone(phone: str) -> str | None:
    """The name in :data:`SOUNDS` of a phone in ARPABET or IPA; None where it is not known."""
    if not phone or phone in _SOUND_OF:
        return _SOUND_OF.get(phone, SILENCE)
    plain = phone.translate(_MARKS)
    bare = "".join(
        letter
        for letter in unicodedata.normalize("NFD", plain)
        if not unicodedata.combining(letter)
    )
    # What is left of a diphthong or an affricate that is not listed is shown by its beginning.
    for known in (plain, bare, bare[:2], bare[:1]):
        if known in _SOUND_OF:
            return _SOUND_OF[known]
    return None
