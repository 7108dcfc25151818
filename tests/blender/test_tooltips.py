"""Whatever a person can press, type or choose says what it does."""


def shown(bpy, module):
    """Operators, settings and preferences: their RNA types by name."""
    names = (name for name in dir(bpy.ops.effigy) if not name.startswith("_"))
    kinds = {f"effigy.{name}": getattr(bpy.ops.effigy, name).get_rna_type() for name in names}
    kinds["settings"] = module("operators.settings").EFFIGY_PG_settings.bl_rna
    kinds["preferences"] = module("panels.preferences").EFFIGY_AP_preferences.bl_rna
    kinds["shape"] = module("operators.shape.properties").EFFIGY_PG_shape.bl_rna
    return kinds


def test_every_operator_has_a_tooltip(bpy, module):
    lacking = [
        name
        for name, kind in shown(bpy, module).items()
        if name.startswith("effigy.")
        and kind.description in ("", "(undocumented operator)", kind.name)
    ]
    assert lacking == []


def test_every_property_and_choice_has_a_tooltip(bpy, module):
    own = [
        (f"{name}.{prop.identifier}", prop)
        for name, kind in shown(bpy, module).items()
        for prop in kind.properties
        if prop.translation_context == "Effigy" and not prop.is_hidden
    ]
    assert len(own) > 50
    assert [name for name, prop in own if not prop.description] == []
    choices = [
        f"{name}: {item.name}"
        for name, prop in own
        for item in getattr(prop, "enum_items", ())
        if not item.description
    ]
    assert choices == []


def test_tooltips_end_as_blenders_do(bpy, module):
    """Blender adds the full stop itself."""
    texts = {
        prop.description
        for kind in shown(bpy, module).values()
        for prop in kind.properties
        if prop.translation_context == "Effigy"
    } | {kind.description for kind in shown(bpy, module).values()}
    assert [text for text in texts if text.endswith(".")] == []
