"""Videos onto heads: keyframes, cameras, marks and sound; the engine's part is a script's."""

import json
import wave

import numpy as np
import pytest

from ml.head.arkit import EXPRESSION_NAMES
from tests.support.acted import FRAMES, RATE, write_acted
from tests.support.clips import grey, write_images

JAW = EXPRESSION_NAMES.index("jawOpen")
FLIP = np.diag([1.0, -1, -1])


@pytest.fixture
def scene(bpy):
    """At the video's own rate."""
    bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = int(RATE), 1.0
    return bpy.context.scene


def build(bpy, saved_head, **how):
    properties = {"directory": str(saved_head.directory), **how}
    assert bpy.ops.effigy.build_animation(**properties) == {"FINISHED"}
    return bpy.context.object


def seen_by(camera, points):
    """(V, 3) world space -> the camera's own space as the core has it: y down, z ahead."""
    back = np.linalg.inv(np.array(camera.matrix_world))
    return (points @ back[:3, :3].T + back[:3, 3]) @ FLIP


def expected(saved_head, animation, frame):
    """(V, 3) the acting head before the camera of a frame, by the definition of the file."""
    mesh = saved_head.head.mesh
    rest = mesh.vertices + animation.expression[frame, JAW] * mesh.shape_keys[JAW]
    return animation.camera(frame).to_camera_space(rest)


@pytest.mark.parametrize("moves", ["HEAD", "CAMERA"])
def test_the_camera_sees_what_the_video_showed(bpy, scene, saved_head, shown, moves):
    animation = write_acted(saved_head.directory)
    obj = build(bpy, saved_head, moves=moves, first_frame=11)
    stood = np.array(obj.matrix_world)
    for frame in (0, 7, FRAMES - 1):
        scene.frame_set(11 + frame)
        points = shown(obj)
        found = seen_by(scene.camera, points)
        np.testing.assert_allclose(found, expected(saved_head, animation, frame), atol=2e-4)
    assert (np.abs(np.array(obj.matrix_world) - stood).max() < 1e-6) == (moves == "CAMERA")
    assert scene.camera.name.startswith("take camera")


def test_keys_are_at_the_rate_of_the_scene(bpy, scene, saved_head):
    animation = write_acted(saved_head.directory)
    scene.render.fps = 50
    obj = build(bpy, saved_head)
    jaw = obj.data.shape_keys.key_blocks["jawOpen"]
    for frame in (0, 10, 20):
        scene.frame_set(1 + 2 * frame)
        assert jaw.value == pytest.approx(animation.expression[frame, JAW], abs=1e-4)


def test_with_the_rig_the_bone_turns_and_the_sliders_act(bpy, scene, saved_head):
    write_acted(saved_head.directory)
    build(bpy, saved_head, rig=True)
    (rig,) = (each for each in bpy.data.objects if each.type == "ARMATURE")
    (obj,) = (each for each in bpy.data.objects if each.type == "MESH")
    turns = []
    for frame in (1, 15):
        scene.frame_set(frame)
        turns.append(np.array(rig.pose.bones["head"].matrix))
    assert np.abs(turns[0] - turns[1]).max() > 0.05
    assert obj.data.shape_keys.key_blocks["jawOpen"].value > 0.2


def test_lost_and_bridged_frames_are_marked_and_have_no_keys_of_their_own(bpy, scene, saved_head):
    write_acted(saved_head.directory, lost=(8, 20), bridged=(3, 5))
    obj = build(bpy, saved_head, first_frame=1)
    marks = sorted((mark.frame, mark.name) for mark in scene.timeline_markers)
    assert marks == [(4, "Face bridged"), (9, "Face lost"), (21, "Face found")]
    scene.frame_set(14)
    halfway = obj.data.shape_keys.key_blocks["jawOpen"].value
    assert halfway == pytest.approx(13 / (FRAMES - 1) * 0.9, abs=0.02)


def test_a_video_that_begins_without_a_face_stays_in_step(bpy, scene, saved_head):
    animation = write_acted(saved_head.directory, lost=(0, 6))
    obj = build(bpy, saved_head, first_frame=1)
    scene.frame_set(1 + 12)
    assert obj.data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(
        animation.expression[12, JAW], abs=1e-4
    )


def test_sound_goes_to_the_sequencer(bpy, scene, saved_head, tmp_path):
    write_acted(saved_head.directory)
    path = tmp_path / "take.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.zeros(8000, "<i2").tobytes())
    build(bpy, saved_head, filepath=str(path), sound=True, first_frame=5)
    editor = scene.sequence_editor
    (strip,) = editor.strips if hasattr(editor, "strips") else editor.sequences
    assert (strip.type, strip.frame_final_start) == ("SOUND", 5)


def test_the_images_of_a_sequence_are_behind_the_camera(bpy, scene, saved_head, tmp_path):
    write_acted(saved_head.directory)
    folder = write_images(tmp_path / "shot", map(grey, (10, 20, 30)), (1001, 1002, 1004))
    (folder / ".DS_Store").write_bytes(b"no image")
    build(bpy, saved_head, filepath=str(folder), first_frame=5)
    (background,) = scene.camera.data.background_images
    assert background.image.source == "SEQUENCE"
    assert background.image.filepath.endswith("shot_1001.png")
    user = background.image_user
    assert (user.frame_start, user.frame_offset, user.frame_duration) == (5, 1000, 4)


def test_a_folder_without_an_animation_is_named(bpy, saved_head):
    with pytest.raises(RuntimeError, match=r"animation\.npz is no animation"):
        bpy.ops.effigy.build_animation(directory=str(saved_head.directory))
    assert len(bpy.data.objects) == 0


def test_a_video_becomes_a_head_that_acts(bpy, scene, saved_head, fake_engine, tmp_path):
    write_acted(saved_head.directory)
    video = tmp_path / "take.mp4"
    video.write_bytes(b"video")
    out = tmp_path / "results"
    done = bpy.ops.effigy.animate(filepath=str(video), output=str(out), rate=48.0)
    assert done == {"FINISHED"}
    asked = json.loads((out / "request.json").read_text())
    assert (asked["video"], asked["rate"]) == (str(video), 48.0)
    assert asked["settings"]["face"] == "prominent"
    scene.frame_set(FRAMES)
    assert bpy.context.object.data.shape_keys.key_blocks["jawOpen"].value > 0.8


def test_an_image_stands_for_the_sequence_in_its_folder(bpy, saved_head, fake_engine, tmp_path):
    write_acted(saved_head.directory)
    folder = tmp_path / "shot"
    folder.mkdir()
    (folder / "a_0001.png").write_bytes(b"image")
    out = tmp_path / "results"
    bpy.ops.effigy.animate(filepath=str(folder / "a_0001.png"), output=str(out))
    assert json.loads((out / "request.json").read_text())["video"] == str(folder)


def test_an_unfinished_run_goes_on_in_its_own_folder(
    bpy, saved_head, fake_engine, tmp_path, module
):
    write_acted(saved_head.directory)
    video = tmp_path / "take.mp4"
    video.write_bytes(b"video")
    results = module("operators.runtime").results_folder(bpy.context)
    (results / "take" / "animation.parts").mkdir(parents=True)
    bpy.ops.effigy.animate(filepath=str(video))
    assert (results / "take" / "request.json").exists()
    (results / "take" / "animation.parts").rmdir()
    bpy.ops.effigy.animate(filepath=str(video))
    assert (results / "take_2" / "request.json").exists()


def test_a_missing_video_is_named(bpy, fake_engine, tmp_path):
    with pytest.raises(RuntimeError, match="There is no video"):
        bpy.ops.effigy.animate(filepath=str(tmp_path / "gone.mp4"))


def test_videos_can_be_dropped(bpy):
    handler = bpy.types.EFFIGY_FH_video
    assert handler.bl_import_operator == "effigy.animate"
    assert {".mp4", ".mov"} <= set(handler.bl_file_extensions.split(";"))
