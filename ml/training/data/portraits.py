"""Face profiling: portraits projected onto their fitted heads, as colours of vertices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ...data import Camera, FloatArray, HeadCoefficients
from ...fitting.camera import make_intrinsics
from ...geometry.sampling import colours_at
from ...rendering import rasterize, vertex_normals
from .picture.scene import Stage

TEETH, GUMS = np.array([215, 205, 190]), np.array([150, 75, 75])


@dataclass(frozen=True, eq=False)
class Portrait:
    """A labelled portrait with its fitted head.

    Attributes
    ----------
    rgb: (h, w, 3) uint8. labels: (478, 2) pixels. camera, coefficients: of the fit.
    """

    rgb: np.ndarray
    labels: FloatArray
    camera: Camera
    coefficients: HeadCoefficients


def load_portraits(data: Path, fits: Path) -> list[Portrait]:
    """All training portraits, in the order of their labels."""
    with np.load(data / "portraits" / "train.npz") as archive:
        names, labels = archive["photo"], archive["landmarks"][..., :2].astype(np.float32)
    with np.load(fits) as archive:
        fit = {name: archive[name] for name in archive.files}
    portraits = []
    for row, name in enumerate(names):
        with Image.open(data / "portraits" / "train" / str(name)) as image:
            rgb = np.asarray(image.convert("RGB"))
        height, width = rgb.shape[:2]
        camera = Camera(
            make_intrinsics(float(fit["focal"][row]), width, height),
            fit["rotation"][row],
            fit["translation"][row],
            width,
            height,
        )
        coefficients = HeadCoefficients(fit["identity"][row], fit["expression"][row])
        portraits.append(Portrait(rgb, labels[row], camera, coefficients))
    return portraits


@lru_cache(maxsize=1024)
def profile_colours(stage: Stage, portrait: Portrait) -> np.ndarray:
    """(D, 3) uint8: the photo on its head; hidden skin mirrored, the rest like its neighbours."""
    vertices = stage.shape.at(portrait.coefficients)
    pixels = portrait.camera.project(vertices)
    colours = colours_at(portrait.rgb, pixels).astype(np.float32)
    seen = _visible(stage, portrait, vertices, pixels)
    skin = stage.is_part("Face", "Head and Neck")
    seen &= skin
    mirrored = ~seen & seen[stage.opposite] & skin
    colours[mirrored] = colours[stage.opposite[mirrored]]
    known = seen | mirrored
    colours[skin & ~known] = _from_neighbours(stage.shape.mean, colours, known, skin & ~known)
    _paint_inside(stage, colours)
    return np.clip(colours, 0, 255).astype(np.uint8)


def _visible(
    stage: Stage, portrait: Portrait, vertices: FloatArray, pixels: FloatArray
) -> np.ndarray:
    depth = portrait.camera.to_camera_space(vertices)[:, 2]
    scale = 2
    width, height = portrait.camera.width, portrait.camera.height
    drawn = rasterize(
        np.column_stack([pixels * scale, depth]), stage.triangles, width * scale, height * scale
    )
    cell = np.floor(pixels * scale).astype(int)
    inside = (cell >= 0).all(1) & (cell[:, 0] < width * scale) & (cell[:, 1] < height * scale)
    x, y = np.clip(cell.T, 0, [[width * scale - 1], [height * scale - 1]])
    normals = vertex_normals(vertices, stage.triangles) @ portrait.camera.rotation.T
    ray = portrait.camera.to_camera_space(vertices)
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    facing = -(normals * ray).sum(1)
    # The fit's outline is a few pixels off: what lies near it may show the wall behind.
    reach = max(3, round(0.03 * np.ptp(portrait.labels[:, 1]) * scale))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    solid = cv2.erode(np.isfinite(drawn.depth).astype(np.uint8), kernel).astype(bool)
    return inside & solid[y, x] & (depth <= drawn.depth[y, x] + 0.004) & (facing > 0.2)


def _from_neighbours(
    places: FloatArray, colours: FloatArray, known: np.ndarray, wanted: np.ndarray
) -> FloatArray:
    from scipy.spatial import cKDTree

    if not known.any() or not wanted.any():
        return colours[wanted]
    _, near = cKDTree(places[known]).query(places[wanted], k=8)
    return colours[known][near].mean(1)


def _paint_inside(stage: Stage, colours: FloatArray) -> None:
    """Teeth and gums are never taken from the photo, as lips cover them; eyes are painted later."""
    colours[stage.is_part("Teeth")] = TEETH
    colours[stage.is_part("Gums and tongue", "Mouth socket")] = GUMS
    colours[stage.is_part("Mouth socket")] *= 0.4
    colours[stage.is_part("Eye socket left", "Eye socket right")] = GUMS
