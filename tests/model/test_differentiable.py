"""The differentiable renderer against naive twins, finite differences and known areas."""

import importlib.util

import numpy as np
import pytest
import torch
from scipy.spatial import ConvexHull

from ml.data import Camera
from ml.errors import EngineUnavailable, UsageError
from ml.evaluation.speed.rendering import measure
from ml.geometry.cameras import Cameras
from ml.rendering import rasterize, torch_zbuffer, vertex_normals
from ml.rendering.differentiable import (
    Topology,
    antialias,
    batch_of,
    harmonics,
    joined,
    normals_of,
    paint,
    rasterize_meshes,
    sample_texture,
    shade,
    unit,
)

SIZE = 32
QUAD = np.array([[0, 1, 2], [0, 2, 3]])


def soup(seed: int = 0, count: int = 40) -> tuple[torch.Tensor, Topology]:
    """Random triangles through each other, some beyond the picture."""
    rng = np.random.default_rng(seed)
    points = np.column_stack([rng.uniform(-8, SIZE + 8, (50, 2)), rng.uniform(0.5, 3, 50)])
    return torch.from_numpy(points), Topology.of(rng.integers(0, 50, (count, 3)))


def ball(radius: float, count: int = 2500) -> tuple[torch.Tensor, Topology]:
    """A ball in the picture's middle, of triangles smaller than a pixel."""
    rng = np.random.default_rng(3)
    points = rng.normal(size=(count, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    topology = Topology.of(ConvexHull(points).simplices.astype(np.int64))
    placed = points * [radius, radius, 0.1] + [SIZE / 2 + 0.3, SIZE / 2 - 0.2, 1]
    return torch.from_numpy(placed), topology


def polygon_area(corners: torch.Tensor) -> torch.Tensor:
    x, y = corners[:, 0], corners[:, 1]
    return 0.5 * (x * y.roll(-1) - y * x.roll(-1)).sum().abs()


def one(points: torch.Tensor, topology: Topology, size: int = SIZE):
    return rasterize_meshes(batch_of(points[None], topology), size, size)


def naive_picture(points: np.ndarray, triangles: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Every pixel against every triangle, in float64."""
    picture = np.zeros((SIZE, SIZE, values.shape[1]))
    for y in range(SIZE):
        for x in range(SIZE):
            nearest = np.inf
            for triangle in triangles:
                matrix = np.vstack([points[triangle, :2].T, np.ones(3)])
                if abs(np.linalg.det(matrix)) < 1e-9:
                    continue
                flat = np.linalg.solve(matrix, [x + 0.5, y + 0.5, 1])
                share = flat / points[triangle, 2]
                if flat.min() >= 0 and 1 / share.sum() < nearest:
                    nearest = 1 / share.sum()
                    picture[y, x] = share @ values[triangle] * nearest
    return picture


def test_pictures_equal_those_of_a_naive_twin():
    points, topology = soup()
    values = np.random.default_rng(1).normal(size=(50, 4))
    seen = one(points, topology)
    drawn = seen.picture(seen.interpolate(torch.from_numpy(values)))[0].numpy()
    expected = naive_picture(points.numpy(), topology.triangles.numpy(), values)
    wrong = np.abs(drawn - expected).max(-1) > 1e-4
    assert (expected != 0).any(-1).mean() > 0.5
    assert wrong.mean() < 0.003  # which of two triangles wins may differ where they cross


def relative_error(function, leaf: torch.Tensor, trials: int = 12, step: float = 1e-6) -> float:
    """Largest error of the gradient along random directions, by central differences."""
    (gradient,) = torch.autograd.grad(function(leaf), leaf)
    generator = torch.Generator().manual_seed(0)
    errors = []
    for _ in range(trials):
        way = torch.randn(leaf.shape, generator=generator, dtype=leaf.dtype)
        with torch.no_grad():
            slope = (function(leaf + step * way) - function(leaf - step * way)) / (2 * step)
        errors.append(float((slope - (gradient * way).sum()).abs() / slope.abs().clamp(min=1e-3)))
    return max(errors)


@pytest.fixture
def weights() -> torch.Tensor:
    return torch.randn(SIZE, SIZE, 3, generator=torch.Generator().manual_seed(5)).double()


def test_gradient_at_vertices_inside_a_surface(weights):
    points, topology = ball(30.0, 300)  # larger than the picture: no outline in it
    values = torch.randn(300, 3, generator=torch.Generator().manual_seed(1)).double()

    def loss(p):
        seen = one(p, topology)
        assert len(seen.pixel) == SIZE * SIZE
        return (seen.picture(seen.interpolate(values))[0] * weights).sum()

    assert relative_error(loss, points.requires_grad_()) < 1e-4


def test_gradient_at_outlines(weights):
    points, topology = soup(seed=2, count=25)
    values = torch.randn(50, 3, generator=torch.Generator().manual_seed(1)).double()

    def loss(p):
        seen = one(p, topology)
        picture, coverage = paint(seen, seen.interpolate(values), background=0.3)
        return (picture[0] * weights).sum() + (coverage[0] * weights[..., 0]).sum()

    assert relative_error(loss, points.requires_grad_()) < 1e-4


def test_gradient_of_values_light_texture_and_camera(weights):
    points, topology = ball(0.012, 400)
    vertices = (points - points.mean(0)) * torch.tensor([1.0, 1.0, 0.1]).double()
    generator = torch.Generator().manual_seed(2)
    light = torch.randn(1, 9, 3, generator=generator).double()
    texture = torch.rand(1, 3, 16, 16, generator=generator).double()
    places = torch.rand(400, 2, generator=generator).double()
    focal, principal = torch.tensor([500.0]).double(), torch.tensor([[16.0, 16.0]]).double()
    turn = torch.eye(3).double()[None]
    shift = torch.tensor([[0.001, 0.002, 0.4]]).double()
    leaves = {
        "vertices": vertices,
        "light": light,
        "texture": texture,
        "uv": places,
        "focal": focal,
        "principal": principal,
        "rotation": turn,
        "translation": shift,
    }

    def loss_of(name):
        def loss(leaf):
            now = {**leaves, name: leaf}
            parts = (now[part] for part in ("focal", "principal", "rotation", "translation"))
            points = Cameras(*parts).project_with_depth(now["vertices"][None])
            seen = rasterize_meshes(batch_of(points, topology), SIZE, SIZE)
            assert len(seen.pixel) > 100
            normals = seen.interpolate(normals_of(now["vertices"], topology.triangles))
            colour = shade(seen, unit(normals), now["light"]) * sample_texture(
                seen, now["texture"], seen.interpolate(now["uv"])
            )
            return (paint(seen, colour)[0][0] * weights).sum()

        return loss

    for name, leaf in leaves.items():
        # A metre is more than a thousand pixels here, and a pixel must not change its triangle.
        step = 1e-9 if name in ("vertices", "translation", "rotation") else 1e-7
        assert relative_error(loss_of(name), leaf.clone().requires_grad_(), step=step) < 1e-3, name


@pytest.mark.parametrize("turn", np.linspace(0, 2, 9))
def test_coverage_and_its_gradient_are_those_of_a_triangle_s_area(turn):
    cos, sin = np.cos(turn), np.sin(turn)
    corners = np.array([[-11, -9], [12, -6], [1, 12]]) @ np.array([[cos, sin], [-sin, cos]])
    missing, ours, exact = [], [], []
    for shift in np.random.default_rng(0).uniform(-0.5, 0.5, (20, 2)):
        points = np.column_stack([corners + SIZE / 2 + shift, [1.0, 1.5, 2.0]])
        leaf = torch.from_numpy(points).requires_grad_()
        seen = one(leaf, Topology.of(np.array([[0, 1, 2]])))
        _, coverage = paint(seen, torch.ones(len(seen.pixel), 1).double())
        assert float(coverage.detach().min()) >= 0
        assert float(coverage.detach().max()) <= 1
        area = polygon_area(leaf[:, :2])
        missing.append(float((coverage.sum() - area).detach()))
        ours.append(torch.autograd.grad(coverage.sum(), leaf)[0][:, :2])
        exact.append(torch.autograd.grad(area, leaf)[0][:, :2])
    # Tips thinner than a pixel are lost: of 236 pixels one at most, and of sides 22 long.
    assert np.abs(missing).max() < 1.5
    assert abs(np.mean(missing)) < 0.5
    error = (sum(ours) - sum(exact)).norm() / sum(exact).norm()
    assert float(error) < 0.05


def test_outlines_of_many_tiny_triangles_have_the_gradient_of_a_disc():
    points, topology = ball(11.0)
    centre = points.mean(0)
    grow = torch.tensor(1.0).double().requires_grad_()
    seen = one((points - centre) * grow + centre, topology)
    coverage = paint(seen, torch.ones(len(seen.pixel), 1).double())[1]
    assert abs(float(coverage.detach().sum()) / (np.pi * 11**2) - 1) < 0.01
    (slope,) = torch.autograd.grad(coverage.sum(), grow)
    assert float(slope) == pytest.approx(2 * np.pi * 11**2, rel=0.04)


def test_an_outline_before_another_surface_moves_its_colour():
    far = [[-5, -5, 2.0], [SIZE + 5, -5, 2], [SIZE + 5, SIZE + 5, 2], [-5, SIZE + 5, 2]]
    near = [[8.2, 6.1, 1.0], [20.3, 6.1, 1], [20.3, 22.4, 1], [8.2, 22.4, 1]]
    points = torch.tensor(far + near).double().requires_grad_()
    seen = one(points, Topology.of(np.concatenate([QUAD, QUAD + 4])))
    values = torch.tensor([0.2] * 4 + [0.9] * 4).double()[:, None]
    picture, coverage = paint(seen, seen.interpolate(values))
    assert (coverage == 1).all()
    (slope,) = torch.autograd.grad(picture.sum(), points)
    # Moving the near one's right side by a pixel turns its height from 0.2 into 0.9.
    assert float(slope[5, 0] + slope[6, 0]) == pytest.approx(0.7 * 16.3, rel=0.05)
    assert float(slope[:4].abs().max()) < 1e-9  # the far one's own sides are out of the picture
    assert float(picture.detach().sum()) == pytest.approx(
        0.2 * SIZE**2 + 0.7 * 12.1 * 16.3, rel=0.002
    )


def test_hidden_outlines_change_nothing():
    # The near one is tilted, so that of any two pixels one is nearer.
    near = [[-5, -5, 1.0], [SIZE + 5, -5, 1.5], [SIZE + 5, SIZE + 5, 1.8], [-5, SIZE + 5, 1.2]]
    far = [[8.2, 6.1, 2.0], [20.3, 6.1, 2], [20.3, 22.4, 2], [8.2, 22.4, 2]]
    seen = one(torch.tensor(near + far), Topology.of(np.concatenate([QUAD, QUAD + 4])))
    noise = torch.rand(1, SIZE, SIZE, 2)
    assert torch.equal(antialias(noise, seen), noise)


def test_surfaces_that_coincide_have_one_outline():
    quad = torch.tensor([[8.2, 6.1, 2.0], [20.3, 6.1, 2], [21.7, 22.4, 2], [8.9, 23.4, 2]])
    single = one(quad, Topology.of(QUAD))
    double = one(torch.cat([quad, quad]), Topology.of(np.concatenate([QUAD, QUAD + 4])))
    pictures = [paint(seen, torch.ones(len(seen.pixel), 1))[1] for seen in (single, double)]
    assert ((pictures[0] > 0) & (pictures[0] < 1)).sum() > 30
    torch.testing.assert_close(*pictures)


def test_what_is_smaller_than_a_pixel_takes_no_more_than_there_is():
    a, b = 10.35, 10.65
    speck = torch.tensor([[a, a, 1.0], [b, a, 1], [b, b, 1], [a, b, 1]])
    seen = one(speck, Topology.of(QUAD))
    assert len(seen.pixel) == 1
    coverage = paint(seen, torch.ones(1, 1))[1]
    assert (coverage >= 0).all()
    assert coverage.sum() < 0.2


def test_a_sliver_has_no_gradient_that_drowns_all_others():
    corner = [[10.5, 10.5, 1.0], [10.50001, 10.5, 2], [10.5, 10.50001, 2]]
    points = torch.tensor(corner, requires_grad=True)
    seen = one(points, Topology.of(np.array([[0, 1, 2]])))
    assert len(seen.pixel) == 1
    (slope,) = torch.autograd.grad(seen.depth.sum(), points)
    assert float(slope.abs().max()) <= 1


def test_doubled_seams_are_blended_once():
    # Two halves that share no vertex: each has an outline at the seam, in the same place.
    left = [[4.0, 4, 1], [15.3, 4, 1], [15.3, 28, 1], [4, 28, 1]]
    right = [[15.3, 4.0, 1], [28, 4, 1], [28, 28, 1], [15.3, 28, 1]]
    seen = one(torch.tensor(left + right), Topology.of(np.concatenate([QUAD, QUAD + 4])))
    coverage = paint(seen, torch.ones(len(seen.pixel), 1))[1][0]
    assert (coverage[5:27, 5:27] == 1).all()


def test_the_gpu_s_rasteriser_agrees_with_the_cpu_s(monkeypatch):
    monkeypatch.setattr(torch_zbuffer, "CHUNK", 300)  # many chunks, some of one large triangle
    points, topology = soup(seed=4, count=80)
    points[7, 2] = -1.0
    points[8, 0] = torch.nan
    meshes = joined([points, points[:0], points.flip(1)[:, [2, 1, 0]]], [topology, *_two(topology)])
    ours, other = (rasterize_meshes(meshes, 30, 40, backend) for backend in ("builtin", "torch"))
    same = _faces(ours) == _faces(other)
    assert len(ours.pixel) > 500
    assert same.double().mean() > 0.999
    assert ours.counts[1] == other.counts[1] == 0


def _two(topology: Topology) -> tuple[Topology, Topology]:
    return Topology.of(np.empty((0, 3), np.int64)), topology


def _faces(seen) -> torch.Tensor:
    return torch.full((np.prod(seen.size),), -1).index_copy(0, seen.pixel, seen.face)


def test_the_numpy_interface_draws_the_same_with_torch():
    points, topology = soup(seed=6)
    arguments = (points.numpy(), topology.triangles.numpy(), 25, 31)
    ours, other = rasterize(*arguments), rasterize(*arguments, backend="torch")
    same = ours.face == other.face
    assert same.mean() > 0.998
    np.testing.assert_allclose(ours.depth[same], other.depth[same], rtol=1e-4)
    np.testing.assert_allclose(ours.barycentric[same], other.barycentric[same], atol=2e-3)


def test_meshes_of_different_sizes_are_drawn_as_if_alone():
    first, second = soup(seed=0), ball(9.0, 120)
    values = [torch.rand(len(points), 2).double() for points, _ in (first, second)]
    together = rasterize_meshes(joined([first[0], second[0]], [first[1], second[1]]), SIZE, SIZE)
    pictures, coverage = paint(together, together.interpolate(torch.cat(values)))
    for index, ((points, topology), own) in enumerate(zip((first, second), values, strict=True)):
        alone = one(points, topology)
        picture, covered = paint(alone, alone.interpolate(own))
        torch.testing.assert_close(pictures[index], picture[0])
        torch.testing.assert_close(coverage[index], covered[0])
        assert together.counts[index] == len(alone.pixel) > 50


def test_a_batch_gives_every_picture_its_own_light_and_texture():
    points, topology = ball(9.0, 120)
    seen = rasterize_meshes(batch_of(torch.stack([points, points + 1]), topology), SIZE, SIZE)
    normals = torch.zeros(len(seen.pixel), 3).double()
    light = torch.zeros(2, 9, 3).double()
    light[0, 0], light[1, 0] = 1, 2
    textures = torch.ones(2, 3, 4, 4).double() * torch.tensor([3.0, 5.0])[:, None, None, None]
    lit = seen.per_picture(shade(seen, normals, light))
    sampled = seen.per_picture(sample_texture(seen, textures, normals[:, :2]))
    for index, (bright, colour) in enumerate(((1, 3), (2, 5))):
        torch.testing.assert_close(lit[index], torch.full_like(lit[index], 0.282095 * bright))
        assert (sampled[index] == colour).all()


@pytest.mark.parametrize("backend", ["builtin", "torch"])
def test_nothing_to_see_is_an_empty_picture_with_gradients(backend):
    points = torch.tensor([[0.0, 0, 1], [40, 0, -1], [0, 40, 1], [90, 90, 1]], requires_grad=True)
    topology = Topology.of(np.array([[0, 1, 2], [3, 3, 0]]))
    seen = rasterize_meshes(batch_of(points[None], topology), SIZE, SIZE, backend)
    assert len(seen.pixel) == 0
    picture, coverage = paint(seen, seen.interpolate(torch.rand(4, 3)), background=0.25)
    assert (picture == 0.25).all()
    assert (coverage == 0).all()
    (slope,) = torch.autograd.grad((picture.sum() + coverage.sum()), points, allow_unused=True)
    assert slope is None or (slope == 0).all()


def test_a_batch_of_nothing():
    seen = rasterize_meshes(joined([], []), SIZE, SIZE)
    picture, coverage = paint(seen, torch.zeros(0, 3))
    assert picture.shape == (0, SIZE, SIZE, 3)
    assert coverage.shape == (0, SIZE, SIZE)
    assert shade(seen, torch.zeros(0, 3), torch.zeros(0, 9, 3)).shape == (0, 3)


def test_what_is_partly_behind_the_camera_is_left_out():
    points, topology = ball(9.0, 120)
    points[:40, 2] = -points[:40, 2]
    points.requires_grad_()
    seen = one(points, topology)
    assert len(seen.pixel) > 0
    assert (points[topology.triangles[seen.face]][..., 2] > 0).all()
    picture, coverage = paint(seen, seen.depth[:, None])
    (slope,) = torch.autograd.grad(picture.sum() + coverage.sum(), points)
    assert torch.isfinite(slope).all()
    assert (slope[:40] == 0).all()


def test_points_that_are_no_numbers_leave_the_rest_alone():
    points, topology = ball(9.0, 120)
    points[:5, 0], points[5:10, 2] = torch.nan, torch.inf
    points.requires_grad_()
    seen = one(points, topology)
    assert len(seen.pixel) > 50
    picture, coverage = paint(seen, seen.depth[:, None])
    total = picture.sum() + coverage.sum()
    assert torch.isfinite(total)
    assert torch.isfinite(torch.autograd.grad(total, points)[0]).all()


def test_projection_is_the_camera_s():
    rng = np.random.default_rng(0)
    vertices = rng.normal(size=(20, 3)).astype(np.float32) * 0.1
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0].astype(np.float32)
    matrix = np.array([[900, 0, 310], [0, 900, 250], [0, 0, 1]], np.float32)
    camera = Camera(matrix, turn, np.array([0.01, 0.02, 0.7], np.float32), 640, 480)
    parts = (matrix[:1, 0], matrix[None, :2, 2], turn[None], camera.translation[None])
    cameras = Cameras(*(torch.from_numpy(part) for part in parts))
    projected = cameras.project_with_depth(torch.from_numpy(vertices)[None])[0].numpy()
    flat = cameras.project(torch.from_numpy(vertices)[None])[0].numpy()
    np.testing.assert_array_equal(flat, projected[:, :2])
    np.testing.assert_allclose(projected[:, :2], camera.project(vertices), rtol=1e-4)
    np.testing.assert_allclose(projected[:, 2], camera.to_camera_space(vertices)[:, 2], rtol=1e-5)


def test_points_behind_the_camera_leave_finite_gradients():
    vertices = torch.tensor([[[0.0, 0, -0.4], [0, 0, -0.7], [0.1, 0.1, 0.2]]], requires_grad=True)
    shift = torch.tensor([[0.0, 0, 0.4]])
    cameras = Cameras(torch.ones(1), torch.zeros(1, 2), torch.eye(3)[None], shift)
    points = cameras.project_with_depth(vertices)
    assert points[0, :2, 2].tolist() == pytest.approx([0, -0.3])
    (slope,) = torch.autograd.grad(points.sum(), vertices)
    assert torch.isfinite(slope).all()


def test_normals_agree_with_the_numpy_twin_also_in_metres():
    points, topology = ball(9.0, 300)
    small = (points * 1e-4).float()
    ours = normals_of(small, topology.triangles).numpy()
    np.testing.assert_allclose(
        ours, vertex_normals(small.numpy(), topology.triangles.numpy()), atol=1e-4
    )
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)


def test_light_is_the_irradiance_of_an_environment():
    # Integrate an environment of degree 2 over the half sphere above one normal, directly.
    rng = np.random.default_rng(0)
    ways = rng.normal(size=(400_000, 3))
    ways = torch.from_numpy(ways / np.linalg.norm(ways, axis=1, keepdims=True))
    radiance = torch.from_numpy(rng.normal(size=(9, 3)))
    normal = unit(torch.tensor([[0.3, -0.5, 0.8]]).double())
    cosine = (ways @ normal[0]).clamp(min=0)
    direct = (harmonics(ways) @ radiance * cosine[:, None]).mean(0) * 4 * np.pi / np.pi
    lobe = torch.tensor([1] + 3 * [2 / 3] + 5 * [1 / 4]).double()
    points, topology = ball(9.0, 60)
    seen = one(points, topology)
    normals = normal.expand(len(seen.pixel), -1)
    shaded = shade(seen, normals, (radiance * lobe[:, None])[None])
    np.testing.assert_allclose(shaded[0], direct, atol=0.02)


def test_a_texture_has_its_first_row_at_the_top():
    texture = torch.arange(12.0).view(1, 1, 3, 4)
    places = torch.tensor([[0.125, 5 / 6], [0.875, 5 / 6], [0.125, 1 / 6], [0.25, 5 / 6], [-3, 9]])
    points, topology = ball(9.0, 60)
    found = sample_texture(one(points, topology), texture, places)[:, 0]
    assert found.tolist() == pytest.approx([0, 3, 8, 0.5, 0], abs=1e-5)


def test_values_may_have_their_own_corners():
    points, topology = soup(seed=0)
    seen = one(points, topology)
    own = torch.arange(3 * len(topology.triangles)).view(-1, 3)
    values = points[topology.triangles].reshape(-1, 3)
    torch.testing.assert_close(seen.interpolate(values, own), seen.interpolate(points))


def test_edges_know_their_triangles():
    fan = Topology.of(np.array([[0, 1, 2], [2, 1, 3], [1, 2, 4], [5, 5, 6]]))
    shared = (fan.edges == torch.tensor([1, 2])).all(1)
    # Three triangles at one edge: a pair and one left over. The degenerate one has no edges.
    assert sorted(fan.edge_faces[shared].flatten().tolist()) == [-1, 0, 1, 2]
    assert sorted(fan.opposite[shared].flatten().tolist()) == [-1, 0, 3, 4]
    assert int(shared.sum()) == 2
    assert len(fan.edges) == 8
    _, closed = ball(9.0, 60)
    assert (closed.edge_faces >= 0).all()
    assert len(closed.edges) * 2 == len(closed.triangles) * 3


def test_an_unknown_rasteriser_is_refused():
    points, topology = soup()
    with pytest.raises(UsageError, match="crayon"):
        rasterize_meshes(batch_of(points[None], topology), SIZE, SIZE, "crayon")


def test_pytorch3d_agrees_or_says_how_to_get_it():
    meshes = joined(*zip(soup(seed=0), ball(9.0), strict=True))
    if importlib.util.find_spec("pytorch3d") is None:
        with pytest.raises(EngineUnavailable, match="pytorch3d"):
            rasterize_meshes(meshes, SIZE, SIZE, "pytorch3d")
        return
    ours, theirs = (rasterize_meshes(meshes, SIZE, SIZE, name) for name in ("builtin", "pytorch3d"))
    assert (_faces(ours) == _faces(theirs)).double().mean() > 0.99


def test_the_speed_is_measured():
    figures = measure(repeats=1)
    assert figures["triangles"] > 19_000
    assert figures["pixels of 256 x 256"] > 30_000
    assert figures["forward and backward, ms"] > 0
