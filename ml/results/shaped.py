"""What a result says of a head that was changed by shape sliders (ml.shape_sliders). NumPy only.

``reconstruction.json`` then has one more entry, ``"shaped"``: whom the sliders started from, and
where they stand. ``"identity"`` is of the changed head.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..data import FloatArray
from .camera import plain

NAME = "shaped"
LIKENESS, MIX = 100.0, 0.0


@dataclass(frozen=True)
class Shaped:
    """Where the sliders of a head stand.

    Attributes
    ----------
    identity: (I,) of the head without sliders, as photo and pins say. sliders: their values by
    name, in their units; 0 where they are not named. likeness: per cent of what makes that person
    differ from the average. other: (I,) of the head that is mixed in, None: none. mix: per cent of
    it.
    """

    identity: FloatArray
    sliders: Mapping[str, float] = field(default_factory=dict)
    likeness: float = LIKENESS
    other: FloatArray | None = None
    mix: float = MIX

    @property
    def changes_nothing(self) -> bool:
        """Whether the head is as without sliders; another head may be ready to be mixed in."""
        still = not any(self.sliders.values()) and self.likeness == LIKENESS
        return still and (self.other is None or self.mix == 0)

    def to_json(self) -> dict[str, Any]:
        """Plain Python values; :func:`shaped_of` reads them back."""
        mixed = {"other": plain(self.other)} if self.other is not None else {}
        return {
            "identity": plain(self.identity),
            "sliders": {name: float(value) for name, value in self.sliders.items() if value},
            "likeness": float(self.likeness),
            "mix": float(self.mix),
            **mixed,
        }


def shaped_of(about: Mapping[str, Any]) -> Shaped | None:
    """What the contents of a ``reconstruction.json`` say of sliders; None where none was moved.

    Raises
    ------
    ValueError: it is damaged.
    """
    stored = about.get(NAME)
    if stored is None:
        return None
    try:
        shaped = _read(stored)
        people = [shaped.identity, *([shaped.other] if shaped.other is not None else [])]
        values = np.array([*shaped.sliders.values(), shaped.likeness, shaped.mix])
        sound = all(np.isfinite(each).all() for each in (*people, values))
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{NAME!r} is damaged ({error!r:.100})") from error
    if not sound or any(each.shape != np.shape(about["identity"]) for each in people):
        raise ValueError(f"{NAME!r} has values that do not fit")
    return shaped


def unshaped_identity(about: Mapping[str, Any]) -> Any:
    """The numbers of the head without sliders, as the contents of a ``.json`` have them."""
    return (about.get(NAME) or about)["identity"]


def _read(stored: Mapping[str, Any]) -> Shaped:
    return Shaped(
        identity=np.array(stored["identity"], np.float32),
        sliders={str(name): float(value) for name, value in dict(stored["sliders"]).items()},
        likeness=float(stored["likeness"]),
        other=np.array(stored["other"], np.float32) if "other" in stored else None,
        mix=float(stored["mix"]),
    )
