"""A head in grey clay: no texture, no hair, one key light from above."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ...data import ByteArray, Camera, FloatArray, HeadMesh
from ...detail.window import tangents_of
from ...geometry.rotations import rotation_from_vector
from ...rendering import interpolate, rasterize, vertex_normals
from ...results.preview import CLAY, GROUND, brightness, uv_triangles

SUPERSAMPLING = 2
AMBIENT = 0.2
# Camera-space directions to the lights (x right, y down, z away) and their strength.
FROM_LEFT = (((-0.35, -0.75, -0.55), 0.72), ((0.8, -0.1, -0.5), 0.18))
FROM_RIGHT = (((0.6, -0.6, -0.5), 0.72), ((-0.8, -0.1, -0.5), 0.18))


@dataclass(frozen=True)
class ClayHead:
    """A head in a photo.

    Attributes
    ----------
    mesh: without lashes; its ``vertices_expressed`` are drawn. expression: (E,) activations.
    camera: the photo's.
    landmarks: (68, 3) in iBUG's order, with the expression; head space.
    offsets: (V, 3) metres, of its detail; None: it has none.
    normal_map: of its detail, see ml.data.Detail; None: none.
    """

    mesh: HeadMesh
    expression: FloatArray
    camera: Camera
    landmarks: FloatArray
    offsets: FloatArray | None = None
    normal_map: ByteArray | None = None


@dataclass(frozen=True)
class View:
    """From where a head is drawn: its turn to its left in degrees, and the lights."""

    name: str
    turn: float
    lights: tuple[tuple[tuple[float, float, float], float], ...]


VIEWS = (View("camera", 0.0, FROM_LEFT), View("aside", 25.0, FROM_RIGHT))


def camera_of_view(head: ClayHead, view: View) -> Camera:
    """The photo's camera, with the head turned about its own middle."""
    camera, middle = head.camera, head.mesh.vertices_expressed.mean(0)
    turn = rotation_from_vector(np.radians([0.0, view.turn, 0.0]))
    rotation = (camera.rotation @ turn).astype(np.float32)
    shift = camera.translation + (camera.rotation - rotation) @ middle
    return replace(camera, rotation=rotation, translation=shift.astype(np.float32))


def in_crop(camera: Camera, to_photo: FloatArray, side: int) -> Camera:
    """``camera`` for an upright square crop of its photo; to_photo: (2, 3) crop -> photo pixels."""
    scale = float(to_photo[0, 0])
    intrinsics = camera.intrinsics.copy()
    intrinsics[:2, 2] -= to_photo[:, 2]
    intrinsics[:2] /= scale
    return replace(camera, intrinsics=intrinsics, width=side, height=side)


def draw_clay(head: ClayHead, camera: Camera, view: View, strength: float) -> ByteArray:
    """(S, S, 3): the head with ``strength`` times its detail, as a square ``camera`` sees it."""
    mesh, size = head.mesh, SUPERSAMPLING * camera.width
    triangles, flat = uv_triangles(mesh)
    vertices = mesh.vertices_expressed
    if head.offsets is not None:
        vertices = vertices + np.float32(strength) * head.offsets
    seen = camera.to_camera_space(vertices)
    points = np.column_stack([SUPERSAMPLING * camera.project(vertices), seen[:, 2]])
    fragments = rasterize(points, triangles, size, size)
    shading = [vertex_normals(seen, triangles)]
    bent = head.normal_map is not None and strength > 0
    if bent:
        shading.append(tangents_of(seen, mesh.uv, triangles, flat)[0])
    normals = interpolate(fragments, np.concatenate(shading, 1), triangles)
    if bent:
        assert head.normal_map is not None
        texels = texels_of(head.normal_map, interpolate(fragments, mesh.uv, flat))
        normals = bent_normals(normals[..., :3], normals[..., 3:], texels, strength)
    lit = CLAY * brightness(normals, view.lights, AMBIENT)[..., None]
    picture = np.where((fragments.face >= 0)[..., None], lit, GROUND).astype(np.float32)
    small = cv2.resize(picture, (camera.width, camera.width), interpolation=cv2.INTER_AREA)
    return np.clip(small, 0, 255).astype(np.uint8)


def texels_of(normal_map: ByteArray, uv: FloatArray) -> FloatArray:
    """(H, W, 3) vectors in tangent space of a (S, S, 3) map at (H, W, 2) UV, bilinear."""
    size = len(normal_map)
    places = size * np.stack([uv[..., 0], 1 - uv[..., 1]], -1) - np.float32(0.5)
    colours = cv2.remap(normal_map, places.astype(np.float32), None, cv2.INTER_LINEAR)
    return np.asarray(colours / np.float32(127.5) - 1, dtype=np.float32)


def bent_normals(
    normals: FloatArray, tangents: FloatArray, texels: FloatArray, strength: float
) -> FloatArray:
    """(H, W, 3) normals bent by a normal map, as Blender's Normal Map node does.

    tangents: along u. texels: (H, W, 3) of the map in tangent space, +Y along v. strength: 0 is no
    map; more than 1 exaggerates it.
    """
    normal = _unit(normals)
    tangent = _unit(tangents - (tangents * normal).sum(-1, keepdims=True) * normal)
    frame = (tangent, np.cross(normal, tangent), normal)
    mapped = _unit(sum((texels[..., k, None] * axis for k, axis in enumerate(frame)), 0 * normal))
    return _unit(normal + strength * (mapped - normal))


def _unit(vectors: FloatArray) -> FloatArray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), dtype=np.float32)
