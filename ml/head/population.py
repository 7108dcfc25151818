"""How far a person may differ from the average and still be one."""

from __future__ import annotations

import numpy as np

# Root mean square of an identity beyond which no person is plausible.
PLAUSIBLE = 1.5


def plausible_share(identity: np.ndarray, change: np.ndarray) -> float:
    """0..1: the share of a change (I,) after which the (I,) identity is still a person's.

    One that is beyond PLAUSIBLE before may stay where it is.
    """
    first = identity.astype(np.float64)
    limit = max(PLAUSIBLE**2, float((first**2).mean()))
    if ((first + change) ** 2).mean() <= limit:
        return 1.0
    # The root of a quadratic: where the way leaves the sphere of plausible people.
    a, b = float((change**2).mean()), float((first * change).mean())
    c = float((first**2).mean()) - limit
    return float((-b + np.sqrt(max(b * b - a * c, 0.0))) / a)
