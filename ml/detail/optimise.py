"""Detail polished against the photo: what is drawn should show a CLIP what the photo shows it.

The head stays where the fit put it, so the face is rasterised once; only the normals of its skin
bend with the field. Light is what best explains the photo with the smooth skin's normals, and the
skin's colour is what is left of the photo after it, averaged so widely that no fold is in it. The
field then follows the gradient of the feature consistency loss (ml.perception), held to what the
network expected: one that explains nothing stays as it was.
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
from .unwrap import Unwrapped
from .view import PersonView
from .window import BOTTOM, LEFT, SIDE, SPAN, TEXEL_MM, skin_triangles, tangents_of, window_of

SIZE = 160
STEPS, RATE_MM = 24, 0.02
# How far, in millimetres, the photo may pull the field from what the network expected before the
# loss counts it as 1, beside the consistency's "two different people".
TRUST_MM = 0.15
# Skin's colour is averaged over this many millimetres; light is never less than this, its mean
# being 1.
_COLOUR_MM, _DARKEST = 10.0, 0.15
_VIEWS = ViewSettings(count=2)


@dataclass(frozen=True)
class Scene:
    """The face as the photo shows it, in a square picture of P visible skin pixels.

    Attributes
    ----------
    photo: (1, 3, S, S) sRGB 0..1. mask: (1, 1, S, S) 0..1 where detail may be seen.
    pixel: (P,) numbers of the pixels. place: (P, 2) in the window, -1..1, x right and y down.
    normal: (P, 3) unit, camera space, +z towards the camera. rise: (P, 2, 3) what a slope of 1 mm
        a millimetre along the window's x and y takes from the normal.
    colour: (P, 3) linear, of the skin without light. light: (9, 3) for its harmonics.
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
        """(1, 3, G, G) mm -> (1, 3, S, S) sRGB; the photo itself where there is no skin."""
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


def polished(
    field: FloatArray,
    view: PersonView,
    told: Unwrapped,
    model: HeadModel,
    band: Band,
    progress: Progress,
) -> FloatArray:
    """(G, G, 3) mm, polished from ``field``; see the module.

    Raises
    ------
    WeightsMissing: the face CLIP is not there. Cancelled: ``progress`` says so.
    """
    consistency = face_consistency(face_config(_VIEWS))
    scene = make_scene(view, told, model)
    if scene is None:
        return field
    return follow(field, scene, consistency, band, progress)


def follow(
    field: FloatArray, scene: Scene, consistency: FeatureConsistency, band: Band, progress: Progress
) -> FloatArray:
    """Descend from ``field``; the best of what was tried is kept."""
    start = torch.from_numpy(field.transpose(2, 0, 1).copy())[None]
    moved = torch.zeros_like(start[:, 2:]).requires_grad_(True)
    optimizer = torch.optim.Adam([moved], lr=RATE_MM)
    target = consistency.target(scene.photo, scene.mask, torch.Generator().manual_seed(0))
    total = band.allowed.sum().clamp(min=1)
    best, least = torch.zeros_like(start), float("inf")
    for step in range(STEPS + 1):
        progress(step / (STEPS + 1), "Polishing the face's detail")
        change = band(functional.pad(moved, (0, 0, 0, 0, 2, 0)))
        loss = consistency.compare(scene.draw(start + change), target).total
        loss = loss + (change / TRUST_MM).square().sum() / total
        if float(loss.detach()) < least:
            best, least = change.detach(), float(loss.detach())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return np.ascontiguousarray((start + best)[0].permute(1, 2, 0).numpy())


def make_scene(view: PersonView, told: Unwrapped, model: HeadModel) -> Scene | None:
    """The face in the photo; None if too little of it is seen to tell anything."""
    triangles, uv_triangles = skin_triangles(model)
    to_photo = _crop(view, model, told)
    photo = warp_crop(view.rgb, to_photo, SIZE).astype(np.float32) / 255
    camera = _cropped(view.camera, to_photo)
    expressed = view.person.expressed
    in_camera = camera.to_camera_space(expressed)
    pixel, face, weights = _skin_seen(camera, expressed, model, view.renderer)
    uv = np.einsum("pk,pkc->pc", weights, model.uv[uv_triangles[face]])
    place = np.stack([(uv[:, 0] - LEFT) / SPAN, 1 - (uv[:, 1] - BOTTOM) / SPAN], -1) * 2 - 1
    # Camera space with y up and z towards the camera, as lights are described.
    turned = (in_camera * [1, -1, -1]).astype(np.float32)
    values = _smooth(turned, model.uv, triangles, uv_triangles)
    normal, along_u, along_v = (
        np.einsum("pk,pkc->pc", weights, values[triangles[face]]).reshape(-1, 3, 3).swapaxes(0, 1)
    )
    seen = _at(told.seen * window_of(model, len(told.seen)).allowed, place)
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
    """Pixels (P,) that see skin, its triangle (P,) and the weights (P, 3) of its corners."""
    skin, _ = skin_triangles(model)
    quads = np.delete(model.quads, model.part_faces("skin"), axis=0)
    # All of the head hides, only the skin is looked at: its triangles come first.
    others = triangulate(quads)
    points = np.column_stack([camera.project(expressed), camera.to_camera_space(expressed)[:, 2]])
    drawn = rasterize(points, np.concatenate([skin, others]), SIZE, SIZE, renderer)
    pixel = np.flatnonzero((drawn.face >= 0) & (drawn.face < len(skin)))
    return pixel, drawn.face.ravel()[pixel], drawn.barycentric.reshape(-1, 3)[pixel]


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))


def _crop(view: PersonView, model: HeadModel, told: Unwrapped) -> FloatArray:
    """(2, 3) map from the picture's pixels to the photo's: a square round the visible skin."""
    window = window_of(model, len(told.seen))
    pixels = view.camera.project(window.on(view.person.expressed))
    where = told.seen * window.allowed > 0.3
    some = pixels[where] if where.any() else pixels[window.skin]
    low, high = some.min(0), some.max(0)
    side = 1.1 * float((high - low).max())
    corner = (low + high) / 2 - side / 2
    return np.array([[side / SIZE, 0, corner[0]], [0, side / SIZE, corner[1]]], np.float32)


def _cropped(camera: Camera, to_photo: FloatArray) -> Camera:
    scale = 1 / to_photo[0, 0]
    intrinsics = camera.intrinsics.copy()
    intrinsics[:2, 2] -= to_photo[:, 2]
    intrinsics[:2] *= scale
    return Camera(intrinsics, camera.rotation, camera.translation, SIZE, SIZE)


def _smooth(vertices, uv, triangles, uv_triangles) -> FloatArray:  # type: ignore[no-untyped-def]
    """(V, 9) normal, and the ways along +u and +v in the surface as it is shaded, per UV."""
    normals = vertex_normals(vertices, triangles)
    ways = [
        way - (way * normals).sum(1, keepdims=True) * normals
        for way in tangents_of(vertices, uv, triangles, uv_triangles)
    ]
    return np.concatenate([normals, *ways], 1).astype(np.float32)


def _duals(normal: FloatArray, along_u: FloatArray, along_v: FloatArray) -> FloatArray:
    """(P, 2, 3): a height that grows by 1 mm along one texel-millimetre of x (or y, downwards)
    takes this from the unit normal."""
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
    """Light (9, 3) that one colour of skin would need, and the colour (P, 3) left over."""
    basis = harmonics(torch.from_numpy(normal.astype(np.float32))).numpy()
    weight = seen[:, None]
    ridge = 1e-3 * float(seen.sum()) * np.eye(9)
    for _ in range(3):
        rows = basis * weight
        light = np.linalg.solve(rows.T @ basis + ridge, rows.T @ linear)
        off = np.abs(basis @ light - linear).mean(1, keepdims=True)
        # Brows, beard and shine are not light.
        weight = seen[:, None] / (1 + (off / np.maximum(np.median(off), 1e-4)) ** 2)
    # Light of mean 1: its strength and tint go to the colour.
    light /= np.maximum((basis @ light * seen[:, None]).sum(0) / seen.sum(), 1e-4)
    ratio = np.clip(linear / np.maximum(basis @ light, _DARKEST), 0, 4)
    sigma = _COLOUR_MM / 1000 * float(camera.intrinsics[0, 0] / in_camera[:, 2].mean())
    canvas = np.zeros((SIZE * SIZE, 4), np.float32)
    canvas[pixel] = np.column_stack([ratio * seen[:, None], seen])
    wide = cv2.GaussianBlur(canvas.reshape(SIZE, SIZE, 4), (0, 0), sigma).reshape(-1, 4)[pixel]
    return light.astype(np.float32), wide[:, :3] / np.maximum(wide[:, 3:], 1e-3)


def _at(picture: FloatArray, place: FloatArray) -> FloatArray:
    """(G, G) at (P, 2) places -1..1 -> (P,)."""
    where = ((place + 1) / 2 * len(picture) - 0.5).astype(np.float32)
    found = cv2.remap(picture, where[:, :1], where[:, 1:], cv2.INTER_LINEAR, borderValue=0)
    return np.asarray(found[:, 0])


def _lit(normals: Tensor, light: Tensor) -> Tensor:
    """(P, 3) light on skin; never quite none, or there would be no gradient."""
    return functional.softplus(harmonics(normals) @ light, beta=20.0)


def encoded(linear: Tensor) -> Tensor:
    """Linear 0..1 -> sRGB 0..1; see :func:`ml.geometry.colour.srgb_of`."""
    bright = 1.055 * linear.clamp(0.0031308, 1).pow(1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, bright, 12.92 * linear.clamp(min=0))
