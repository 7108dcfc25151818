"""Texture of rendered people whose skin is known, in known and in fitted geometry.

    python -m ml.evaluation texture --data DATA

Colour errors are CIEDE2000 between albedos in CIE Lab under D65, averaged over the skin's surface.
Albedos are compared as they are: how bright the skin is belongs to the answer. Beside that stand
errors "at equal brightness", for comparison with methods that leave it open: every albedo is first
multiplied by the one number that makes its median luminance on visible skin right.

The pictures are shown as drawn, as a camera may have recorded them ("film"), and that in grey and
in coloured light. PSNR of a grey picture is that of its luminance.
Re-renders are the texture in the light that was found, drawn with the same camera, and their PSNR
(peak 255) is taken over the pixels that show bare skin.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

from ...appearance.atlas import Atlas, atlas_of
from ...appearance.colour import photographed
from ...appearance.texture import Texture, make_texture
from ...data import Camera, FloatArray, Photo
from ...errors import NoFaceFound
from ...geometry.colour import LUMINANCE, linear_of, srgb_of
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ...head.surface import nearest_on_triangles
from ...rendering import interpolate, rasterize
from ...results.preview import uv_triangles
from ...training.data.picture.draw import FOCAL
from ...training.data.picture.scene import Stage, load_stage
from ...training.skin import SKIN, skin_triangles, vertices_on
from ..benchmark import ONE_FACE, Outcome
from .kept_out import KeptOut, add_kept_out_options
from .lights import AS_DRAWN, pictures_of
from .people import SIDE, RenderedView, Rendering, rendered_views

SIZE = 512
# Skin is seen if it is no farther behind what the picture shows, metres, and no steeper (cosine).
BEHIND, STEEPEST = 0.004, 0.25
# Views that show less than this share of the skin (a helmet, a hand) are not measured.
LEAST_VISIBLE = 0.02


class Geometry(NamedTuple):
    """Where a texture is taken from the photo: name "true" or "fitted", vertices (V, 3)."""

    name: str
    camera: Camera
    vertices: FloatArray


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
class TextureRow:
    """One texture of one view.

    Attributes
    ----------
    way: "Effigy" or a baseline. geometry: "true" or "fitted". picture: "as drawn", "film" (it went
    through film, lens and shutter) or one of LIGHTS on it. figures: errors over "visible" and
    "hidden" skin, and at equal brightness "visible_equal" and "hidden_equal"; "psnr" where the
    texture was drawn.
    """

    way: str
    geometry: str
    picture: str
    figures: dict[str, float]


class TextureReference:
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

    def truth(self, rendering: Rendering) -> Truth:
        """What is true of one picture."""
        figure, orbit, drawing = rendering.figure, rendering.camera, rendering.drawing
        vertices = self.on_vertices.on(figure.vertices) + self.offset
        places = orbit.to_camera_space(self.on_texels.on(figure.vertices))
        normals = self.on_texels.on(figure.normals) @ orbit.rotation.T
        facing = -(normals * places).sum(1) / np.linalg.norm(places, axis=1)
        camera = camera_of(rendering)
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

    def errors(self, found: FloatArray, truth: Truth) -> dict[str, float]:
        """The four errors of a TextureRow of (N, 3) linear albedo."""
        seen = truth.visible
        gain = np.median(_luma(truth.albedo[seen])) / np.median(_luma(found[seen]))
        errors = {}
        for ending, own in (("", found), ("_equal", found * gain)):
            ours, theirs = (rgb2lab(srgb_of(c)[None] / 255)[0] for c in (own, truth.albedo))
            apart = deltaE_ciede2000(ours, theirs)
            for name, where in (("visible", seen), ("hidden", ~seen)):
                errors[name + ending] = float(np.average(apart[where], weights=self.area[where]))
        return errors

    def baselines(self, photo: Photo, truth: Truth) -> dict[str, FloatArray]:
        """(N, 3) linear: the photo as it is, and the visible skin's median everywhere."""
        pixels = truth.camera.project(self.atlas.on(truth.vertices)[self.texels])
        column, row = np.clip(pixels, 0, SIDE - 1).astype(int).T
        colours = linear_of(photo.rgb[row, column].astype(np.float32))
        middle = np.median(colours[truth.visible], axis=0)
        as_photographed = np.where(truth.visible[:, None], colours, middle)
        return {"light left in": as_photographed, "one colour": np.tile(middle, (len(row), 1))}


def camera_of(rendering: Rendering) -> Camera:
    """The camera of a drawn picture, which has no roll."""
    scale, shift = rendering.to_photo[0, 0], rendering.to_photo[:, 2]
    intrinsics = np.diag([FOCAL / scale, FOCAL / scale, 1]).astype(np.float32)
    intrinsics[:2, 2] = -shift / scale
    away = np.array([0, 0, rendering.camera.distance], np.float32)
    return Camera(intrinsics, rendering.camera.rotation, away, SIDE, SIDE)


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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_out_options(parser, people=20)


def run(arguments: argparse.Namespace) -> Outcome:
    kept_out = KeptOut.of(arguments)
    views = rendered_views(kept_out)
    reference = TextureReference(load_stage(kept_out.reference))
    summary = summarise(list(measure(views, reference)))
    return Outcome(report(summary), {"summary": summary})


def measure(views: Iterable[RenderedView], reference: TextureReference) -> Iterator[TextureRow]:
    """Rows of every view: both geometries, all pictures, and the baselines."""
    for view in views:
        assert view.rendering is not None
        truth = reference.truth(view.rendering)
        if truth.visible.mean() < LEAST_VISIBLE:
            continue
        for name, photo in pictures_of(view).items():
            for way, albedo in reference.baselines(photo, truth).items():
                yield TextureRow(way, "true", name, reference.errors(albedo, truth))
            # The fitted geometry is what users get, and they have photos with film only.
            fitted = _fitted(photo, reference.model) if name != AS_DRAWN else []
            for geometry in (Geometry("true", truth.camera, truth.vertices), *fitted):
                figures = _figures(photo, geometry, truth, reference)
                yield TextureRow("Effigy", geometry.name, name, figures)


def _fitted(photo: Photo, model: HeadModel) -> list[Geometry]:
    """The geometry that the pipeline finds; nothing if it finds no face."""
    from ...pipeline.fit import fit_photo

    try:
        fit = fit_photo(photo, ONE_FACE, model).fit
    except NoFaceFound:
        return []
    return [Geometry("fitted", fit.camera, model.shape.at(fit.coefficients))]


def _figures(
    photo: Photo, geometry: Geometry, truth: Truth, reference: TextureReference
) -> dict[str, float]:
    """The errors and the PSNR of Effigy's texture."""
    camera, vertices, model = geometry.camera, geometry.vertices, reference.model
    texture = make_texture(photo, camera, vertices, model, reference.size)
    drawn = redraw(texture, camera, vertices, model)
    if np.ptp(photo.rgb, axis=2).max() == 0:
        drawn = np.repeat(srgb_of(linear_of(drawn) @ LUMINANCE)[..., None], 3, 2)
    errors = reference.errors(reference.on_skin(texture.albedo), truth)
    return errors | {"psnr": psnr(drawn, photo.rgb, truth.pixels)}


def psnr(drawn: FloatArray, photo: np.ndarray, where: np.ndarray) -> float:
    """Decibels over the pixels ``where`` (H, W), peak 255."""
    # What the fit does not cover cannot be re-rendered; it is no colour error.
    where = where & drawn.any(2)
    if not where.any():
        return float("nan")
    square = np.square(drawn[where] - photo[where].astype(np.float32)).mean()
    return float(10 * np.log10(255**2 / max(square, 1e-9)))


def summarise(rows: Sequence[TextureRow]) -> dict[str, Any]:
    """Means by way, geometry and picture."""
    summary: dict[str, Any] = {}
    for kind in dict.fromkeys((r.way, r.geometry, r.picture) for r in rows):
        some = [r for r in rows if (r.way, r.geometry, r.picture) == kind]
        way, geometry, picture = kind
        name = f"{way}, {geometry} geometry, {picture}"
        figures = {"views": float(len(some))}
        for key in ("visible", "hidden", "visible_equal", "hidden_equal", "psnr"):
            values = [row.figures.get(key, np.nan) for row in some]
            figures[key] = float(np.nanmean(values)) if np.isfinite(values).any() else np.nan
        figures["visible_median"] = float(np.median([row.figures["visible"] for row in some]))
        summary[name] = figures
    return summary


def report(summary: dict[str, Any]) -> str:
    """The summary as a table."""
    lines = [
        f"{'CIEDE2000 of the albedo':46} {'views':>5} {'as it is':>20}  equal brightness     PSNR",
        f"{'':52} {'visible':>7} {'median':>6} {'hidden':>6} {'visible':>10} {'hidden':>8}",
    ]
    for name, row in summary.items():
        lines.append(
            f"{name:46} {row['views']:5.0f} {row['visible']:7.2f} {row['visible_median']:6.2f} "
            f"{row['hidden']:6.2f} {row['visible_equal']:10.2f} {row['hidden_equal']:8.2f} "
            f"{row['psnr']:6.1f}"
        )
    return "\n".join(lines)


def _luma(colours: FloatArray) -> FloatArray:
    return np.asarray(colours @ LUMINANCE)


def _texel_areas(atlas: Atlas, model: HeadModel) -> FloatArray:
    """(N,) area on the mean head per texel, of the triangle each lies in, relative."""
    a, b, c = (model.shape.mean[atlas.corners[:, k]] for k in range(3))
    across = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    # A triangle's area is shared by the texels on it.
    _, which, count = np.unique(
        np.sort(atlas.corners, 1), axis=0, return_inverse=True, return_counts=True
    )
    return (across / count[which.reshape(-1)]).astype(np.float32)
