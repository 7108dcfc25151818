"""What all photos of one person have a say in: the relief, and the texture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..detail.view import PersonView
from ..head.storage import load_head_model
from ..parsing.classes import Parse
from ..settings import Settings
from .relief import FoundRelief, SeenRelief, relief_from, see_relief
from .sight import Sight, parse_face
from .timing import Clock

if TYPE_CHECKING:
    from ..appearance.texture import SeenSkin, Texture


@dataclass(frozen=True)
class Common:
    """A person's relief, and the texture in the light of each photo, in their order.

    Attributes
    ----------
    relief: None where there is none. textures: all with one albedo; empty where there is none.
    """

    relief: FoundRelief | None = None
    textures: tuple[Texture, ...] = ()

    def of(self, number: int) -> Own:
        """What the photo with this number gets of it."""
        return Own(self.relief, self.textures[number] if self.textures else None)


@dataclass(frozen=True)
class Own:
    """Relief and texture of one head; None where its photo alone says what they are."""

    relief: FoundRelief | None = None
    texture: Texture | None = None


def common_of(sights: Iterable[tuple[Sight, Clock]], settings: Settings) -> Common:
    """What the settings ask for, from all photos of a person.

    sights: made one after the other, for ten large photos would fill the memory. Their clocks
    count what each takes.

    Raises
    ------
    WeightsMissing, EngineUnavailable
    """
    if settings.detail == "off" and not settings.texture_size:
        return Common()
    reliefs: list[SeenRelief] = []
    skins: list[SeenSkin] = []
    last = Clock()
    for sight, clock in sights:
        last = clock
        with clock.step("parse"):
            parse = parse_face(sight.photo, sight.camera, sight.person)
        if settings.detail != "off":
            with clock.step("detail"):
                view = PersonView(sight.photo.rgb, sight.camera, sight.person, settings.renderer)
                reliefs.append(see_relief(view, parse, settings))
        if settings.texture_size:
            with clock.step("texture"):
                skins.append(_see_skin(sight, parse, settings))
    with last.step("detail"):
        relief = relief_from(reliefs, settings) if reliefs else None
    with last.step("texture"):
        textures = _blended(skins, settings.texture_size)
    return Common(relief, textures)


def _see_skin(sight: Sight, parse: Parse, settings: Settings) -> SeenSkin:
    from ..appearance.blend import cropped
    from ..appearance.texture import View, see_skin

    view = View(sight.photo, sight.camera, sight.person.expressed, parse)
    size, renderer = settings.texture_size, settings.renderer
    return cropped(see_skin(view, load_head_model(), size, renderer))


def _blended(skins: list[SeenSkin], size: int) -> tuple[Texture, ...]:
    from ..appearance.blend import blend_textures

    return tuple(blend_textures(skins, load_head_model(), size)) if skins else ()
