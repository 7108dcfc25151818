"""Photos of a head whose relief is known: its smooth skin, tilted by heights, under known light."""

import cv2
import numpy as np

from ml.data import Camera, HeadCoefficients
from ml.detail.view import PersonView
from ml.detail.window import BOTTOM, LEFT, SIDE, SPAN, TEXEL_MM, skin_triangles, window_of
from ml.fitting.camera import FACING, make_intrinsics
from ml.geometry.colour import srgb_of
from ml.geometry.rotations import rotation_from_vector
from ml.head.mesh import person_of
from ml.head.storage import load_head_model
from ml.rendering import harmonics_of, interpolate, rasterize, vertex_normals

MODEL = load_head_model()
# Mostly ambient light, and some from above to the left; in ml.rendering's harmonics, camera space.
SOFT = np.float32([3.2, -0.5, -0.9, -0.6, 0, 0, 0, 0, 0])
SKIN = np.float32([0.5, 0.3, 0.22])


def mean_person():
    nobody = np.zeros(MODEL.identity_count, np.float32)
    return person_of(MODEL, HeadCoefficients(nobody, np.zeros(52, np.float32)))


def camera_at(yaw=0.0, side=600):
    turn = FACING @ rotation_from_vector(np.radians(yaw) * np.array([0, 1, 0]))
    place = np.float32([0, 0.02, 1.2])
    return Camera(
        make_intrinsics(5.5 * side, side, side), turn.astype(np.float32), place, side, side
    )


def lit_photo(height=None, albedo=None, light=SOFT, camera=None, crease=0.0):
    """A photo of the mean head with (S, S) ``height`` in mm, and the view of it.

    albedo: (S, S, 3) or (S, S, 1) factor on the skin's colour. crease: how much one over a
    millimetre of Lambda darkens (see ml.detail.solve).
    """
    camera, person, window = camera or camera_at(), mean_person(), window_of(MODEL)
    height = np.zeros((SIDE, SIDE), np.float32) if height is None else height
    moved = camera.to_camera_space(person.expressed)
    normals = window.on(vertex_normals(moved, MODEL.triangles))
    places = window.on(1000 * moved)
    # The smooth head as it is shaded, not as it is tessellated: facets are not relief.
    tilted = normals + _normals(places, normals, height) - _normals(places, normals, 0 * height)
    tilted /= np.maximum(np.linalg.norm(tilted, axis=-1, keepdims=True), 1e-9)
    shade = (harmonics_of(tilted.reshape(-1, 3)) @ light).reshape(SIDE, SIDE, 1)
    waves = np.hypot(*np.meshgrid(*(2 * np.pi * np.fft.fftfreq(SIDE, TEXEL_MM),) * 2))
    shade = shade * np.exp(crease * np.fft.ifft2(waves * np.fft.fft2(height)).real)[..., None]
    colours = np.clip(shade, 0.02, None) * SKIN * (1 if albedo is None else albedo)
    rgb = _drawn(camera, moved, srgb_of(colours.astype(np.float32)))
    return PersonView(rgb, camera, person)


def _normals(places, normals, height):
    """(S, S, 3) unit normals of (S, S, 3) places, mm, moved along normals; by differences."""
    across, down = (
        np.gradient(places, TEXEL_MM, axis=axis)
        + np.gradient(height, TEXEL_MM, axis=axis)[..., None] * normals
        for axis in (1, 0)
    )
    found = np.cross(across, down)
    found *= np.sign((found * normals).sum(-1, keepdims=True))
    return found / np.maximum(np.linalg.norm(found, axis=-1, keepdims=True), 1e-9)


def _drawn(camera, moved, colours):
    triangles, flat = skin_triangles(MODEL)
    points = np.column_stack([camera.project(mean_person().expressed), moved[:, 2]])
    drawn = rasterize(points, triangles, camera.width, camera.height)
    uv = interpolate(drawn, MODEL.uv, flat)
    x = ((uv[..., 0] - LEFT) / SPAN * SIDE - 0.5).astype(np.float32)
    y = ((1 - (uv[..., 1] - BOTTOM) / SPAN) * SIDE - 0.5).astype(np.float32)
    seen = cv2.remap(colours, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.where((drawn.face >= 0)[..., None], seen, 90).round().astype(np.uint8)
