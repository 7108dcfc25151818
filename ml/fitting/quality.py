"""How far a head can be trusted: one figure, and in words what lowers it.

*Quality* is what a head is expected to add to the mean face. The error of the face at rest, over
the error that the mean face has, is expected from measures of the photo and the fit. 0 stands for a
head that is expected to be no better than the mean face (or worse), 1 for one as good as from a
sharp photo of an uncovered face that looks into the camera; in between quality is linear in that
expected error.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, isfinite, log

from .measures import Measures

# The reason is given below this.
LOW = 0.3
# What a term of :func:`terms` adds, per unit, to the logarithm of the expected error over the mean
# face's. From ``python -m ml.evaluation quality --data DATA``, which prints them. Shares of the
# face outside the picture or turned away, contrast, and residuals in sigmas explain no more of it,
# for the network's own sigmas know of them.
CONSTANT = -0.19
WEIGHTS = {
    "vagueness": 0.273,
    "identity": 1.065,
    "disagreement": 0.13,
    "misfit": 0.058,
    "blur": 0.289,
    "symmetry": 0.268,
}
# Of the sum of the terms; the exponential of more means nothing.
MOST = 10.0
# Above this share of points outside, or turned away, they are named as the cause.
MUCH = 0.25
# Below these the face is called small (pixels), blurred, without contrast (grey levels of 255).
SMALL, BLURRED, FLAT = 60.0, 0.06, 9.0
# A shape is named as the cause if it is so much of what lowers the quality. Blur and a second face
# that shines through make for unusual shapes, too, up to 0.55.
MOSTLY = 0.6
# No face is so symmetric, nor lit so evenly: one half of the picture was made from the other.
MADE = 0.95
_DISTORTED = (
    "The face would have a very unusual shape: a stretched or mirrored picture, or a face that is "
    "partly covered?"
)
_UNLIKE = (
    "The landmarks do not agree with any head: a negative, a drawing, a strongly covered or "
    "stretched picture?"
)


@dataclass(frozen=True)
class Quality:
    """How far a head can be trusted.

    Attributes
    ----------
    value: 0..1, see the module. reason: a sentence without a full stop; empty unless it is low.
    """

    value: float
    reason: str = ""


def quality_of(found: Measures) -> Quality:
    """The quality of a head with these measures, and the reason if it is below LOW."""
    value = min(max((1 - expected_error(found)) / (1 - exp(CONSTANT)), 0.0), 1.0)
    return Quality(value, reason_of(found) if value < LOW else "")


def expected_error(found: Measures) -> float:
    """The expected error of the face at rest over the error of the mean face."""
    total = sum(WEIGHTS[name] * term for name, term in terms(found).items())
    return exp(CONSTANT + total) if isfinite(total) and total < MOST else inf


def terms(found: Measures) -> dict[str, float]:
    """What is unusual about a face, by name: 0 where nothing is, and greater the more it is.

    Logarithms and shares are above what sharp photos of uncovered faces seen from the front have.
    """
    return {
        "vagueness": _above(found.vagueness, 0.006),
        "identity": _above(found.identity, 0.35),
        "disagreement": _above(found.disagreement, 2.5),
        "misfit": _above(found.misfit, 0.005),
        "blur": max(0.0, 0.12 - found.fineness),
        "symmetry": float(found.symmetry > MADE),
    }


def reason_of(found: Measures) -> str:
    """Why a head with these measures cannot be trusted, in words."""
    parts = {name: WEIGHTS[name] * term for name, term in terms(found).items()}
    if found.outside > MUCH:
        return f"{_share(found.outside)} of the face lies outside the picture"
    if found.width < SMALL:
        return f"The face is only {found.width:.0f} pixels wide"
    if found.symmetry > MADE:
        return "One half of the picture is the mirror image of the other"
    shape = parts["identity"] + parts["disagreement"]
    if shape > MOSTLY * sum(parts.values()):
        return _DISTORTED
    if found.contrast < FLAT:
        return "The face has hardly any contrast: too dark, too bright or foggy?"
    if found.fineness < BLURRED:
        return "The face is blurred"
    if found.turned > MUCH:
        hidden = _share(found.turned)
        return f"{hidden} of the face is turned away from the camera, or covered"
    return _UNLIKE


def _share(value: float) -> str:
    """A share of the face in words."""
    names = ((0.3, "A quarter"), (0.42, "A third"), (0.58, "Half"), (0.72, "Two thirds"))
    return next((name for limit, name in names if value < limit), "Most")


def _above(value: float, usual: float) -> float:
    """The natural logarithm of ``value`` over ``usual``; 0 below it."""
    return max(0.0, log(max(value, 1e-9) / usual))
