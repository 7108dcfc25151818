"""Draw a coloured head and what it wears into a crop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from ....appearance.kernels import mix
from ....data import Camera, FloatArray, IntArray
from ....rendering import Fragments, rasterize
from ..worn.extra import Extra, unit
from .scene import DRAWN, Stage

SUPERSAMPLING = 1.5
FOCAL = 1000.0
# What a pixel shows, beside the indices of scene.DRAWN.
WORN, LENS, NOTHING = 100, 101, 255
# A lens that hides this much hides the eye.
_DARK = 0.6


@dataclass(frozen=True)
class OrbitCamera:
    """A camera ``distance`` metres from the head's origin, in the middle of its picture.

    Its focal length is FOCAL pixels. rotation: (3, 3) head -> camera space.
    """

    rotation: FloatArray
    distance: float

    def project(self, points: FloatArray) -> FloatArray:
        """(N, 3) head space -> (N, 2) pixels, principal point at (0, 0)."""
        moved = self.to_camera_space(points)
        return (FOCAL * moved[:, :2] / moved[:, 2:]).astype(np.float32)

    def to_camera_space(self, points: FloatArray) -> FloatArray:
        """(N, 3) head space -> camera space, metres."""
        # The head's origin lies near the middle of the skull: turn about it.
        away = np.array([0, 0, self.distance], np.float32)
        return (points.astype(np.float32) @ self.rotation.T + away).astype(np.float32)


@dataclass(frozen=True)
class Shot:
    """How a picture is taken: the camera, the (2, 3) map from the picture's pixels to those of a
    camera with FOCAL and its principal point at (0, 0), and the (S, S, 3) uint8 background."""

    camera: OrbitCamera | Camera
    to_photo: FloatArray
    background: np.ndarray


@dataclass(frozen=True)
class Figure:
    """A dressed head: ``vertices``, ``normals``, ``colours`` (D, 3) of the stage, and extras.

    gloss: (D,) how much its skin shines.
    """

    vertices: FloatArray
    normals: FloatArray
    colours: FloatArray
    extras: tuple[Extra, ...] = ()
    gloss: FloatArray | None = None


@dataclass(frozen=True)
class OpaqueMesh:
    """All that is opaque, in camera space: points (V, 3) metres, triangles (F, 3)."""

    points: FloatArray
    triangles: IntArray


@dataclass(frozen=True)
class Pixels:
    """N covered pixels about to be shaded.

    Attributes
    ----------
    normals, places: (N, 3) camera space; unit and metres. colours: (N, 3) albedo.
    gloss: (N,). kind: (N,) index into scene.DRAWN, WORN or LENS. eye: (N, 2) metres from the
    pupil's middle on the eyeball at rest. open: (N,) 0..1, how much light reaches hollows.
    """

    normals: FloatArray
    places: FloatArray
    colours: FloatArray
    gloss: FloatArray
    kind: np.ndarray
    eye: FloatArray
    open: FloatArray


# What the camera records of the pixels, (N, 3) 0..255; the mesh may cast shadows.
Shade = Callable[[Pixels, OpaqueMesh], FloatArray]


@dataclass(frozen=True)
class Drawing:
    """A picture and what it shows.

    Attributes
    ----------
    image: (S, S, 3) uint8. depth: (H, H) metres, infinite where nothing is; kind: (H, H) uint8;
    both H / S times finer than the image. solid: the triangles seen, of the head and then of each
    opaque extra. veil: (H, H) 0..1, how much the lenses before them hide.
    """

    image: np.ndarray
    depth: FloatArray
    kind: np.ndarray
    solid: Fragments
    veil: FloatArray


def draw_head(stage: Stage, figure: Figure, shot: Shot, shade: Shade) -> Drawing:
    """The figure before the shot's background, seen through its crop."""
    size, large = len(shot.background), round(len(shot.background) * SUPERSAMPLING)
    solid = [extra for extra in figure.extras if extra.alpha.min() >= 1]
    clear = [extra for extra in figure.extras if extra.alpha.min() < 1]
    values = _values(stage, figure, [*solid, *clear], shot.camera)
    meshes = _numbered(stage.triangles, len(figure.vertices), [*solid, *clear])
    place = _Place(shot.to_photo, size / large)
    moved = shot.camera.to_camera_space(
        np.concatenate([figure.vertices, *[extra.vertices for extra in [*solid, *clear]]])
    )
    points = place.drawn(moved)
    mesh = OpaqueMesh(moved, np.concatenate(meshes[: 1 + len(solid)]))
    fragments = rasterize(points, mesh.triangles, large, large)
    covered = fragments.face >= 0
    kind = np.full((large, large), NOTHING, np.uint8)
    kind[covered] = kinds_of(stage, fragments.face[covered])
    pixels = _pixels(fragments, covered, values, mesh.triangles, kind, place)
    picture = cv2.resize(shot.background, (large, large), interpolation=cv2.INTER_LINEAR)
    picture = picture.astype(np.float32)
    picture[covered] = np.clip(shade(pixels, mesh), 0, 255)
    veil = np.zeros((large, large), np.float32)
    # Lenses are blended over everything else, in the order given.
    for extra, glass in zip(clear, meshes[1 + len(solid) :], strict=True):
        alpha = np.zeros((len(points), 1), np.float32)
        alpha[glass.min() : glass.max() + 1] = extra.alpha[:, None]
        lens = rasterize(points, glass, large, large)
        seen = (lens.face >= 0) & (lens.depth < fragments.depth)
        if seen.any():
            share = _seen(lens, seen, alpha, glass)
            layer = _pixels(lens, seen, values, glass, kind * 0 + LENS, place)
            picture[seen] += (np.clip(shade(layer, mesh), 0, 255) - picture[seen]) * share
            kind[seen] = np.where(share[:, 0] > _DARK, LENS, kind[seen])
            veil[seen] = np.maximum(veil[seen], share[:, 0])
    # A lens is never as sharp as a z-buffer: soften the stairs along every edge.
    picture = cv2.GaussianBlur(picture, (0, 0), 0.65)
    small = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    image = np.clip(small, 0, 255).astype(np.uint8)
    return Drawing(image, fragments.depth, kind, fragments, veil)


@dataclass(frozen=True)
class _Place:
    """Between camera space and the drawing's cells, each ``scale`` crop pixels wide."""

    to_photo: FloatArray
    scale: float

    def drawn(self, places: FloatArray) -> FloatArray:
        """(N, 3) camera space -> cell x, cell y and depth."""
        back = np.linalg.inv(self.to_photo[:, :2]) / self.scale
        flat = (FOCAL * places[:, :2] / places[:, 2:] - self.to_photo[:, 2]) @ back.T
        return np.concatenate([flat, places[:, 2:]], 1).astype(np.float32)

    def of(self, cells: FloatArray, depth: FloatArray) -> FloatArray:
        """(N, 2) cells and (N,) depth -> (N, 3) camera space."""
        pixels = cells * self.scale @ self.to_photo[:, :2].T + self.to_photo[:, 2]
        return np.concatenate([pixels / FOCAL * depth[:, None], depth[:, None]], 1).astype(
            np.float32
        )


def _values(
    stage: Stage, figure: Figure, worn: list[Extra], camera: OrbitCamera | Camera
) -> FloatArray:
    """(V, 9) per vertex: normal in camera space, colour, gloss, place on the eyeball."""
    count = len(figure.vertices)
    total = count + sum(len(extra.vertices) for extra in worn)
    values = np.zeros((total, 9), np.float32)
    normals = np.concatenate([figure.normals, *[extra.normals for extra in worn]])
    values[:, :3] = normals @ camera.rotation.T.astype(np.float32)
    values[:, 3:6] = np.concatenate([figure.colours, *[extra.colours for extra in worn]])
    if figure.gloss is not None:
        values[:count, 6] = figure.gloss
    values[:count, 7:9] = stage.eye
    start = count
    for extra in worn:
        values[start : start + len(extra.vertices), 6] = extra.gloss
        start += len(extra.vertices)
    return values


def _pixels(
    fragments: Fragments,
    where: np.ndarray,
    values: FloatArray,
    triangles: IntArray,
    kind: np.ndarray,
    place: _Place,
) -> Pixels:
    seen = _seen(fragments, where, values, triangles)
    rows, columns = np.nonzero(where)
    cells = np.stack([columns + 0.5, rows + 0.5], -1)
    return Pixels(
        unit(seen[:, :3]),
        place.of(cells, fragments.depth[where]),
        seen[:, 3:6],
        seen[:, 6],
        kind[where],
        seen[:, 7:9],
        _openness(fragments.depth)[where],
    )


def _openness(depth: FloatArray) -> FloatArray:
    """(H, H) 0..1: what lies behind its surroundings gets less light (an unsharp mask of depth)."""
    known = np.isfinite(depth)
    if not known.any():
        return np.ones_like(depth)
    filled = np.where(known, depth, depth[known].max())
    open_share = np.ones_like(depth)
    for blur, reach, most in ((len(depth) / 90, 0.008, 0.35), (len(depth) / 24, 0.03, 0.45)):
        behind = (filled - cv2.GaussianBlur(filled, (0, 0), blur)) / reach
        open_share *= 1 - most * np.clip(behind, 0, 1)
    return open_share


def _numbered(head: IntArray, count: int, worn: list[Extra]) -> list[IntArray]:
    """The triangles of the head and of each extra, into one array of all vertices."""
    meshes = [head]
    for extra in worn:
        meshes.append((extra.triangles + count).astype(np.int32))
        count += len(extra.vertices)
    return meshes


def kinds_of(stage: Stage, faces: IntArray) -> np.ndarray:
    """(N,) uint8: what the triangle under each pixel belongs to."""
    on_head = faces < len(stage.triangles)
    corners = stage.triangles[np.where(on_head, faces, 0)]
    # Borders between parts belong to the skin, which comes first.
    part = stage.part[corners].max(1)
    return np.where(on_head, part, WORN).astype(np.uint8)


def is_kind(kind: np.ndarray, *names: str) -> np.ndarray:
    """Bool: pixels that show the named parts of the head."""
    return np.isin(kind, [DRAWN.index(name) for name in names])


def _seen(
    fragments: Fragments, where: np.ndarray, values: FloatArray, triangles: IntArray
) -> FloatArray:
    """(N, C) per-vertex values at the N pixels of the mask ``where``."""
    corners, weights = triangles[fragments.face[where]], fragments.barycentric[where]
    found = np.empty((len(corners), values.shape[1]), np.float32)
    mix(corners, weights, values, found)
    return found
