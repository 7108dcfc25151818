"""What a video shows of a person, in a scene: on their head, by a camera, with marks and sound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

from ...ml.data import Camera
from ...ml.errors import HeadError
from ...ml.geometry.rotations import rotations_from_angles
from ...ml.performance.animation import BRIDGED, FACING, LOST, Animation
from ...ml.performance.performance import Performance, resampled
from ...ml.performance.sequence import images_in
from .animation import frames_per_second
from .axes import camera_to_world
from .camera import follow_head, new_camera
from .performance import Wanted, put_on, write_channels
from .place import scale_of
from .turns import Channel, rotation_channels

_BRIDGED, _LOST, _FOUND = "Face bridged", "Face lost", "Face found"


@dataclass(frozen=True)
class Scene:
    """How a video is put into a scene.

    Attributes
    ----------
    first: frame that it begins at. head: whether the head moves before a still camera, instead of a
    camera round a still head. video: shown behind the camera; None where it is gone.
    sound: whether its sound is added.
    """

    first: int = 1
    head: bool = True
    video: Path | None = None
    sound: bool = False


def play(
    context: bpy.types.Context, obj: bpy.types.Object, animation: Animation, wanted: Scene
) -> tuple[int, list[str]]:
    """Animate ``obj``, which was built from the same video.

    Returns how many frames of the scene it has and, in words, what could not be done.

    Raises
    ------
    HeadError: see :func:`.performance.put_on`.
    """
    performance, scene = animation.performance(), context.scene
    # Times count from the video's own first frame.
    begin = _frame_of(animation, int(np.argmax(animation.status != LOST)), scene, wanted.first)
    name = Path(animation.source).stem
    still = performance if wanted.head else replace(performance, head=None, places=None)
    count, left_out = put_on(scene, obj, still, Wanted(name, begin))
    camera = _camera(context, obj, animation, wanted)
    if wanted.head:
        camera.matrix_world = _unmoved(obj) @ _matrix(_cameras(animation, performance)[0])
    else:
        follow_head(camera, obj, animation.camera(0))
        at_rate = resampled(performance, frames_per_second(scene))
        channels = list(_flight(camera, _cameras(animation, at_rate)))
        write_channels(channels, Wanted(f"{name} camera", begin))
    scene.camera = camera
    _mark(scene, animation, wanted.first)
    if wanted.sound and not _add_sound(scene, wanted, name):
        left_out.append("sound")
    scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)
    return count, left_out


def _cameras(animation: Animation, performance: Performance) -> list[Camera]:
    """The camera that sees each frame of a performance of this animation."""
    if performance.head is None or performance.places is None:
        raise HeadError(f"{animation.source} has no head's turn", "Animate the video again")
    first = animation.translation[int(np.argmax(animation.status != LOST))]
    rotations = FACING @ rotations_from_angles(performance.head)
    places = first + performance.places @ FACING
    width, height = (int(side) for side in animation.size)
    return [
        Camera(animation.intrinsics, rotation, place, width, height)
        for rotation, place in zip(rotations, places, strict=True)
    ]


def _matrix(camera: Camera) -> Matrix:
    """Of the Blender camera before a head that looks into it and does not move."""
    return Matrix(camera_to_world(replace(camera, rotation=FACING)).tolist())


def _unmoved(obj: bpy.types.Object) -> Matrix:
    """Where the head stands, without what the performance moves."""
    parent = obj.parent.matrix_world @ obj.matrix_parent_inverse if obj.parent else Matrix()
    place, turn, size = obj.location, obj.rotation_euler, obj.scale
    turn = obj.rotation_quaternion if obj.rotation_mode == "QUATERNION" else turn
    return parent @ Matrix.LocRotScale(place, turn, size)


def _flight(camera: bpy.types.Object, cameras: Sequence[Camera]) -> Iterator[Channel]:
    """The channels of a camera that is the child of its head."""
    matrices = np.stack([camera_to_world(each) for each in cameras])
    camera.rotation_mode = "QUATERNION"
    for axis in range(3):
        yield Channel(camera, "location", axis, matrices[:, axis, 3])
    yield from rotation_channels(camera, "rotation", "QUATERNION", matrices[:, :3, :3])


def _camera(
    context: bpy.types.Context, obj: bpy.types.Object, animation: Animation, wanted: Scene
) -> bpy.types.Object:
    """A new camera beside the head, the video behind it."""
    scene = context.scene
    image = _movie(wanted.video)
    view = (scene.render.resolution_x, scene.render.resolution_y), scale_of(scene)
    name = f"{Path(animation.source).stem} camera"
    camera = new_camera(name, animation.camera(0), image, view)
    for collection in obj.users_collection:
        collection.objects.link(camera)
    for background in camera.data.background_images:
        user = background.image_user
        user.frame_start, user.frame_duration = wanted.first, len(animation.times)
        if images := _images(wanted.video):
            # Blender shows the image whose number the frame has, plus this.
            user.frame_offset = images[0][0] - 1
            user.frame_duration = images[-1][0] - images[0][0] + 1
        user.use_auto_refresh = True
    return camera


def _movie(video: Path | None) -> bpy.types.Image | None:
    """The video, or the sequence of images in a folder; None where Blender cannot open it."""
    if video is None:
        return None
    images = _images(video)
    try:
        image = bpy.data.images.load(str(images[0][1] if images else video))
    except RuntimeError:
        return None
    image.source = "SEQUENCE" if images else "MOVIE"
    return image


def _images(video: Path | None) -> tuple[tuple[int, Path], ...]:
    """The images of a sequence; of a video, none."""
    return images_in(video) if video is not None and video.is_dir() else ()


def _frame_of(animation: Animation, frame: int, scene: bpy.types.Scene, first: int) -> int:
    """The frame of the scene that a frame of the video is nearest to."""
    return first + round(float(animation.times[frame]) * frames_per_second(scene))


def _mark(scene: bpy.types.Scene, animation: Animation, first: int) -> None:
    """Markers on the timeline where the face was not seen."""
    last = len(animation.times) - 1
    for status, begins, ends in ((BRIDGED, _BRIDGED, ""), (LOST, _LOST, _FOUND)):
        for begin, end in animation.spans(status):
            scene.timeline_markers.new(begins, frame=_frame_of(animation, begin, scene, first))
            if ends and end < last:
                frame = _frame_of(animation, end + 1, scene, first)
                scene.timeline_markers.new(ends, frame=frame)


def _add_sound(scene: bpy.types.Scene, wanted: Scene, name: str) -> bool:
    """Add the video's sound to the sequencer, in a channel above all others."""
    if wanted.video is None or wanted.video.is_dir():
        return False
    editor = scene.sequence_editor or scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    channel = max((strip.channel for strip in strips), default=0) + 1
    try:
        strip = strips.new_sound(name, str(wanted.video), channel, wanted.first)
    except RuntimeError:  # it has none
        return False
    if strip.frame_final_duration > 1:
        return True
    strips.remove(strip)
    return False
