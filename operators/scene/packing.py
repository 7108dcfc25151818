"""How programs want baked maps: which map's channels go where, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import bpy
import numpy as np

from ...ml.data import FloatArray
from .bake import COLOR, MASKS, NORMAL, ORM
from .images import pack_made

# By packing and by name: a map as it is, or what each channel is: a channel of a map, with "~" 1
# less it, or a number.
PACKINGS: Mapping[str, Mapping[str, str | tuple[str, ...]]] = {
    # glTF, Godot, most engines: occlusion, roughness and metal in one.
    "ORM": {COLOR: COLOR, NORMAL: NORMAL, ORM: ORM, MASKS: MASKS},
    # Renderers, FBX and USD: one grey map for each property.
    "SEPARATE": {
        COLOR: COLOR,
        NORMAL: NORMAL,
        "roughness": ("orm.1",) * 3,
        "occlusion": ("orm.0",) * 3,
        "coat": ("masks.0",) * 3,
        "specular": ("masks.1",) * 3,
        "subsurface": ("masks.2",) * 3,
    },
    # Unity's mask map: metal, occlusion, detail, smoothness.
    "UNITY": {
        COLOR: COLOR,
        NORMAL: NORMAL,
        "roughness": ("orm.1",) * 3,
        "maskmap": ("orm.2", "orm.0", "0", "~orm.1"),
    },
    # Unreal: normals point down where others' point up.
    "UNREAL": {
        COLOR: COLOR,
        NORMAL: ("normal.0", "~normal.1", "normal.2"),
        "roughness": ("orm.1",) * 3,
        ORM: ORM,
        MASKS: MASKS,
    },
}


def packed(
    name: str, maps: Mapping[str, bpy.types.Image], packing: str, wanted: Iterable[str] = ()
) -> dict[str, bpy.types.Image]:
    """The images of ``packing``, by kind; maps that are not among them are removed.

    wanted: the kinds that are made; none: all.
    """
    chosen = set(wanted) or set(PACKINGS[packing])
    table = {kind: how for kind, how in PACKINGS[packing].items() if kind in chosen}
    pixels = _Pixels(maps)
    found = {
        kind: maps[how] if isinstance(how, str) else _composed(f"{name} {kind}", how, pixels)
        for kind, how in table.items()
    }
    bpy.data.batch_remove(set(maps.values()) - set(found.values()))
    for kind, image in found.items():  # those that are gone had taken the names
        pack_made(image, f"{name} {kind}")
    return found


class _Pixels:
    """Channels of maps, each read once."""

    def __init__(self, maps: Mapping[str, bpy.types.Image]) -> None:
        self._maps = maps
        self._read: dict[str, FloatArray] = {}

    def channel(self, name: str) -> FloatArray | float:
        """What a word of the table stands for: (S * S,) or a number."""
        if name.startswith("~"):
            return 1 - self.channel(name[1:])
        kind, _, number = name.partition(".")
        if not number:
            return float(kind)
        if kind not in self._read:
            image = self._maps[kind]
            flat = np.empty(4 * image.size[0] * image.size[1], np.float32)
            image.pixels.foreach_get(flat)
            self._read[kind] = flat.reshape(-1, 4)
        return self._read[kind][:, int(number)]

    @property
    def size(self) -> int:
        return next(iter(self._maps.values())).size[0]


def _composed(name: str, how: tuple[str, ...], pixels: _Pixels) -> bpy.types.Image:
    size = pixels.size
    image = bpy.data.images.new(name, size, size, alpha=len(how) == 4, is_data=True)
    if len(how) == 4:
        image.alpha_mode = "CHANNEL_PACKED"
    values = np.ones((size * size, 4), np.float32)
    for number, word in enumerate(how):
        values[:, number] = pixels.channel(word)
    image.pixels.foreach_set(values.ravel())
    return image
