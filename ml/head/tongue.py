"""What tongueOut means on our head, and to the networks."""

from __future__ import annotations

import numpy as np

from ..data import FloatArray
from .arkit import EXPRESSION_NAMES

# How far the jaw of the heads that the networks learn from opens to let the tongue out, as a share
# of jawOpen. In ARKit, and on our head, tongueOut leaves the jaw alone.
TONGUE_OUT_JAW = 0.45


def with_own_jaw(expression: FloatArray) -> FloatArray:
    """(..., 52) activations as the networks learn them -> those of our head, in a new array.

    What their tongueOut lowers the jaw is added to jawOpen.
    """
    jaw, tongue = (EXPRESSION_NAMES.index(name) for name in ("jawOpen", "tongueOut"))
    changed = expression.copy()
    changed[..., jaw] += TONGUE_OUT_JAW * np.clip(expression[..., tongue], 0, 1)
    return changed
