"""The ablation's picture: rendered people, and the heads at rest that every variant finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ...data import ByteArray, FloatArray, IntArray
from ...fitting.camera import FACING
from ...geometry import MILLIMETRES
from ...geometry.rotations import rotation_from_vector
from ...rendering import interpolate, rasterize, vertex_normals
from ...results.preview import CLAY, brightness
from ..pictures import PAPER, STRIP, without_background, written
from ..synthetic.people import RenderedView
from ..synthetic.shape import onto

TILE = 176
# Degrees by which heads are drawn turned, and the metres that fill a tile.
TURN, WIDTH = -28.0, 0.24
# Millimetres and more have the last colour.
MOST = 5.0
TRUTH = "true"


@dataclass(frozen=True)
class Face:
    """What a picture is drawn on: the reference's face.

    Attributes
    ----------
    triangles: (F, 3). where: (V,) bool, vertices that errors are measured at.
    """

    triangles: IntArray
    where: np.ndarray


def sheet(
    views: Sequence[RenderedView], found: Sequence[dict[str, FloatArray]], face: Face
) -> ByteArray:
    """Two rows per view: person and heads in clay; below, how far each is from the true one.

    found: by variant, (V, 3) metres, heads at rest, on the reference's vertices.
    """
    names = list(dict.fromkeys(name for one in found for name in one))
    titles = ["", TRUTH, *names]
    parts = [np.hstack([_named(_blank(STRIP), name) for name in titles])]
    for view, heads in zip(views, found, strict=True):
        true = view.neutral
        placed = {name: _onto(heads[name], true, face) for name in names if name in heads}
        clay = [_person(view), _clay(true, face)]
        clay += [_clay(placed[name], face) if name in placed else _blank() for name in names]
        errors = [_blank(), _blank()]
        errors += [
            _error(placed[name], true, face) if name in placed else _blank() for name in names
        ]
        parts += [np.hstack(clay), np.hstack(errors)]
    return np.vstack(parts)


def _onto(head: FloatArray, true: FloatArray, face: Face) -> FloatArray:
    return onto(head, true, face.where).astype(np.float32)


def _blank(height: int = TILE) -> ByteArray:
    return np.full((height, TILE, 3), PAPER, np.uint8)


def _named(picture: ByteArray, text: str) -> ByteArray:
    return written(picture, text, (4, picture.shape[0] - 6))


def _person(view: RenderedView) -> ByteArray:
    plain = without_background(view)
    return np.asarray(cv2.resize(plain, (TILE, TILE), interpolation=cv2.INTER_AREA), np.uint8)


def _clay(head: FloatArray, face: Face) -> ByteArray:
    return _drawn(head, face, np.broadcast_to(CLAY, head.shape))


def _error(head: FloatArray, true: FloatArray, face: Face) -> ByteArray:
    """The true head, coloured by how far ``head`` lies from it, and the mean in millimetres."""
    off = MILLIMETRES * np.linalg.norm(head - true, axis=1)
    shares = (255 * np.clip(off / MOST, 0, 1)).astype(np.uint8)[:, None]
    colours = cv2.applyColorMap(shares, cv2.COLORMAP_VIRIDIS)[:, 0, ::-1].astype(np.float32)
    colours[~face.where] = 200
    return _named(_drawn(true, face, colours), f"{off[face.where].mean():.2f} mm")


def _drawn(head: FloatArray, face: Face, colours: FloatArray) -> ByteArray:
    """(TILE, TILE, 3): the head turned a little, in an orthographic camera."""
    turn = FACING @ rotation_from_vector(np.radians([0.0, TURN, 0.0]))
    seen = ((head - head[face.where].mean(0)) @ turn.T).astype(np.float32)
    size = 2 * TILE
    flat = seen[:, :2] * (size / WIDTH) + size / 2
    fragments = rasterize(np.column_stack([flat, seen[:, 2] + 1]), face.triangles, size, size)
    normals = interpolate(fragments, vertex_normals(seen, face.triangles), face.triangles)
    shown = interpolate(fragments, np.ascontiguousarray(colours, np.float32), face.triangles)
    lit = np.clip(shown * brightness(normals)[..., None], 0, 255)
    picture = np.where((fragments.face >= 0)[..., None], lit, 255.0).astype(np.uint8)
    return np.asarray(cv2.resize(picture, (TILE, TILE), interpolation=cv2.INTER_AREA), np.uint8)
