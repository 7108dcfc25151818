"""The hair of a head: strands as hair curves on its surface, children of the head.

What is adjustable are custom properties of the head; drivers bring them to the strands, so that
they work, and can be animated, in a Blender without Effigy.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np

from ...ml.errors import HeadError
from ...ml.geometry.colour import linear_of
from ...ml.hair.strands import HAIR_NAME, Strands, read_strands
from ...ml.hair.surface import follow, locate, nearest_uv, unclear
from .axes import to_blender
from .hair_arrays import points_of, root_uv_of, skin_of
from .hair_material import new_hair_material
from .hair_nodes import (
    COLOUR,
    DENSITY,
    LENGTH,
    LIGHTNESS,
    SHOWN,
    SURFACE,
    SURFACE_UV,
    TINT,
    hair_nodes,
    identifiers,
)
from .hair_values import HAIR_LIGHTNESS, HAIR_TINT, LENGTHS, SHOW, add_properties
from .mesh import UV_LAYER
from .metadata import HAIR

# The kinds of strands in each object, by what its name ends with.
PARTS = {"hair": ("scalp",), "brows": ("brow",), "beard": ("beard", "moustache")}
# Strands that are seen and rendered for each one that can be edited.
DENSITIES = {"hair": 6, "brows": 1, "beard": 2}
_MODIFIER = "Effigy hair"
# The radius at the tip, as a share of that at the root.
_TIP = 0.25
# Metres below which a root lies where it should.
_SAME = 1e-6
Keep = Callable[[bpy.types.ID], bpy.types.ID]


def hair_of(obj: bpy.types.Object) -> list[bpy.types.Object]:
    """The hair objects of a head, in the order of PARTS."""
    found = [each for each in obj.children if each.type == "CURVES" and HAIR in each]
    return sorted(found, key=lambda each: [*PARTS, each[HAIR]].index(each[HAIR]))


def strands_in(directory: Path) -> Strands | None:
    """The strands of a result; None where it has none. Raises HeadError: they are damaged."""
    path = directory / HAIR_NAME
    if not path.exists():
        return None
    try:
        return read_strands(path)
    except ValueError as error:
        raise HeadError(
            f"{path} is damaged or no file of hair", "Reconstruct the photo again"
        ) from error


def new_hair(obj: bpy.types.Object, strands: Strands, keep: Keep) -> list[bpy.types.Object]:
    """Hair objects for ``obj``, its children, not linked yet; ``keep`` is given all that is new."""
    made = []
    for part, kinds in PARTS.items():
        chosen = strands.of(*kinds)
        if not len(chosen.points):
            continue
        name = f"{obj.name} {part}"
        data = keep(_new_curves(name, chosen))
        data.surface, data.surface_uv_map = obj, UV_LAYER
        colour = tuple(linear_of(chosen.colour).mean(0).tolist())
        data.materials.append(keep(new_hair_material(name, colour)))
        hair = keep(bpy.data.objects.new(name, data))
        hair[HAIR] = part
        hair.parent = obj
        made.append(hair)
    if made:
        add_properties(obj)
        obj.add_rest_position_attribute = True  # else nodes cannot tell how the skin is deformed
    for hair in made:
        _add_nodes(hair, obj)
    settle_hair(obj)
    return made


def renew_hair(obj: bpy.types.Object, strands: Strands) -> None:
    """Give ``obj`` the strands of its photo in place of what it has.

    Its hair objects stay, with their materials and modifiers, and so do lengths and colours.
    """
    before, made = {each[HAIR]: each for each in hair_of(obj)}, list[bpy.types.ID]()
    try:
        fresh = new_hair(obj, strands, lambda each: made.append(each) or each)
    except BaseException:
        bpy.data.batch_remove(made)
        raise
    for hair in fresh:
        known = before.pop(hair[HAIR], None)
        if known is None:
            obj.users_collection[0].objects.link(hair)
        else:
            _take_strands(known, hair)
    _remove(list(before.values()))  # the photo has none of these


def settle_hair(obj: bpy.types.Object) -> None:
    """Move the strands along with the skin at rest, as far as it has another shape now.

    Their nodes keep the roots on the skin anyhow; this carries the tips round the head as well.
    Roots that the map of the mesh does not have, or has twice, go to the nearest place it has once.
    """
    hairs = [each for each in hair_of(obj) if each.data.library is None]
    if not hairs or UV_LAYER not in obj.data.uv_layers:
        return
    skin = skin_of(obj.data)
    for hair in hairs:
        points, strand, roots = points_of(hair.data)
        uv = root_uv_of(hair.data)
        lost = unclear(uv, skin.uv)
        if lost.any() and SURFACE_UV in hair.data.attributes:
            uv[lost] = nearest_uv(roots[lost], skin.uv, skin.places)
            hair.data.attributes[SURFACE_UV].data.foreach_set("vector", uv.ravel())
        found = locate(uv, skin.uv)
        moved = np.where(found.triangle[:, None] >= 0, found.of(skin.places) - roots, 0)
        if len(moved) and np.abs(moved).max() > _SAME:
            after = follow(points, strand, moved)
            hair.data.position_data.foreach_set("vector", np.ascontiguousarray(after).ravel())
            hair.data.update_tag()


def _new_curves(name: str, strands: Strands) -> bpy.types.Curves:
    """Curves in Blender's space, with radius, root and colour of each strand."""
    count, points = strands.points.shape[:2]
    data = bpy.data.hair_curves.new(name)
    data.add_curves([points] * count)
    places = np.ascontiguousarray(to_blender(strands.points), np.float32)
    data.position_data.foreach_set("vector", places.ravel())
    thin = np.linspace(0.5, 0.5 * _TIP, points, dtype=np.float32)
    radius = strands.width[:, None].astype(np.float32) * thin
    colour = np.ones((count, 4), np.float32)
    colour[:, :3] = strands.colour / np.float32(255)
    for attribute, kind, domain, field, values in (
        ("radius", "FLOAT", "POINT", "value", radius),
        (SURFACE_UV, "FLOAT2", "CURVE", "vector", strands.root_uv),
        (COLOUR, "BYTE_COLOR", "CURVE", "color_srgb", colour),
    ):
        layer = data.attributes.get(attribute) or data.attributes.new(attribute, kind, domain)
        layer.data.foreach_set(field, np.ascontiguousarray(values, np.float32).ravel())
    return data


def _add_nodes(hair: bpy.types.Object, obj: bpy.types.Object) -> None:
    """The nodes that move and colour the strands, and drivers for them from the head."""
    modifier = hair.modifiers.new(_MODIFIER, "NODES")
    modifier.node_group = tree = hair_nodes()
    paths = {name: _path(modifier, key) for name, key in identifiers(tree).items()}
    _set_input(modifier, identifiers(tree)[SURFACE], obj)
    _set_input(modifier, identifiers(tree)[DENSITY], DENSITIES[hair[HAIR]])
    wanted = {SHOWN: SHOW, LIGHTNESS: HAIR_LIGHTNESS, LENGTH: LENGTHS.get(hair[HAIR])}
    for name, source in wanted.items():
        if source is not None:
            _drive(hair.driver_add(paths[name]), obj, f'["{source}"]')
    for channel in range(3):
        _drive(hair.driver_add(paths[TINT], channel), obj, f'["{HAIR_TINT}"][{channel}]')


def _path(modifier: bpy.types.Modifier, key: str) -> str:
    """Where a modifier has an input of its nodes, as a path from its object."""
    own = f'modifiers["{bpy.utils.escape_identifier(modifier.name)}"]'
    # Blender 5.2 and later have no custom properties there.
    new = hasattr(modifier, "properties")
    return f"{own}.properties.inputs.{key}.value" if new else f'{own}["{key}"]'


def _set_input(modifier: bpy.types.Modifier, key: str, value: bpy.types.Object | int) -> None:
    if hasattr(modifier, "properties"):
        getattr(modifier.properties.inputs, key).value = value
    else:
        modifier[key] = value


def _drive(curve: bpy.types.FCurve, obj: bpy.types.Object, path: str) -> None:
    # Not scripted: Blender would ask whether the file can be trusted.
    curve.driver.type = "AVERAGE"
    target = curve.driver.variables.new().targets[0]
    target.id, target.data_path = obj, path


def _take_strands(hair: bpy.types.Object, fresh: bpy.types.Object) -> None:
    """Give ``hair`` the strands of ``fresh``, which is removed."""
    old, new, made = hair.data, fresh.data, fresh.data.materials[0]
    if len(old.materials):
        new.materials.clear()
        for material in old.materials:
            new.materials.append(material)
    hair.data = new
    bpy.data.objects.remove(fresh)
    name = old.name
    bpy.data.batch_remove([each for each in (old, made) if each.users == 0])
    new.name = name


def _remove(hairs: list[bpy.types.Object]) -> None:
    """Remove hair objects, and data and materials that nothing else uses."""
    datas = {each.data for each in hairs}
    materials = {one for data in datas for one in data.materials if one is not None}
    bpy.data.batch_remove(hairs)
    bpy.data.batch_remove({each for each in datas if each.users == 0})
    bpy.data.batch_remove({each for each in materials if each.users == 0})
