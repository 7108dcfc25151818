"""Invented copies of REALY, NoW and FaceScape: the true layout, round heads, known answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from ml.data import Camera
from ml.evaluation.benchmarks.facescape import PUPILS
from ml.evaluation.benchmarks.scans import Surface, mean_face
from ml.geometry.alignment import Similarity
from ml.head.model import HeadModel, LinearShape, SurfacePoints
from ml.results.reconstruction import save_reconstruction
from tests.support.synthetic_head import PARTS, synthetic_mesh, synthetic_reconstruction

MODEL = ("invented-head", "3")  # id and version
STEPS = 24  # of the head's grid: about 7 mm
# Where a scanner's frame may lie: turned, moved, and in another unit than the head's metres.
TURN = Rotation.from_euler("yxz", [0.4, -0.2, 0.3]).as_matrix()
UNIT = 8.75  # mm for one unit of a REALY scan
TO_SCAN = Similarity(1000 / UNIT, TURN, np.array([3.0, -2.0, 5.0]))
TO_MM = Similarity(1000.0, TURN, np.array([30.0, -20.0, 500.0]))
# A prediction may lie anywhere, in any unit.
ANYWHERE = Similarity(
    3.0, Rotation.from_rotvec([0.3, 0.5, -0.2]).as_matrix(), np.array([1.0, 2, 3])
)
# Bounds of |x| and of y in metres on the front of the head.
REGION_BOUNDS = {
    "nose": ((0, 0.022), (-0.022, 0.027)),
    "mouth": ((0, 0.038), (-0.068, -0.027)),
    "forehead": ((0, 0.058), (0.012, 0.072)),
    "cheek": ((0.014, 0.066), (-0.052, 0.016)),
}
PERSON, PHOTO = "FaMoS_000", "FaMoS_000/multiview_neutral/IMG_0001"


def scan_model(steps: int = STEPS) -> HeadModel:
    """The synthetic head with a nose and a chin, one identity mode (a high brow), and the
    protocols' landmarks and masks."""
    mesh = synthetic_mesh(steps)
    mean = mesh.vertices.copy()
    for place, height, width in (((0, 0, 0.11), 0.18, 0.02), ((0, -0.07, 0.085), 0.1, 0.03)):
        mean += height * _hill(mesh.vertices, place, width) * mesh.vertices
    mean += 0.06 * _hill(mesh.vertices, (0.07, 0.02, 0.08), 0.03) * mesh.vertices
    brow = (0.05 * _hill(mean, (0, 0.05, 0.1), 0.03) * mesh.vertices)[None]
    shape = LinearShape(mean.astype(np.float32), brow.astype(np.float32), mesh.shape_keys)
    skin = np.unique(mesh.quads[mesh.part == PARTS.index("skin")])
    _, nearest = cKDTree(mean[skin, :2] + 10 * (mean[skin, 2:] < 0)).query(_keypoints())
    corners = np.repeat(skin[nearest][:, None], 3, 1).astype(np.int32)
    points = SurfacePoints(corners, np.tile(np.float32([1, 0, 0]), (85, 1)))
    seven = points.take(np.array([36, 39, 42, 45, 33, 48, 54]))
    masks = {f"realy_{name}": _within(mean, name).astype(np.float32) for name in REGION_BOUNDS}
    return HeadModel(
        *MODEL,
        "CC0-1.0",
        shape,
        mesh.expression_names,
        mesh.quads,
        mesh.uv,
        mesh.uv_quads,
        mesh.part,
        PARTS,
        {"realy85": points, "now7": seven},
        masks,
    )


def _keypoints() -> np.ndarray:
    """(85, 2) x and y in metres: iBUG's 68 as on any face, then REALY's others."""
    across, turn = np.linspace(-1, 1, 17), np.pi - 2 * np.pi * np.arange(12) / 12
    jaw = np.column_stack([70 * across, -10 - 65 * (1 - across**2)])
    brows = [(x, 35) for x in (*range(-50, -9, 10), *range(10, 51, 10))]
    nose = [(0, y) for y in (20, 12, 4, -4)] + [(x, -14) for x in (-14, -7, 0, 7, 14)]
    lid = [(-15, 0), (-5, 5), (5, 5), (15, 0), (5, -5), (-5, -5)]
    eyes = [(middle + x, 20 + y) for middle in (-32, 32) for x, y in lid]
    mouth = np.column_stack([26 * np.cos(turn), -45 + 9 * np.sin(turn)])
    inner = np.column_stack([18 * np.cos(turn[:8] * 1.5), -45 + 3 * np.sin(turn[:8] * 1.5)])
    more = [(-32, 20), (32, 20), (-16, -10), (16, -10)] + [(0, 10)] * 4 + [(-45, -15), (45, -15)]
    parts = (jaw, brows, nose, eyes, mouth, inner, more, [(0, 50)] * 7)
    return np.concatenate([np.array(part, float) for part in parts]) / 1000


def _hill(places: np.ndarray, middle: tuple[float, float, float], width: float) -> np.ndarray:
    return np.exp(-((places - middle) ** 2).sum(1) / width**2)[:, None]


def _within(places: np.ndarray, name: str) -> np.ndarray:
    (inner, outer), (low, high) = REGION_BOUNDS[name]
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]
    return (x >= inner) & (x <= outer) & (y >= low) & (y <= high) & (z > 0)


def person(model: HeadModel, share: float = 1.0) -> Surface:
    """A person with so much of the model's one identity mode; metres, what a scanner sees."""
    rest = model.shape.neutral(np.float32([share])).astype(np.float64)
    return replace(mean_face(model), vertices=rest)


def moved(surface: Surface, pose: Similarity) -> Surface:
    return replace(surface, vertices=pose.apply(surface.vertices))


def piece(surface: Surface, kept: np.ndarray) -> Surface:
    """The triangles all of whose vertices are ``kept`` (V,)."""
    triangles = surface.triangles[kept[surface.triangles].all(1)]
    used, numbers = np.unique(triangles, return_inverse=True)
    return Surface(surface.vertices[used], numbers.reshape(-1, 3).astype(np.int32))


def write_obj(path: Path, surface: Surface) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["v {:.9f} {:.9f} {:.9f}".format(*row) for row in surface.vertices]
    lines += ["f {}/1 {}/1 {}/1".format(*(row + 1)) for row in surface.triangles]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_result(
    folder: Path, surface: Surface, expressed: np.ndarray | None = None, **changes: object
) -> None:
    """An Effigy result with these (V, 3) vertices at rest; the photo's expression differs."""
    head = synthetic_reconstruction(STEPS)
    origin = replace(head.provenance, model_id=MODEL[0], model_version=MODEL[1])
    head = replace(head, **({"provenance": origin} | changes))
    shown = head.mesh.vertices_expressed if expressed is None else expressed
    mesh = replace(
        head.mesh,
        vertices=surface.vertices.astype(np.float32),
        vertices_expressed=shown.astype(np.float32),
        landmarks_68=np.zeros((68, 3), np.float32),
    )
    width, height = head.camera.width, head.camera.height
    origin = replace(head.provenance, width=width, height=height)
    photo = np.full((height // 4, width // 4, 3), 120, np.uint8)
    save_reconstruction(replace(head, mesh=mesh, provenance=origin, photo_rgb=photo), folder)


def write_realy(folder: Path, model: HeadModel, truth: Surface, number: int = 1) -> Path:
    """One scanned person of 100: keypoints, regions and scale as the release has them."""
    points = model.landmark_sets["realy85"]
    keypoints = TO_SCAN.apply((truth.vertices[points.corners] * points.weights[..., None]).sum(1))
    write_obj(
        folder / "REALY_HIFI3D_keypoints" / f"{number}.obj", Surface(keypoints, np.zeros((0, 3)))
    )
    for name in REGION_BOUNDS:
        region = moved(piece(truth, _within(model.shape.mean, name)), TO_SCAN)
        write_obj(folder / "REALY_scan_region" / str(number) / f"{name}.obj", region)
    np.savetxt(folder / "metrical_scale.txt", np.full(100, UNIT))
    return folder


def write_now(folder: Path, model: HeadModel, truth: Surface, scan: Surface | None = None) -> Path:
    """One person and one photo; the landmarks are the truth's, the scan may be another."""
    inner = folder / "final_release_version"
    scan = piece(scan or truth, np.full(len(truth.vertices), True))
    write_obj(inner / "scans" / PERSON / "scan.000001.obj", moved(scan, TO_MM))
    (inner / "imagepathsvalidation.txt").write_text(f"{PHOTO}.jpg\n")
    points = model.landmark_sets["now7"]
    seven = TO_MM.apply((truth.vertices[points.corners] * points.weights[..., None]).sum(1))
    rows = "".join(
        f'<point x="{x}" y="{y}" z="{z}" active="1" name="{n}"/>\n'
        for n, (x, y, z) in enumerate(seven)
    )
    path = inner / "scans_lmks_onlypp" / PERSON / "scan_picked_points.pp"
    path.parent.mkdir(parents=True)
    path.write_text(f"<!DOCTYPE PickedPoints>\n<PickedPoints>\n{rows}</PickedPoints>\n")
    return folder


def write_wild(folder: Path, truth: Surface, unit: float = 128.0) -> Surface:
    """One photo of the wild set; returns the truth as a prediction has to lie."""
    placed = Surface(1000 / unit * truth.vertices - [0, 0, 3], truth.triangles)
    write_obj(folder / "data" / "wild_gt_mesh" / "000.obj", placed)
    _predef(
        folder, wild_pupil_scales=[unit], wild_head_centers=[[0, 0, -3]], wild_rotations=[np.eye(3)]
    )
    return placed


def write_lab(folder: Path, truth: Surface) -> Camera:
    """One photo of the lab set; returns its camera, as an Effigy result has it."""
    unit = PUPILS / 1000
    camera = Camera(
        np.float32([[600, 0, 120], [0, 600, 130], [0, 0, 1]]),
        np.float32(np.diag([1, -1, -1]) @ Rotation.from_euler("y", 0.3).as_matrix()),
        np.float32([0.01, 0.02, 0.9]), 256, 256,
    )  # fmt: skip
    mesh = Surface(truth.vertices / unit, truth.triangles)
    write_obj(folder / "data" / "lab_gt_mesh" / "00.obj", mesh)
    pose = np.column_stack([camera.rotation, camera.translation / unit])
    path = folder / "data" / "lab_cam" / "00_0_00.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps([camera.intrinsics.tolist(), pose.tolist()]))
    centre = 1000 * camera.translation
    _predef(folder, lab_head_centers=[centre], lab_rotations=[camera.rotation])
    return camera


def _predef(folder: Path, **arrays: object) -> None:
    place = folder / "code" / "predef"
    place.mkdir(parents=True, exist_ok=True)
    for name, values in arrays.items():
        np.save(place / f"{name}.npy", np.array(values, dtype=np.float64))
