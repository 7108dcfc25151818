"""The relief of a person from their photos, at the strength that the settings ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..detail.view import PersonView
from ..head.storage import load_head_model
from ..parsing.classes import Parse
from ..settings import CONSISTENT, Settings

if TYPE_CHECKING:
    from ..detail.consistency import StrengthChoice
    from ..detail.relief import Relief
    from ..detail.rerender import Scene


@dataclass(frozen=True)
class SeenRelief:
    """What one photo shows of a relief; ``scene`` only where its features are to be compared."""

    relief: Relief
    scene: Scene | None = None


@dataclass(frozen=True)
class FoundRelief:
    """A person's relief at its final strength, and how that was chosen; None if it was not."""

    relief: Relief
    choice: StrengthChoice | None = None


def see_relief(view: PersonView, parse: Parse, settings: Settings) -> SeenRelief:
    """What one photo, with its ``parse``, shows of the relief of a person who was fitted to it."""
    from ..detail.relief import find_relief

    model = load_head_model()
    relief = find_relief(view, model, parse)
    if settings.detail != CONSISTENT:
        return SeenRelief(relief)
    from ..detail.rerender import make_scene

    return SeenRelief(relief, make_scene(view, model, relief))


def relief_from(seen: Sequence[SeenRelief], settings: Settings) -> FoundRelief:
    """The relief that all photos of one person agree on, at the strength of the settings.

    Raises
    ------
    WeightsMissing, EngineUnavailable: see :func:`ml.perception.choice.chosen_consistency`.
    """
    from ..detail.relief import combined

    relief = seen[0].relief if len(seen) == 1 else combined([one.relief for one in seen])
    if settings.detail != CONSISTENT:
        return FoundRelief(relief)
    from ..detail.consistency import choose_strength
    from ..perception.choice import chosen_consistency

    loss = chosen_consistency(settings.clip, settings.clip_folder)
    scenes = [one.scene for one in seen if one.scene is not None]
    choice = choose_strength(relief.height, scenes, loss, settings.clip)
    return FoundRelief(relief.times(choice.strength), choice)
