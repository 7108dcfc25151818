"""The rasteriser against a naive twin."""

import importlib.util

import numpy as np
import pytest

from ml.errors import EngineUnavailable, UsageError
from ml.rendering import interpolate, rasterize, vertex_normals

SIZE = 40


@pytest.fixture
def soup() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.uniform(-10, SIZE + 10, (60, 2)), rng.uniform(0.5, 3, 60)])
    return points.astype(np.float32), rng.integers(0, 60, (40, 3)).astype(np.int32)


def naive(points: np.ndarray, triangles: np.ndarray):
    """Every triangle over every pixel, in float64."""
    face = np.full((SIZE, SIZE), -1)
    depth = np.full((SIZE, SIZE), np.inf)
    y, x = np.indices((SIZE, SIZE)) + 0.5
    for index, triangle in enumerate(triangles):
        corner = points[triangle].astype(float)
        matrix = np.vstack([corner[:, :2].T, np.ones(3)])
        if abs(np.linalg.det(matrix)) < 1e-9:
            continue
        flat = np.einsum("kc,cyx->kyx", np.linalg.inv(matrix), [x, y, np.ones_like(x)])
        z = 1 / (flat / corner[:, 2, None, None]).sum(0)
        closer = (flat.min(0) >= 0) & (z < depth)
        face[closer], depth[closer] = index, z[closer]
    return face, depth


def test_agrees_with_a_naive_twin(soup):
    points, triangles = soup
    fragments = rasterize(points, triangles, SIZE, SIZE)
    face, depth = naive(points, triangles)
    assert (fragments.face == face).mean() > 0.998
    same = fragments.face == face
    np.testing.assert_allclose(fragments.depth[same], depth[same], rtol=1e-4)


def test_weights_interpolate_in_perspective(soup):
    points, triangles = soup
    fragments = rasterize(points, triangles, SIZE, SIZE)
    seen = fragments.face >= 0
    # A point's own pixel place times depth is linear in space, so it must come back exactly.
    world = np.column_stack([points[:, :2] * points[:, 2:], points[:, 2]])
    back = interpolate(fragments, world.astype(np.float32), triangles)
    y, x = np.nonzero(seen)
    np.testing.assert_allclose(back[seen][:, 0] / back[seen][:, 2], x + 0.5, atol=0.01)
    np.testing.assert_allclose(back[seen][:, 1] / back[seen][:, 2], y + 0.5, atol=0.01)
    np.testing.assert_allclose(fragments.barycentric[seen].sum(1), 1, atol=1e-4)
    assert (back[~seen] == 0).all()


def test_triangles_behind_the_camera_are_skipped():
    points = np.array([[0, 0, 1], [40, 0, -1], [0, 40, 1]], np.float32)
    drawn = rasterize(points, np.array([[0, 1, 2]]), SIZE, SIZE)
    assert (drawn.face == -1).all()
    assert np.isinf(drawn.depth).all()


def test_normals_of_a_sphere_point_outwards():
    rng = np.random.default_rng(1)
    from scipy.spatial import ConvexHull

    points = rng.normal(size=(500, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    triangles = ConvexHull(points).simplices
    corner = points[triangles]
    inward = (
        np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]) * corner[:, 0]
    ).sum(1) < 0
    triangles[inward] = triangles[inward][:, ::-1]
    normals = vertex_normals(points.astype(np.float32), triangles)
    assert (normals * points).sum(1).min() > 0.95


def test_unknown_backend_is_refused():
    with pytest.raises(UsageError, match="crayon"):
        rasterize(np.zeros((3, 3), np.float32), np.array([[0, 1, 2]]), 4, 4, backend="crayon")


def test_pytorch3d_agrees_or_says_how_to_get_it(soup):
    points, triangles = soup
    if importlib.util.find_spec("pytorch3d") is None:
        with pytest.raises(EngineUnavailable, match="pytorch3d"):
            rasterize(points, triangles, SIZE, SIZE, backend="pytorch3d")
        return
    ours = rasterize(points, triangles, SIZE, SIZE)
    theirs = rasterize(points, triangles, SIZE, SIZE, backend="pytorch3d")
    assert (ours.face == theirs.face).mean() > 0.99
