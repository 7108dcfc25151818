"""Eyes, teeth, tongue and mouth are painted: a photo shows too little of them."""

from __future__ import annotations

import cv2
import numpy as np

from ..data import ByteArray, Camera, FloatArray, Photo
from ..head.model import HeadModel
from .atlas import Atlas

SCLERA = np.array([226.0, 220.0, 216.0], np.float32)
PLAIN = {
    "teeth": (228, 220, 203),
    "tongue": (186, 104, 104),
    "mouth": (128, 54, 54),
}
# Angles at the eyeball's centre, as shares of what an iris of 11.7 mm takes.
PUPIL, LIMBUS = 0.34, 0.86
IRIS_RADIUS_M = 0.00585
# MediaPipe's iris landmarks: centre and four points of the rim.
IRISES = {"eye_right": slice(468, 473), "eye_left": slice(473, 478)}
COMMON_IRIS = np.array([96.0, 72.0, 54.0], np.float32)


def paint_inner_parts(
    texture: FloatArray, photo: Photo, camera: Camera, vertices: FloatArray, model: HeadModel,
    atlas: Atlas, tone: FloatArray,
) -> ByteArray:  # fmt: skip
    """Paint all texels that are not skin into (S, S, 3) ``texture``; returns it as uint8.

    ``tone`` (3,) is the skin's: white things in its light are as dim and tinted as it is.
    """
    skin = atlas.part == model.part_names.index("skin")
    light = light_of(tone)
    painted = texture.copy()
    mask = np.zeros(texture.shape[:2], np.uint8)
    for name in model.part_names:
        texels = np.flatnonzero(atlas.part == model.part_names.index(name))
        if name == "skin" or not len(texels):
            continue
        if name in IRISES:
            iris = iris_colour(photo, camera, vertices, model, name)
            colours = _eye(model, atlas, texels, name, iris, light)
        else:
            colours = np.tile(np.array(PLAIN[name], np.float32) * light, (len(texels), 1))
        painted[atlas.rows[texels], atlas.columns[texels]] = colours
        mask[atlas.rows[texels], atlas.columns[texels]] = 255
    # Bleed the islands' rims outwards, so that filtering never mixes in the background.
    inner = np.where(mask[..., None] > 0, painted, 0)
    grown = cv2.dilate(inner, np.ones((7, 7)))
    free = np.ones(mask.shape, bool)
    free[atlas.rows[skin], atlas.columns[skin]] = False
    rim = (cv2.dilate(mask, np.ones((7, 7))) > 0) & (mask == 0) & free
    painted[rim] = grown[rim]
    return np.clip(np.round(painted), 0, 255).astype(np.uint8)


def _eye(
    model: HeadModel, atlas: Atlas, texels: np.ndarray, name: str, iris: FloatArray,
    light: FloatArray,
) -> FloatArray:  # fmt: skip
    """(N, 3) colours of an eyeball's texels by their angle from the gaze at rest (+Z)."""
    ball = model.shape.mean[np.unique(model.quads[model.part_faces(name)])]
    centre = np.array([*(ball[:, :2].min(0) + ball[:, :2].max(0)) / 2, 0], np.float32)
    radius = float(np.ptp(ball[:, 0]) / 2)
    centre[2] = ball[:, 2].max() - radius
    places = atlas.on(model.shape.mean)[texels] - centre
    angle = np.arctan2(np.linalg.norm(places[:, :2], axis=1), places[:, 2])
    share = (angle / np.arcsin(min(IRIS_RADIUS_M / radius, 1.0)))[:, None]
    streaks = 1 + 0.1 * np.sin(23 * np.arctan2(places[:, 1], places[:, 0]))[:, None]
    inner = iris * streaks * (1.12 - 0.25 * share)
    rim = np.clip((share - LIMBUS) / (1 - LIMBUS), 0, 1)
    inner = inner * (1 - 0.6 * rim)
    white = SCLERA * light * (1 - 0.12 * np.clip(share - 1.4, 0, 1.5))
    colours = _blend(inner, white, share, 1.0, 0.05)
    return _blend(np.array([10, 9, 9], np.float32), colours, share, PUPIL, 0.04)


def light_of(tone: FloatArray) -> FloatArray:
    """(3,) how bright a white surface looks beside skin of this tone, 1 at most.

    Dark skin in bright light looks like fair skin in the shade; the guess lies in between.
    """
    brightness = float(np.clip(tone.max() / 215, 0.3, 1.0)) ** 0.8
    return np.full(3, brightness * 0.92, np.float32)


def _blend(
    inside: FloatArray, outside: FloatArray, share: FloatArray, edge: float, width: float
) -> FloatArray:
    mix = np.clip((share - edge) / width + 0.5, 0, 1)
    return (inside * (1 - mix) + outside * mix).astype(np.float32)


def iris_colour(
    photo: Photo, camera: Camera, vertices: FloatArray, model: HeadModel, name: str
) -> FloatArray:
    """(3,) the iris' colour in the photo: the median between pupil and rim, below the upper lid.

    Falls back to a common brown where the eye is too small or too dark to tell.
    """
    points = camera.project(model.embeddings["mediapipe478"].on(vertices)[IRISES[name]])
    centre, radius = points[0], float(np.linalg.norm(points[1:] - points[0], axis=1).mean())
    if radius < 2.5:
        return COMMON_IRIS
    turn = np.radians(np.r_[-40:220:20])  # the image's y points down: this leaves out the top
    reach = radius * np.array([0.5, 0.62, 0.74])
    ring = centre + (reach[:, None, None] * np.stack([np.cos(turn), np.sin(turn)], -1)).reshape(
        -1, 2
    )
    cell = np.floor(ring).astype(int)
    inside = ((cell >= 0) & (cell < [photo.width, photo.height])).all(1)
    if inside.sum() < 12:
        return COMMON_IRIS
    colours = photo.rgb[cell[inside, 1], cell[inside, 0]].astype(np.float32)
    found = np.median(colours, axis=0)
    brightness = float(found.mean())
    # Reddish or bright means lid or sclera; nearly black means shade: then brown is a better guess.
    if not 25 < brightness < 165 or found[0] > 1.9 * max(found[2], 1):
        return COMMON_IRIS if brightness > 25 else COMMON_IRIS * 0.7
    return found.astype(np.float32)
