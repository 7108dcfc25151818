"""A preview of a result: the photo, the head in the photo's camera, and the head alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ..data import ByteArray, Camera, FloatArray, HeadMesh, IntArray
from ..geometry.triangles import triangulate_with_uv
from ..head.model import HeadModel
from ..rendering import interpolate, rasterize, vertex_normals
from .reconstruction import Reconstruction

PANEL, SUPERSAMPLING = 420, 2
GROUND = np.array([58.0, 60.0, 64.0], np.float32)
CLAY = np.array([196.0, 186.0, 176.0], np.float32)
# Camera-space directions to the lights (x right, y down, z away) and their strength.
Lights = Sequence[tuple[tuple[float, float, float], float]]
LIGHTS, AMBIENT = (((-0.45, -0.55, -0.7), 0.62), ((0.7, -0.1, -0.7), 0.22)), 0.34


def save_preview(head: Reconstruction, path: Path) -> None:
    """Write a sheet: photo, head over the photo, neutral head turned, clay front and side.

    The first two are left out if ``head`` has no photo.
    """
    panels = [
        *_photo_panels(head),
        _portrait(head, head.mesh.vertices, turn=-32, textured=True),
        _portrait(head, head.mesh.vertices_expressed, turn=0, textured=False),
        _portrait(head, head.mesh.vertices_expressed, turn=-78, textured=False),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(panels, axis=1)).save(path, compress_level=4)


def _photo_panels(head: Reconstruction) -> list[ByteArray]:
    """The photo round the head, and the head drawn over it."""
    if head.photo_rgb is None:
        return []
    x0, y0, x1, y1 = head.face_box
    side = 1.5 * max(x1 - x0, y1 - y0)
    left, top = (x0 + x1 - side) / 2, (y0 + y1 - side) / 2 - 0.04 * side
    scale = head.photo_rgb.shape[1] / head.provenance.width
    to_photo = np.array([[side, 0, left * PANEL], [0, side, top * PANEL]]) / PANEL * scale
    to_photo[:, 2] += to_photo[:, :2] @ [0.5, 0.5] - 0.5
    picture = cv2.warpAffine(
        head.photo_rgb,
        to_photo,
        (PANEL, PANEL),
        flags=cv2.INTER_AREA | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    zoom = PANEL * SUPERSAMPLING / side
    intrinsics = head.camera.intrinsics.copy()
    intrinsics[:2, 2] -= [left, top]
    intrinsics[:2] *= zoom
    camera = replace(head.camera, intrinsics=intrinsics)
    large = cv2.resize(picture, (PANEL * SUPERSAMPLING,) * 2, interpolation=cv2.INTER_LINEAR)
    drawn = _draw(head, head.mesh.vertices_expressed, camera, large.astype(np.float32), True, 0.35)
    return [picture, drawn]


def _portrait(head: Reconstruction, vertices: FloatArray, turn: float, textured: bool) -> ByteArray:
    """The head alone, turned by ``turn`` degrees, through a long lens."""
    size = PANEL * SUPERSAMPLING
    angle = np.radians(turn)
    cos, sin = np.cos(angle), np.sin(angle)
    facing = np.array([[cos, 0, sin], [0, -1, 0], [sin, 0, -cos]], np.float32)
    skull = vertices[np.unique(head.mesh.quads)]
    middle = (skull.max(0) + skull.min(0)) / 2
    height = float(np.ptp(skull[:, 1]))
    distance, fit = 2.0, 1.0 * size
    focal = fit * distance / height
    intrinsics = np.array([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1]], np.float32)
    shift = -facing @ middle + [0, 0, distance]
    camera = Camera(intrinsics, facing, shift.astype(np.float32), size, size)
    ground = np.tile(GROUND, (size, size, 1))
    return _draw(head, vertices, camera, ground, textured, 1.0)


def _draw(
    head: Reconstruction,
    vertices: FloatArray,
    camera: Camera,
    ground: FloatArray,
    textured: bool,
    shading: float,
) -> ByteArray:
    """The head over ``ground``; ``shading`` 1 lights it, 0 leaves the texture as it is."""
    # Cards of lashes are mostly clear: in clay they would be plates.
    mesh = head.mesh if textured else without_lashes(head.mesh)
    triangles, flat = uv_triangles(mesh)
    in_camera = camera.to_camera_space(vertices)
    size = len(ground)
    points = np.column_stack([camera.project(vertices), in_camera[:, 2]])
    fragments = rasterize(points, triangles, size, size)
    light = brightness(interpolate(fragments, vertex_normals(in_camera, triangles), triangles))
    if textured and head.albedo is not None:
        uv = interpolate(fragments, head.mesh.uv, flat)
        colours = _lookup(head.albedo, uv)
    else:
        colours = np.tile(CLAY, (size, size, 1))
    lit = colours * (1 + shading * (light - 1))[..., None]
    picture = np.where((fragments.face >= 0)[..., None], lit, ground)
    small = cv2.resize(
        picture.astype(np.float32), (size // SUPERSAMPLING,) * 2, interpolation=cv2.INTER_AREA
    )
    return np.clip(small, 0, 255).astype(np.uint8)


def brightness(
    normals: FloatArray, lights: Lights = LIGHTS, ambient: float = AMBIENT
) -> FloatArray:
    """(H, W) light on surfaces with (H, W, 3) normals in camera space, of any length."""
    unit = normals / np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-9)
    light = np.full(normals.shape[:2], ambient, np.float32)
    for direction, strength in lights:
        towards = np.array(direction) / np.linalg.norm(direction)
        light += strength * np.clip(unit @ towards, 0, None).astype(np.float32)
    return light


def without_lashes(mesh: HeadMesh) -> HeadMesh:
    """The mesh without the faces of the lashes."""
    lashes = [i for i, name in enumerate(mesh.part_names) if name.startswith("lashes")]
    kept = ~np.isin(mesh.part, lashes)
    return replace(mesh, quads=mesh.quads[kept], uv_quads=mesh.uv_quads[kept], part=mesh.part[kept])


def uv_triangles(mesh: HeadMesh | HeadModel) -> tuple[IntArray, IntArray]:
    """(T, 3) vertex and (T, 3) UV indices of a mesh's triangles."""
    return triangulate_with_uv(mesh.quads, mesh.uv_quads)


def _lookup(albedo: ByteArray, uv: FloatArray) -> FloatArray:
    size = len(albedo)
    x = (uv[..., 0] * size - 0.5).astype(np.float32)
    y = ((1 - uv[..., 1]) * size - 0.5).astype(np.float32)
    return cv2.remap(albedo, x, y, cv2.INTER_LINEAR).astype(np.float32)
