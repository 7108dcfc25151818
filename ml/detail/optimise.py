"""Optimise detail against the photo with the feature consistency loss. Experimental.

The head keeps its pose, so the face is rasterised once, and only the normals of its skin change
with the field. The light is the least-squares fit to the photo with the smooth skin's normals. The
skin's colour is the photo divided by that light, averaged so widely that it holds no folds. The
field then follows the gradient of the feature consistency loss (ml.perception), with a penalty on
its distance from the network's prediction.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..data import Camera, FloatArray, Progress
from ..geometry.colour import linear_of
from ..geometry.triangles import triangulate
from ..head.model import HeadModel
from ..perception.consistency import FeatureConsistency
from ..perception.face_clip import face_config, face_consistency
from ..perception.views import ViewSettings
from ..photo.crop import warp_crop
from ..rendering import rasterize, vertex_normals
from ..rendering.shading import harmonics
from .band import STEP, Band
from .unwrap import DetailInput
from .view import PersonView
from .window import BOTTOM, LEFT, SIDE, SPAN, TEXEL_MM, skin_triangles, tangents_of, window_of

SIZE = 160
STEPS, RATE_MM = 24, 0.02
# Distance in millimetres from the network's prediction that costs a loss of 1, which is also the
# consistency loss between two different people.
PRIOR_MM = 0.15
# Standard deviation in millimetres of the averaging of the skin's colour; smallest light, relative
# to its mean of 1.
_COLOUR_MM, _DARKEST = 10.0, 0.15
_VIEWS = ViewSettings(count=2)


@dataclass(frozen=True)
class Scene:
    """A square picture of the face with P pixels of visible skin, ready to be drawn again.

    Attributes
    ----------
    photo: (1, 3, S, S) sRGB 0..1. mask: (1, 1, S, S) 0..1 where detail may be compared.
    pixel: (P,) indices into the S * S pixels.
    place: (P, 2) of each in the window, -1..1, x right and y down.
    normal: (P, 3) unit, camera space with +y up and +z towards the camera.
    rise: (P, 2, 3) what slopes of 1 along the window's x and y subtract from the normal.
    colour: (P, 3) linear colour of the skin without light. light: (9, 3) harmonic coefficients.
    """

    photo: Tensor
    mask: Tensor
    pixel: Tensor
    place: Tensor
    normal: Tensor
    rise: Tensor
    colour: Tensor
    light: Tensor

    def draw(self, field: Tensor) -> Tensor:
        """(1, 3, G, G) field in mm -> (1, 3, S, S) sRGB 0..1; the photo where there is no skin."""
        height = field[:, 2:]
        wide = functional.pad(height, (1, 1, 1, 1), mode="replicate")
        across = (wide[..., 1:-1, 2:] - wide[..., 1:-1, :-2]) / (2 * STEP * TEXEL_MM)
        down = (wide[..., 2:, 1:-1] - wide[..., :-2, 1:-1]) / (2 * STEP * TEXEL_MM)
        slopes = functional.grid_sample(
            torch.cat([across, down], 1), self.place[None, None], align_corners=False
        )[0, :, 0].T
        bent = functional.normalize(self.normal - (slopes[..., None] * self.rise).sum(1), dim=1)
        shade = _lit(bent, self.light)
        seen = encoded(self.colour * shade)
        flat = self.photo.reshape(3, -1).T.index_copy(0, self.pixel, seen)
        return flat.T.reshape_as(self.photo)


def optimised(
    field: FloatArray,
    view: PersonView,
    inputs: DetailInput,
    model: HeadModel,
    band: Band,
    progress: Progress,
) -> FloatArray:
    """(G, G, 3) mm: ``field``, optimised; unchanged if too little of the face is visible.

    Raises
    ------
    WeightsMissing: the face CLIP is missing. Cancelled: raised by ``progress``.
    """
    consistency = face_consistency(face_config(_VIEWS))
    scene = make_scene(view, inputs, model)
    if scene is None:
        return field
    return descend(field, scene, consistency, band, progress)


def descend(
    field: FloatArray, scene: Scene, consistency: FeatureConsistency, band: Band, progress: Progress
) -> FloatArray:
    """Gradient descent on the field's heights; returns the (G, G, 3) field of the lowest loss."""
    start = torch.from_numpy(field.transpose(2, 0, 1).copy())[None]
    moved = torch.zeros_like(start[:, 2:]).requires_grad_(True)
    optimizer = torch.optim.Adam([moved], lr=RATE_MM)
    target = consistency.target(scene.photo, scene.mask, torch.Generator().manual_seed(0))
    total = band.allowed.sum().clamp(min=1)
    best, least = torch.zeros_like(start), float("inf")
    for step in range(STEPS + 1):
        progress(step / (STEPS + 1), "Optimising the face's detail")
        change = band(functional.pad(moved, (0, 0, 0, 0, 2, 0)))
        loss = consistency.compare(scene.draw(start + change), target).total
        loss = loss + (change / PRIOR_MM).square().sum() / total
        if float(loss.detach()) < least:
            best, least = change.detach(), float(loss.detach())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return np.ascontiguousarray((start + best)[0].permute(1, 2, 0).numpy())


def make_scene(view: PersonView, inputs: DetailInput, model: HeadModel) -> Scene | None:
    """The face in the photo; None if fewer than 500 pixels of it are well visible."""
    triangles, uv_triangles = skin_triangles(model)
    to_photo = _crop(view, model, inputs)
    photo = warp_crop(view.rgb, to_photo, SIZE).astype(np.float32) / 255
    camera = _cropped(view.camera, to_photo)
    expressed = view.person.expressed
    in_camera = camera.to_camera_space(expressed)
    pixel, face, weights = _skin_seen(camera, expressed, model, view.renderer)
    uv = np.einsum("pk,pkc->pc", weights, model.uv[uv_triangles[face]])
    place = np.stack([(uv[:, 0] - LEFT) / SPAN, 1 - (uv[:, 1] - BOTTOM) / SPAN], -1) * 2 - 1
    # Camera space with y up and z towards the camera, the convention of the light.
    turned = (in_camera * [1, -1, -1]).astype(np.float32)
    values = _smooth(turned, model.uv, triangles, uv_triangles)
    normal, along_u, along_v = (
        np.einsum("pk,pkc->pc", weights, values[triangles[face]]).reshape(-1, 3, 3).swapaxes(0, 1)
    )
    seen = _at(inputs.seen * window_of(model, len(inputs.seen)).allowed, place)
    if (seen > 0.5).sum() < 500:
        return None
    normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    rise = _duals(normal, along_u, along_v)
    linear = linear_of(255 * photo.reshape(-1, 3)[pixel])
    light, colour = _explained(normal, linear, seen, pixel, camera, in_camera)
    mask = np.zeros(SIZE * SIZE, np.float32)
    mask[pixel] = seen
    return Scene(
        _tensor(photo.transpose(2, 0, 1)[None]),
        _tensor(mask.reshape(1, 1, SIZE, SIZE)),
        torch.from_numpy(pixel),
        _tensor(place),
        _tensor(normal),
        _tensor(rise),
        _tensor(colour),
        _tensor(light),
    )


def _skin_seen(
    camera: Camera, expressed: FloatArray, model: HeadModel, renderer: str
) -> tuple[np.ndarray, np.ndarray, FloatArray]:
    """(P,) pixels that show skin, (P,) the triangle there and (P, 3) its barycentric weights."""
    skin, _ = skin_triangles(model)
    quads = np.delete(model.quads, model.part_faces("skin"), axis=0)
    # All of the head occludes, but only skin is used: its triangles come first.
    others = triangulate(quads)
    points = np.column_stack([camera.project(expressed), camera.to_camera_space(expressed)[:, 2]])
    drawn = rasterize(points, np.concatenate([skin, others]), SIZE, SIZE, renderer)
    pixel = np.flatnonzero((drawn.face >= 0) & (drawn.face < len(skin)))
    return pixel, drawn.face.ravel()[pixel], drawn.barycentric.reshape(-1, 3)[pixel]


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))


def _crop(view: PersonView, model: HeadModel, inputs: DetailInput) -> FloatArray:
    """(2, 3) affine map from the picture's to the photo's pixels: a square round visible skin."""
    window = window_of(model, len(inputs.seen))
    pixels = view.camera.project(window.on(view.person.expressed))
    where = inputs.seen * window.allowed > 0.3
    some = pixels[where] if where.any() else pixels[window.skin]
    low, high = some.min(0), some.max(0)
    side = 1.1 * float((high - low).max())
    corner = (low + high) / 2 - side / 2
    return np.array([[side / SIZE, 0, corner[0]], [0, side / SIZE, corner[1]]], np.float32)


def _cropped(camera: Camera, to_photo: FloatArray) -> Camera:
    """The same camera in the pixels of the cropped picture."""
    scale = 1 / to_photo[0, 0]
    intrinsics = camera.intrinsics.copy()
    intrinsics[:2, 2] -= to_photo[:, 2]
    intrinsics[:2] *= scale
    return Camera(intrinsics, camera.rotation, camera.translation, SIZE, SIZE)


def _smooth(vertices, uv, triangles, uv_triangles) -> FloatArray:  # type: ignore[no-untyped-def]
    """(V, 9) normal, and tangents along +u and +v of the surface as shaded, metres per UV."""
    normals = vertex_normals(vertices, triangles)
    ways = [
        way - (way * normals).sum(1, keepdims=True) * normals
        for way in tangents_of(vertices, uv, triangles, uv_triangles)
    ]
    return np.concatenate([normals, *ways], 1).astype(np.float32)


def _duals(normal: FloatArray, along_u: FloatArray, along_v: FloatArray) -> FloatArray:
    """(P, 2, 3): what a height with a slope of 1 along the window's x and y takes from the normal.

    normal: (P, 3) unit. along_u, along_v: (P, 3) tangents in metres per unit of UV.
    """
    across, down = along_u * SPAN / SIDE, -along_v * SPAN / SIDE
    area = (np.cross(across, down) * normal).sum(1, keepdims=True)
    area = np.where(np.abs(area) < 1e-12, 1e-12, area)
    duals = np.stack([np.cross(down, normal) / area, np.cross(normal, across) / area], 1)
    return np.asarray(duals * TEXEL_MM / 1000, dtype=np.float32)


def _explained(
    normal: FloatArray,
    linear: FloatArray,
    seen: FloatArray,
    pixel: np.ndarray,
    camera: Camera,
    in_camera: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """(9, 3) light fitted to (P, 3) ``linear`` colours as if skin had one colour, and (P, 3) skin.

    The skin's colour is what the light leaves, averaged over _COLOUR_MM.
    """
    basis = harmonics(torch.from_numpy(normal.astype(np.float32))).numpy()
    weight = seen[:, None]
    ridge = 1e-3 * float(seen.sum()) * np.eye(9)
    for _ in range(3):
        rows = basis * weight
        light = np.linalg.solve(rows.T @ basis + ridge, rows.T @ linear)
        off = np.abs(basis @ light - linear).mean(1, keepdims=True)
        # Robust weights: brows, beard and shine are not light.
        weight = seen[:, None] / (1 + (off / np.maximum(np.median(off), 1e-4)) ** 2)
    # Light of mean 1: its strength and tint become part of the colour.
    light /= np.maximum((basis @ light * seen[:, None]).sum(0) / seen.sum(), 1e-4)
    ratio = np.clip(linear / np.maximum(basis @ light, _DARKEST), 0, 4)
    sigma = _COLOUR_MM / 1000 * float(camera.intrinsics[0, 0] / in_camera[:, 2].mean())
    canvas = np.zeros((SIZE * SIZE, 4), np.float32)
    canvas[pixel] = np.column_stack([ratio * seen[:, None], seen])
    wide = cv2.GaussianBlur(canvas.reshape(SIZE, SIZE, 4), (0, 0), sigma).reshape(-1, 4)[pixel]
    return light.astype(np.float32), wide[:, :3] / np.maximum(wide[:, 3:], 1e-3)


def _at(picture: FloatArray, place: FloatArray) -> FloatArray:
    """(G, G) picture at (P, 2) places -1..1 -> (P,), bilinear, 0 outside."""
    where = ((place + 1) / 2 * len(picture) - 0.5).astype(np.float32)
    found = cv2.remap(picture, where[:, :1], where[:, 1:], cv2.INTER_LINEAR, borderValue=0)
    return np.asarray(found[:, 0])


def _lit(normals: Tensor, light: Tensor) -> Tensor:
    """(P, 3) light on skin; softplus keeps it positive with a gradient."""
    return functional.softplus(harmonics(normals) @ light, beta=20.0)


def encoded(linear: Tensor) -> Tensor:
    """Linear 0..1 -> sRGB 0..1; see :func:`ml.geometry.colour.srgb_of`."""
    bright = 1.055 * linear.clamp(0.0031308, 1).pow(1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, bright, 12.92 * linear.clamp(min=0))
