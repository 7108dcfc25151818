"""A small invented head with every feature of a real one.

Parts, triangles, seams, 52 keys, regions, and the joints and weights of a rig.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ml.data import Camera, HeadCoefficients, HeadMesh
from ml.head.arkit import EXPRESSION_NAMES
from ml.results.provenance import Provenance, current_model
from ml.results.reconstruction import Reconstruction, save_reconstruction

# Radius and middle of each part; round ones are spheres of grids, the others octahedra.
_PIECES = {
    "skin": (0.11, (0.0, 0.0, 0.0)),
    "mouth": (0.02, (0.0, -0.05, 0.08)),
    "eye_left": (0.012, (0.03, 0.02, 0.1)),
    "eye_right": (0.012, (-0.03, 0.02, 0.1)),
    "iris_left": (0.006, (0.03, 0.02, 0.109)),
    "iris_right": (0.006, (-0.03, 0.02, 0.109)),
    "pupil_left": (0.002, (0.03, 0.02, 0.1145)),
    "pupil_right": (0.002, (-0.03, 0.02, 0.1145)),
    "teeth_upper": (0.01, (0.0, -0.045, 0.072)),
    "teeth_lower": (0.01, (0.0, -0.06, 0.072)),
    "gums_upper": (0.008, (0.0, -0.04, 0.07)),
    "gums_lower": (0.008, (0.0, -0.065, 0.07)),
    "tongue": (0.008, (0.001, -0.061, 0.0905)),
    "lashes_left": (0.003, (0.03, 0.032, 0.112)),
    "lashes_right": (0.003, (-0.03, 0.032, 0.112)),
}
PARTS = tuple(_PIECES)
_ROUND = {"skin": 1, "eye_left": 4, "eye_right": 4}  # and how much coarser than the skin
JOINTS = {
    "neck": (0.0, -0.11, -0.02),
    "head": (0.0, -0.06, -0.01),
    "jaw": (0.0, -0.01, 0.02),
    "chin": (0.0, -0.08, 0.08),
    "eye_left": (0.03, 0.02, 0.1),
    "eye_right": (-0.03, 0.02, 0.1),
}
JAW_OPEN = 0.25  # radians about the jaw's joint
WIDTH, HEIGHT = 600, 800


def cube_sphere(steps: int, radius: float, center: tuple[float, float, float]):
    """(V, 3) points, (F, 4) outward quads, (T, 2) and (F, 4) UV of a sphere of six grids."""
    line = np.linspace(-1, 1, steps + 1)
    a, b = np.meshgrid(line, line, indexing="ij")
    one = np.ones_like(a)
    sides = [(one, a, b), (-one, b, a), (b, one, a), (a, -one, b), (a, b, one), (b, a, -one)]
    grids = np.stack([np.stack(side, -1) for side in sides]).reshape(-1, 3)
    index = np.arange(len(grids)).reshape(6, steps + 1, steps + 1)
    corners = [index[:, :-1, :-1], index[:, 1:, :-1], index[:, 1:, 1:], index[:, :-1, 1:]]
    uv_quads = np.stack(corners, -1).reshape(-1, 4)
    points, same = np.unique(np.round(grids, 9), axis=0, return_inverse=True)
    points = points / np.linalg.norm(points, axis=1, keepdims=True) * radius + center
    cell = np.stack([a, b], -1).reshape(1, -1, 2) * 0.45 + 0.5
    origin = np.array([[column, row] for row in range(2) for column in range(3)], float)
    uv = ((cell + origin[:, None]) / 3).reshape(-1, 2)
    return points, same.reshape(-1)[uv_quads], uv, uv_quads


def octahedron(radius: float, center: tuple[float, float, float]):
    """The same for eight triangles, which repeat their last index."""
    points = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    top = [(0, 2, 4, 4), (2, 1, 4, 4), (1, 3, 4, 4), (3, 0, 4, 4)]
    bottom = [(2, 0, 5, 5), (1, 2, 5, 5), (3, 1, 5, 5), (0, 3, 5, 5)]
    quads = np.array(top + bottom)
    uv = 0.5 + 0.1 * points[:, :2]
    return points * radius + center, quads, uv, quads.copy()


def synthetic_mesh(steps: int) -> HeadMesh:
    """About ``6 * steps ** 2`` vertices; every expression moves a region of its own."""
    pieces = [
        cube_sphere(max(2, steps // _ROUND[name]), *shape) if name in _ROUND else octahedron(*shape)
        for name, shape in _PIECES.items()
    ]
    vertices, quads, uv, uv_quads, part = [], [], [], [], []
    offset = uv_offset = 0
    for number, (points, faces, places, uv_faces) in enumerate(pieces):
        vertices.append(points)
        quads.append(faces + offset)
        uv.append(places)
        uv_quads.append(uv_faces + uv_offset)
        part.append(np.full(len(faces), number))
        offset, uv_offset = offset + len(points), uv_offset + len(places)
    rest = np.concatenate(vertices).astype(np.float32)
    faces, part = np.concatenate(quads).astype(np.int32), np.concatenate(part).astype(np.uint8)
    masks = _masks(rest, faces, part)
    keys = _shape_keys(rest, masks["bone_jaw"])
    values = expression_values()
    return HeadMesh(
        vertices=rest,
        vertices_expressed=rest + np.tensordot(values, keys, 1),
        quads=faces,
        uv=np.concatenate(uv).astype(np.float32),
        uv_quads=np.concatenate(uv_quads).astype(np.int32),
        part=part,
        part_names=PARTS,
        shape_keys=keys,
        expression_names=EXPRESSION_NAMES,
        landmarks_68=np.resize(rest, (68, 3)),
        landmarks_478=np.resize(rest, (478, 3)),
        masks=masks,
        joints={name: np.float32(place) for name, place in JOINTS.items()},
    )


def expression_values() -> np.ndarray:
    """(52,): mostly small; one above 1, which Blender would clamp."""
    values = np.linspace(0.0, 0.9, len(EXPRESSION_NAMES)).astype(np.float32)
    values[EXPRESSION_NAMES.index("jawOpen")] = 1.25
    return values


def synthetic_camera() -> Camera:
    """A turned head, and a principal point away from the middle."""
    yaw, pitch, roll = 0.35, -0.15, 0.1
    turn = _about(1, yaw) @ _about(0, pitch) @ _about(2, roll)
    rotation = np.diag([1.0, -1.0, -1.0]) @ turn
    intrinsics = np.array([[1100.0, 0, 290.0], [0, 1100.0, 430.0], [0, 0, 1]])
    place = np.array([0.02, -0.01, 0.6])
    return Camera(*(np.float32(a) for a in (intrinsics, rotation, place)), WIDTH, HEIGHT)


def synthetic_reconstruction(
    steps: int = 8, name: str = "Ada.jpg", model: tuple[str, str] | None = None
) -> Reconstruction:
    """A result of ``model`` (id, version); None: the one that ships."""
    model_id, version = model or current_model()
    mesh, camera = synthetic_mesh(steps), synthetic_camera()
    albedo = np.zeros((64, 64, 3), np.uint8)
    albedo[:32], albedo[32:] = (200, 150, 130), (90, 60, 50)
    photo = np.full((HEIGHT // 4, WIDTH // 4, 3), 120, np.uint8)
    return Reconstruction(
        provenance=Provenance(
            model_id, version, "CC0-1.0", name, "ab" * 32, WIDTH, HEIGHT, "0.1.0"
        ),
        mesh=mesh,
        coefficients=HeadCoefficients(
            np.linspace(-2, 2, 160).astype(np.float32), expression_values()
        ),
        camera=camera,
        face_box=(100.0, 150.0, 500.0, 700.0),
        landmarks_68_px=camera.project(mesh.landmarks_68),
        landmarks_478_px=camera.project(mesh.landmarks_478),
        confidence=0.9,
        albedo=albedo,
        photo_rgb=photo,
    )


def write_synthetic(
    directory: Path,
    steps: int = 8,
    name: str = "Ada.jpg",
    model: tuple[str, str] | None = None,
) -> Reconstruction:
    """Save an invented reconstruction into ``directory`` and return it."""
    head = synthetic_reconstruction(steps, name, model)
    save_reconstruction(head, directory)
    return head


def without_images(head: Reconstruction) -> Reconstruction:
    return replace(head, albedo=None, photo_rgb=None)


def eye_vertices(mesh: HeadMesh, side: str) -> np.ndarray:
    """The vertices of one eyeball with its iris and pupil."""
    return _of_parts(mesh.quads, mesh.part, *(f"{p}_{side}" for p in ("eye", "iris", "pupil")))


def without_rig_data(head: Reconstruction) -> Reconstruction:
    """As an older Effigy wrote it."""
    return replace(head, mesh=replace(head.mesh, masks={}, joints={}))


def _of_parts(quads: np.ndarray, part: np.ndarray, *names: str) -> np.ndarray:
    return np.unique(quads[np.isin(part, [PARTS.index(name) for name in names])])


def _masks(rest: np.ndarray, quads: np.ndarray, part: np.ndarray) -> dict[str, np.ndarray]:
    """Regions that fade out, and bones' weights that, with the eyes', sum to one."""
    regions = {
        "brows": (0.0, 0.05, 0.1),
        "eyes": (0.03, 0.02, 0.1),
        "nose": (0.0, 0.0, 0.11),
        "cheeks": (0.06, -0.02, 0.08),
        "mouth": (0.0, -0.05, 0.1),
        "jaw": (0.0, -0.09, 0.06),
        "ears": (0.11, 0.0, 0.0),
        "neck": (0.0, -0.11, 0.0),
    }
    masks = {name: _near(rest, place, 0.05) for name, place in regions.items()}
    masks["realy_nose"] = (masks["nose"] > 0.5).astype(np.float32)
    jaw = _near(rest, (0.0, -0.08, 0.08), 0.06)
    jaw[_of_parts(quads, part, "teeth_lower", "gums_lower", "tongue")] = 1
    jaw[_of_parts(quads, part, "teeth_upper", "gums_upper")] = 0
    neck = _near(rest, (0.0, -0.12, -0.03), 0.07) * (1 - jaw)
    eyes = [f"{kind}_{side}" for kind in ("eye", "iris", "pupil") for side in ("left", "right")]
    held = np.ones(len(rest), np.float32)
    held[_of_parts(quads, part, *eyes)] = 0
    bones = {"bone_neck": neck, "bone_head": 1 - jaw - neck, "bone_jaw": jaw}
    return masks | {name: weights * held for name, weights in bones.items()}


def _near(rest: np.ndarray, place: tuple[float, float, float], reach: float) -> np.ndarray:
    """(V,) 1 at the place, 0 from ``reach`` on."""
    share = np.clip(1 - np.linalg.norm(rest - place, axis=1) / reach, 0, 1)
    return (share * share * (3 - 2 * share)).astype(np.float32)


def _shape_keys(rest: np.ndarray, jaw: np.ndarray) -> np.ndarray:
    generator = np.random.default_rng(7)
    count = len(EXPRESSION_NAMES)
    centers = rest[generator.choice(len(rest), count, replace=False)]
    ways = generator.normal(size=(count, 3)) * 0.01
    near = np.exp(-(((rest[None] - centers[:, None]) / 0.03) ** 2).sum(-1))
    keys = near[..., None] * ways[:, None]
    hinge = np.array(JOINTS["jaw"])
    turned = (rest - hinge) @ _about(0, JAW_OPEN).T + hinge
    keys[EXPRESSION_NAMES.index("jawOpen")] = jaw[:, None] * (turned - rest)
    return keys.astype(np.float32)


def _about(axis: int, angle: float) -> np.ndarray:
    first, second = [other for other in range(3) if other != axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
    return matrix
