"""The texture ruler: rendered people whose skin is known, in known and in fitted geometry.

    python -m ml.evaluation texture --data ../shared/data [--pictures OUT.png]

Colour errors are CIEDE2000 (and CIE76) between albedos in CIE Lab under D65, averaged over the
skin's surface. A photo does not tell how bright light was, so every albedo is first multiplied by
the one number that makes its median brightness on visible skin right; hue is not corrected.
Re-renders are the texture in the light that was found, drawn with the same camera, and their PSNR
(peak 255) is taken over the pixels that show bare skin.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from skimage.color import deltaE_cie76, deltaE_ciede2000, rgb2lab

from ...appearance.atlas import Atlas, atlas_of
from ...appearance.colour import photographed
from ...appearance.texture import Texture, make_texture
from ...data import Camera, FloatArray, Photo
from ...errors import NoFaceFound
from ...geometry.colour import linear_of, srgb_of
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ...head.surface import nearest_on_triangles
from ...rendering import interpolate, rasterize
from ...results.preview import uv_triangles
from ...settings import Settings
from ...training.data.picture.draw import FOCAL
from ...training.data.picture.scene import Stage
from ...training.skin import SKIN, skin_triangles, vertices_on
from .people import SIDE, Stand, View

SIZE = 512
# Skin is seen if it is no farther behind what the picture shows, metres, and no steeper (cosine).
BEHIND, STEEPEST = 0.004, 0.25
GEOMETRIES = ("true", "fitted")
PLAIN = Settings(texture_size=0)


@dataclass(frozen=True)
class Truth:
    """What is true on the N skin texels of one view.

    Attributes
    ----------
    albedo: (N, 3) linear. visible: (N,) bool: the picture shows them bare. pixels: (S, S) bool:
    where it shows bare skin. camera, vertices: of the shipped head's mesh.
    """

    albedo: FloatArray
    visible: np.ndarray
    pixels: np.ndarray
    camera: Camera
    vertices: FloatArray


@dataclass(frozen=True)
class Row:
    """One texture of one view. Errors over visible and hidden skin; psnr is NaN if not drawn.

    way: "Effigy" or a baseline. geometry: "true" or "fitted". film: whether the picture went
    through film, lens and shutter.
    """

    person: int
    yaw: float
    way: str
    geometry: str
    film: bool
    visible: float
    hidden: float
    visible_76: float
    hidden_76: float
    psnr: float = float("nan")


class TextureRuler:
    """The shipped head's texels and vertices on the reference's surface."""

    def __init__(self, stage: Stage, size: int = SIZE) -> None:
        self.model = load_head_model()
        self.size, self.stage = size, stage
        self.atlas: Atlas = atlas_of(self.model, size)
        self.texels = np.flatnonzero(self.atlas.part == self.model.part_names.index("skin"))
        self.on_texels = nearest_on_triangles(
            stage.shape.mean, skin_triangles(stage), self.atlas.mean[self.texels], candidates=8
        )
        self.on_vertices, self.offset = vertices_on(self.model, stage)
        self.area = _texel_areas(self.atlas, self.model)[self.texels]

    def truth(self, stand: Stand) -> Truth:
        """What is true of one picture."""
        figure, orbit, drawing = stand.figure, stand.camera, stand.drawing
        vertices = self.on_vertices.on(figure.vertices) + self.offset
        places = orbit.to_camera_space(self.on_texels.on(figure.vertices))
        normals = self.on_texels.on(figure.normals) @ orbit.rotation.T
        facing = -(normals * places).sum(1) / np.linalg.norm(places, axis=1)
        camera = camera_of(stand)
        scale = len(drawing.kind) / SIDE
        cell = (camera.project(self.on_texels.on(figure.vertices)) * scale).astype(int)
        inside = ((cell >= 0) & (cell < len(drawing.kind))).all(1)
        column, row = np.clip(cell, 0, len(drawing.kind) - 1).T
        bare = np.isin(drawing.kind, SKIN)
        seen = inside & bare[row, column] & (facing > STEEPEST)
        seen &= places[:, 2] < drawing.depth[row, column] + BEHIND
        # Pixels half of hair are no skin's.
        small = cv2.resize(bare.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        pixels = cv2.erode((small > 0.99).astype(np.uint8), np.ones((3, 3))) > 0
        albedo = self.on_texels.on(figure.colours)
        return Truth(albedo, seen, pixels, camera, vertices.astype(np.float32))

    def on_skin(self, albedo: np.ndarray) -> FloatArray:
        """(S, S, 3) uint8 sRGB -> (N, 3) linear at the skin's texels."""
        rows, columns = self.atlas.rows[self.texels], self.atlas.columns[self.texels]
        return linear_of(albedo[rows, columns].astype(np.float32))

    def errors(self, found: FloatArray, truth: Truth) -> tuple[float, float, float, float]:
        """Visible and hidden, by CIEDE2000, then by CIE76, of (N, 3) linear albedo."""
        seen = truth.visible
        gain = np.median(_luma(truth.albedo[seen])) / np.median(_luma(found[seen]))
        ours, theirs = (rgb2lab(srgb_of(c)[None] / 255)[0] for c in (found * gain, truth.albedo))
        figures = []
        for difference in (deltaE_ciede2000, deltaE_cie76):
            apart = difference(ours, theirs)
            figures += [float(np.average(apart[m], weights=self.area[m])) for m in (seen, ~seen)]
        return figures[0], figures[1], figures[2], figures[3]

    def baselines(self, photo: Photo, truth: Truth) -> dict[str, FloatArray]:
        """(N, 3) linear: the photo as it is, and the visible skin's median everywhere."""
        pixels = truth.camera.project(self.atlas.on(truth.vertices)[self.texels])
        column, row = np.clip(pixels, 0, SIDE - 1).astype(int).T
        colours = linear_of(photo.rgb[row, column].astype(np.float32))
        middle = np.median(colours[truth.visible], axis=0)
        as_photographed = np.where(truth.visible[:, None], colours, middle)
        return {"light left in": as_photographed, "one colour": np.tile(middle, (len(row), 1))}


def camera_of(stand: Stand) -> Camera:
    """The camera of a drawn picture, which has no roll."""
    scale, shift = stand.to_photo[0, 0], stand.to_photo[:, 2]
    intrinsics = np.diag([FOCAL / scale, FOCAL / scale, 1]).astype(np.float32)
    intrinsics[:2, 2] = -shift / scale
    away = np.array([0, 0, stand.camera.distance], np.float32)
    return Camera(intrinsics, stand.camera.rotation, away, SIDE, SIDE)


def redraw(texture: Texture, camera: Camera, vertices: FloatArray, model: HeadModel) -> FloatArray:
    """(H, W, 3) 0..255: the head in its texture and in the light that was found; 0 beside it."""
    triangles, flat = uv_triangles(model)
    depth = camera.to_camera_space(vertices)[:, 2]
    points = np.column_stack([camera.project(vertices), depth])
    fragments = rasterize(points, triangles, camera.width, camera.height)
    uv = interpolate(fragments, model.uv, flat)
    size = len(texture.albedo)
    x, y = uv[..., 0] * size - 0.5, (1 - uv[..., 1]) * size - 0.5
    colours = cv2.remap(linear_of(texture.albedo.astype(np.float32)), x, y, cv2.INTER_LINEAR)
    light = interpolate(fragments, texture.light, triangles)
    return photographed(colours * light) * (fragments.face >= 0)[..., None]


def measure(views: Iterable[View], ruler: TextureRuler) -> Iterator[Row]:
    """Rows of every view: both geometries, with and without film, and the baselines."""
    for view in views:
        assert view.stand is not None
        truth = ruler.truth(view.stand)
        if truth.visible.sum() < 0.02 * len(truth.visible):
            continue  # a helmet or a hand before the face shows no skin to measure
        for film, rgb in ((False, view.stand.drawing.image), (True, view.rgb)):
            photo = Photo(rgb, Path("synthetic.png"), "")
            for way, found in ruler.baselines(photo, truth).items():
                yield Row(view.person, view.yaw, way, "true", film, *ruler.errors(found, truth))
            for geometry, (camera, vertices) in _geometries(photo, truth, film, ruler.model):
                texture = make_texture(photo, camera, vertices, ruler.model, ruler.size)
                drawn = redraw(texture, camera, vertices, ruler.model)
                errors = ruler.errors(ruler.on_skin(texture.albedo), truth)
                yield Row(
                    view.person,
                    view.yaw,
                    "Effigy",
                    geometry,
                    film,
                    *errors,
                    psnr(drawn, rgb, truth.pixels),
                )


def _geometries(
    photo: Photo, truth: Truth, film: bool, model: HeadModel
) -> Iterator[tuple[str, tuple[Camera, FloatArray]]]:
    """Names, cameras and vertices. The fitted one is what a person gets: with film only."""
    from ...pipeline.fit import fit_photo

    yield "true", (truth.camera, truth.vertices)
    if not film:
        return
    try:
        fit = fit_photo(photo, PLAIN, model).fit
    except NoFaceFound:
        return
    yield "fitted", (fit.camera, model.shape.at(fit.coefficients))


def psnr(drawn: FloatArray, photo: np.ndarray, where: np.ndarray) -> float:
    """Decibels over the pixels ``where`` (H, W), peak 255."""
    # What the fit does not cover cannot be re-rendered; it is no colour error.
    where = where & drawn.any(2)
    if not where.any():
        return float("nan")
    square = np.square(drawn[where] - photo[where].astype(np.float32)).mean()
    return float(10 * np.log10(255**2 / max(square, 1e-9)))


def summarise(rows: list[Row]) -> dict[str, Any]:
    """Means by way, geometry and film."""
    summary: dict[str, Any] = {}
    for way, geometry, film in dict.fromkeys((r.way, r.geometry, r.film) for r in rows):
        some = [r for r in rows if (r.way, r.geometry, r.film) == (way, geometry, film)]
        name = f"{way}, {geometry} geometry, {'with' if film else 'without'} film"
        figures = {"views": float(len(some))}
        for key in ("visible", "hidden", "visible_76", "hidden_76", "psnr"):
            values = [getattr(row, key) for row in some]
            figures[key] = float(np.nanmean(values)) if np.isfinite(values).any() else np.nan
        figures["visible_median"] = float(np.median([row.visible for row in some]))
        summary[name] = figures
    return summary


def report(summary: dict[str, Any]) -> str:
    """The summary as a table."""
    lines = [
        f"{'':46} {'views':>5} {'CIEDE2000':>19} {'CIE76':>15} {'PSNR':>7}",
        f"{'':52} {'visible':>7} {'median':>6} {'hidden':>6} {'vis.':>6} {'hidden':>6}",
    ]
    for name, row in summary.items():
        lines.append(
            f"{name:46} {row['views']:5.0f} {row['visible']:7.2f} {row['visible_median']:6.2f} "
            f"{row['hidden']:6.2f} {row['visible_76']:6.2f} {row['hidden_76']:6.2f} "
            f"{row['psnr']:6.1f}"
        )
    return "\n".join(lines)


def run(data: Path, reference: Path, fits: Path, people: int) -> list[Row]:
    """All rows of ``people`` random people; see :func:`synthetic.views_of`."""
    from ...training.data.picture.scene import load_stage
    from .heads import views_of

    seen = views_of(data, reference, fits, people, stands=True)
    return list(measure(seen, TextureRuler(load_stage(reference))))


def _luma(colours: FloatArray) -> FloatArray:
    return np.asarray(colours @ np.array([0.2126, 0.7152, 0.0722], np.float32))


def _texel_areas(atlas: Atlas, model: HeadModel) -> FloatArray:
    """(N,) area on the mean head per texel, of the triangle each lies in, relative."""
    a, b, c = (model.shape.mean[atlas.corners[:, k]] for k in range(3))
    across = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    # A triangle's area is shared by the texels on it.
    _, which, count = np.unique(
        np.sort(atlas.corners, 1), axis=0, return_inverse=True, return_counts=True
    )
    return (across / count[which.reshape(-1)]).astype(np.float32)
