"""Where the value of an expression lives, and the only way to set it.

Without a rig it is the shape key's own value. With one it is a property of the armature under the
key's name, which drives the key: the armature then carries a whole performance, bones and
expressions, in one action. Drivers are plain sums of one property: no script has to be trusted.
"""

from __future__ import annotations

import bpy

from .animation import move_curve, move_driver
from .metadata import rig_of
from .strips import move_strips

BASIS = "Basis"
# Blender clamps slider ranges to this, and values to the slider range.
_SLIDER_LIMIT = 10.0


def expression_slot(
    obj: bpy.types.Object, key: bpy.types.ShapeKey
) -> tuple[bpy.types.bpy_struct, str]:
    """What to show as the slider of a key: the owner of its value, and the path there."""
    rig = rig_of(obj)
    if rig is not None and key.name in rig:
        return rig, _path(key.name)
    return key, "value"


def slider_value(obj: bpy.types.Object, key: bpy.types.ShapeKey) -> float:
    """What the slider of a key says; a rig's lids and control board add to that."""
    owner, path = expression_slot(obj, key)
    return float(owner.path_resolve(path))


def keyframe_place(
    obj: bpy.types.Object, key: bpy.types.ShapeKey
) -> tuple[bpy.types.ID, str] | None:
    """The datablock that keyframes of a key belong to, and the path there.

    None where a driver of the person's own sets the key.
    """
    owner, path = expression_slot(obj, key)
    if owner != key:
        return owner, path
    return None if _driver(key) is not None else _place(key)


def widen_slider(obj: bpy.types.Object, key: bpy.types.ShapeKey, low: float, high: float) -> None:
    """Let the slider of a key reach from ``low`` to ``high``: keyframes are clamped to it."""
    key.slider_min = max(min(key.slider_min, low), -_SLIDER_LIMIT)
    key.slider_max = min(max(key.slider_max, high), _SLIDER_LIMIT)
    rig = rig_of(obj)
    if rig is not None and key.name in rig:
        _limit_property(rig, key)


def set_expression(obj: bpy.types.Object, key: bpy.types.ShapeKey, value: float) -> None:
    """Set the value of a key of ``obj``, wherever it lives."""
    set_key_value(key, value)
    rig = rig_of(obj)
    if rig is not None and key.name in rig:
        _set_property(rig, key)


def set_key_value(key: bpy.types.ShapeKey, value: float) -> None:
    """Set a key's own value, widening its slider first: Blender clamps values to the slider."""
    key.slider_min = max(min(0.0, value), -_SLIDER_LIMIT)
    key.slider_max = min(max(1.0, value), _SLIDER_LIMIT)
    # Always explicit: a new key starts at 1 in Blender 5.0 and at 0 before.
    key.value = value


def drive_keys(obj: bpy.types.Object, rig: bpy.types.Object, names: tuple[str, ...]) -> None:
    """Let properties of ``rig`` drive the keys of these names, at their present values.

    A key that has a driver of the person's own keeps it and gets no property. The keyframes of
    the others go to the properties, those in strips of the NLA, too.
    """
    keys, paths = obj.data.shape_keys.key_blocks, {}
    for name in names:
        if name in keys and _driver(keys[name]) is None:
            _set_property(rig, keys[name])
            rig.property_overridable_library_set(_path(name), True)
            move_curve(_place(keys[name]), (rig, _path(name)))
            _drive(keys[name], rig)
            paths[keys[name].path_from_id("value")] = _path(name)
    move_strips(obj.data.shape_keys, rig, paths)


def release_keys(
    obj: bpy.types.Object, rig: bpy.types.Object | None, *, shared: bool = False
) -> None:
    """Remove the drivers of ``rig``; the keys keep their values and get the rig's animation.

    ``rig`` is None where it was deleted by hand: its drivers then point nowhere. ``shared``:
    another head goes on with it, and with its keyframes.
    """
    paths: dict[str, str] = {}
    for key in obj.data.shape_keys.key_blocks if obj.data.shape_keys else ():
        driver = _driver(key)
        if driver is None or not _is_ours(driver, key.name, rig):
            continue
        key.driver_remove("value")
        if rig is not None and key.name in rig:
            set_key_value(key, rig[key.name])
            move_curve((rig, _path(key.name)), _place(key), keep=shared)
            move_driver((rig, _path(key.name)), _place(key))
            paths[_path(key.name)] = key.path_from_id("value")
    if paths:
        move_strips(rig, obj.data.shape_keys, paths, keep=shared)


def rig_driver(key: bpy.types.ShapeKey, rig: bpy.types.Object) -> bpy.types.Driver | None:
    """The driver by which ``rig`` sets a key; None where it does not."""
    driver = _driver(key)
    return driver if driver is not None and _is_ours(driver, key.name, rig) else None


def _set_property(rig: bpy.types.Object, key: bpy.types.ShapeKey) -> None:
    """Set the property that drives a key to the key's value and limits."""
    rig[key.name] = float(key.value)
    _limit_property(rig, key)
    rig.update_tag()  # Blender does not notice by itself that a property was set


def _limit_property(rig: bpy.types.Object, key: bpy.types.ShapeKey) -> None:
    """Give the property that drives a key the key's limits."""
    low, high = key.slider_min, key.slider_max
    rig.id_properties_ui(key.name).update(
        min=low,
        max=high,
        soft_min=low,
        soft_max=high,
        default=0.0,
        description=f"Drives the shape key {key.name}",
    )


def _drive(key: bpy.types.ShapeKey, rig: bpy.types.Object) -> None:
    driver = key.driver_add("value").driver
    driver.type = "SUM"
    variable = driver.variables.new()
    variable.name, variable.type = "value", "SINGLE_PROP"
    variable.targets[0].id = rig
    variable.targets[0].data_path = _path(key.name)


def _driver(key: bpy.types.ShapeKey) -> bpy.types.Driver | None:
    animation = key.id_data.animation_data
    curve = animation.drivers.find(key.path_from_id("value")) if animation else None
    return curve.driver if curve is not None else None


def _is_ours(driver: bpy.types.Driver, name: str, rig: bpy.types.Object | None) -> bool:
    """Whether the property drives the key, perhaps among more of the rig; see gaze.py."""
    targets = [target for variable in driver.variables for target in variable.targets]
    own = any(target.data_path == _path(name) for target in targets)
    return own and all(target.id == rig for target in targets)


def _place(key: bpy.types.ShapeKey) -> tuple[bpy.types.ID, str]:
    return key.id_data, key.path_from_id("value")


def _path(name: str) -> str:
    return f'["{bpy.utils.escape_identifier(name)}"]'
