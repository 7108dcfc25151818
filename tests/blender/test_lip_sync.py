"""Lip-sync files as keyframes of a head: frame rate, who speaks, and what stays of before."""

import numpy as np
import pytest

from ml.speech.lips import lip_opening
from ml.speech.sets import SETS
from tests.support.layout import Layout, draw

# "apa", with pauses; shapes of Rhubarb.
TSV = "0.00\tX\n0.20\tD\n0.50\tA\n0.60\tD\n1.00\tX\n1.20\tX\n"
P_MIDDLE = 0.55


@pytest.fixture
def head(bpy):
    bpy.ops.effigy.add_head(person="RANDOM", seed=5)
    bpy.ops.effigy.expression(which="NEUTRAL")
    return bpy.context.object


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "apa.tsv"
    path.write_text(TSV)
    return path


def curves_of(module, owner):
    """Frames and values by path of the action that plays on ``owner``."""
    animation = owner.animation_data
    slot = getattr(animation, "action_slot", None)
    found = module("operators.scene.animation").slot_curves(animation.action, slot)
    return {
        curve.data_path: [tuple(point.co) for point in curve.keyframe_points] for curve in found
    }


def load(bpy, path, **how):
    return bpy.ops.effigy.import_speech(filepath=str(path), **how)


@pytest.mark.parametrize(("rate", "base"), [(24, 1.0), (30, 1.001), (60, 1.0)])
def test_a_head_without_visemes_speaks_with_its_expressions_and_its_lips_meet(
    bpy, head, module, shown, file, rate, base
):
    bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = rate, base
    head.data.shape_keys.key_blocks["mouthShrugUpper"].value = 0.5  # as a photo may have it
    assert load(bpy, file, frame=11) == {"FINISHED"}
    closing = round(11 + P_MIDDLE * rate / base)
    mouth = module("operators.speech.keys").mouth_of(head)
    opening = {}
    for frame in (11 + round(0.35 * rate / base), closing):
        bpy.context.scene.frame_set(frame)
        x, y, z = shown(head).T
        opening[frame] = 1000 * lip_opening(np.stack([x, z, -y], -1), mouth.lips).max()
    assert opening.pop(closing) == pytest.approx(-0.1, abs=0.03)
    assert min(opening.values()) > 8
    curves = curves_of(module, head.data.shape_keys)
    jaw = curves['key_blocks["jawOpen"].value']
    assert all(frame == int(frame) for frame, _ in jaw)
    assert jaw[0][1] == jaw[-1][1] == 0
    assert jaw[-1][0] == pytest.approx(11 + 1.2 * rate / base, abs=0.25 * rate)


@pytest.mark.parametrize("which", SETS)
def test_a_head_with_visemes_speaks_with_them(bpy, head, module, file, which):
    bpy.ops.effigy.add_visemes(which=which)
    assert load(bpy, file, frame=1) == {"FINISHED"}
    curves = curves_of(module, head.data.shape_keys)
    assert set(curves) == {f'key_blocks["{name}"].value' for name in SETS[which].shapes}
    bpy.context.scene.frame_set(round(1 + P_MIDDLE * 24))
    keys = head.data.shape_keys.key_blocks
    values = {name: keys[name].value for name in SETS[which].shapes if keys[name].value > 1e-6}
    assert values == pytest.approx({name: 1.0 for name in SETS[which].closing})


def test_whoever_speaks_can_be_chosen_and_must_be_there(bpy, head, module, file):
    with pytest.raises(RuntimeError, match=r"no visemes of VRM\. Add them first"):
        load(bpy, file, target="VRM")
    assert head.data.shape_keys.animation_data is None
    for which in ("VRM", "OCULUS"):
        bpy.ops.effigy.add_visemes(which=which)
    load(bpy, file, target="VRM")
    assert 'key_blocks["aa"].value' in curves_of(module, head.data.shape_keys)
    load(bpy, file)
    assert 'key_blocks["viseme_aa"].value' in curves_of(module, head.data.shape_keys)
    load(bpy, file, target="EXPRESSIONS")
    assert 'key_blocks["jawOpen"].value' in curves_of(module, head.data.shape_keys)


def test_with_a_rig_its_properties_speak_and_its_animation_goes_on(bpy, head, module, file):
    bpy.ops.effigy.rig(add=True)
    rig = head.parent
    bone = rig.pose.bones["head"]
    for frame, angle in ((1, 0.0), (24, 0.5)):
        bone.rotation_euler.z = angle
        bone.keyframe_insert("rotation_euler", frame=frame)
    rig["jawOpen"] = 0.9
    rig.keyframe_insert('["jawOpen"]', frame=1)
    old = rig.animation_data.action
    assert load(bpy, file, frame=1) == {"FINISHED"}
    assert rig.animation_data.action != old
    assert '["jawOpen"]' in curves_of(module, rig)
    strips = [strip for track in rig.animation_data.nla_tracks for strip in track.strips]
    assert [strip.action for strip in strips] == [old]
    bpy.context.scene.frame_set(24)
    assert bone.rotation_euler.z == pytest.approx(0.5)
    bpy.context.scene.frame_set(round(1 + P_MIDDLE * 24))
    mouth = module("operators.speech.keys").mouth_of(head)
    settled = module("ml.speech.lips").settled(SETS["MICROSOFT"], mouth)["viseme_21"]
    assert rig["jawOpen"] == pytest.approx(settled["jawOpen"], abs=1e-4)
    assert head.data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(rig["jawOpen"])


def test_a_second_line_leaves_the_first_where_it_is(bpy, head, file):
    load(bpy, file, frame=1)
    first = head.data.shape_keys.animation_data.action
    bpy.context.scene.frame_set(9)
    said = head.data.shape_keys.key_blocks["jawOpen"].value
    load(bpy, file, frame=101)
    assert said > 0.3
    for frame in (9, 109):
        bpy.context.scene.frame_set(frame)
        assert head.data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(said)
    bpy.context.scene.frame_set(70)
    assert head.data.shape_keys.key_blocks["jawOpen"].value == 0
    assert {first.name, head.data.shape_keys.animation_data.action.name} == {
        f"{head.name} apa",
        f"{head.name} apa.001",
    }


def test_a_key_with_a_driver_of_the_persons_own_is_left_to_it(bpy, head, module, file):
    head.data.shape_keys.key_blocks["jawOpen"].driver_add("value").driver.expression = "0.25"
    assert load(bpy, file) == {"FINISHED"}
    curves = curves_of(module, head.data.shape_keys)
    assert 'key_blocks["jawOpen"].value' not in curves
    assert 'key_blocks["mouthFunnel"].value' in curves


def test_what_is_wrong_changes_nothing(bpy, head, tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("0.0\tX\n0.1\tQ\n0.2\tX\n")
    actions = len(bpy.data.actions)
    with pytest.raises(RuntimeError, match=r"a\.tsv, line 2: there is no mouth shape 'Q'"):
        load(bpy, path)
    with pytest.raises(RuntimeError, match=r"none\.tsv is not there"):
        load(bpy, tmp_path / "none.tsv")
    with pytest.raises(RuntimeError, match="No file was chosen"):
        load(bpy, "")
    assert len(bpy.data.actions) == actions
    assert head.data.shape_keys.animation_data is None


def test_a_textgrid_speaks_and_names_phones_that_it_cannot_show(bpy, head, module, tmp_path):
    path = tmp_path / "a.TextGrid"
    phones = [(0.0, 0.2, "AA1"), (0.2, 0.3, "☃"), (0.3, 0.5, "m")]
    rows = "\n".join(f'{start}\n{end}\n"{label}"' for start, end, label in phones)
    path.write_text(
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n0.5\n<exists>\n1\n'
        f'"IntervalTier"\n"phones"\n0\n0.5\n3\n{rows}\n',
        encoding="utf-8",
    )
    assert load(bpy, path, frame=1) == {"FINISHED"}
    bpy.context.scene.frame_set(round(1 + 0.4 * 24))
    assert head.data.shape_keys.key_blocks["mouthPressLeft"].value == pytest.approx(0.35)


@pytest.mark.parametrize("rigged", [False, True])
def test_visemes_over_an_open_mouth_are_imported_with_a_warning(bpy, head, module, file, rigged):
    """What an operator reports as a warning cannot be read by scripts, so its words are."""
    bpy.ops.effigy.add_visemes(which="OCULUS")
    if rigged:
        bpy.ops.effigy.rig(add=True)
        head.parent["jawOpen"] = 0.4
        head.parent.update_tag()
    else:
        head.data.shape_keys.key_blocks["jawOpen"].value = 0.4
    bpy.context.view_layer.update()
    lip_sync, speech = module("operators.speech.load"), module("ml.speech.read").Speech((), ("☃",))
    assert lip_sync._doubts(head, speech, "OCULUS") == [
        "No viseme shows the phones ☃",
        "Lips will not meet while jawOpen is up: press Neutral",
    ]
    assert len(lip_sync._doubts(head, speech, "EXPRESSIONS")) == 1
    bpy.ops.effigy.expression(which="NEUTRAL")
    bpy.context.view_layer.update()
    assert len(lip_sync._doubts(head, speech, "OCULUS")) == 1
    assert load(bpy, file) == {"FINISHED"}


def test_undo_takes_speech_back_in_one_step(bpy, head, file):
    name = head.name
    head.data.shape_keys.key_blocks["browInnerUp"].keyframe_insert("value", frame=1)
    old = head.data.shape_keys.animation_data.action.name
    bpy.ops.ed.undo_push(message="before")
    load(bpy, file)
    bpy.ops.ed.undo_push(message="speech")
    bpy.ops.ed.undo()
    animation = bpy.data.objects[name].data.shape_keys.animation_data
    assert animation.action.name == old
    assert len(animation.nla_tracks) == 0
    assert f"{name} apa" not in bpy.data.actions


def test_removing_the_rig_keeps_what_is_said(bpy, head, file):
    bpy.ops.effigy.rig(add=True)
    load(bpy, file, frame=1)
    bpy.ops.effigy.rig(add=False)
    bpy.context.scene.frame_set(9)
    assert head.data.shape_keys.key_blocks["jawOpen"].value > 0.3


def test_menu_and_panel_offer_it(bpy, head, module):
    drawn = draw(module("panels.speech").EFFIGY_PT_speech, bpy.context)
    assert "effigy.import_speech" in [name for name, _, _ in drawn]
    layout = Layout()
    module("panels.menus")._draw_import(type("Menu", (), {"layout": layout}), bpy.context)
    assert "effigy.import_speech" in [name for name, _, _ in layout.drawn]
