"""Optimised detail: the drawing matches the photo, and the field follows the gradient."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ml.data import Camera, HeadCoefficients
from ml.detail.band import GRID, STEP, band_of
from ml.detail.optimise import SIZE, STEPS, Scene, descend, encoded, make_scene
from ml.detail.unwrap import prepare_input
from ml.detail.view import PersonView
from ml.detail.window import TEXEL_MM, window_of
from ml.errors import Cancelled
from ml.fitting.camera import FACING, make_intrinsics
from ml.geometry.colour import srgb_of
from ml.head.mesh import person_of
from ml.head.storage import load_head_model
from ml.perception.consistency import Consistency, Target
from ml.rendering import interpolate, rasterize, vertex_normals

MODEL = load_head_model()
SIDE = 320


class Pixels:
    """Stands for the consistency where a CLIP is not the question: mean squared difference."""

    def target(self, photo, mask, generator):
        return Target(photo, mask, torch.zeros(0), {})

    def compare(self, render, target):
        apart = ((render - target.photo).square() * target.mask).sum() / target.mask.sum()
        zero = torch.zeros(())
        return Consistency(2000 * apart, zero, zero, {})


@pytest.fixture(scope="module")
def view():
    """The mean head in one colour under light from the upper left, drawn without any of ours."""
    person = person_of(
        MODEL,
        HeadCoefficients(np.zeros(MODEL.identity_count, np.float32), np.zeros(52, np.float32)),
    )
    place = np.float32([0, 0.02, 1.1])
    camera = Camera(make_intrinsics(1500, SIDE, SIDE), FACING, place, SIDE, SIDE)
    points = np.column_stack(
        [camera.project(person.rest), camera.to_camera_space(person.rest)[:, 2]]
    )
    drawn = rasterize(points, MODEL.triangles, SIDE, SIDE)
    normals = interpolate(drawn, vertex_normals(person.rest, MODEL.triangles), MODEL.triangles)
    lit = 0.35 + 0.6 * np.clip(normals @ np.float32([-0.5, 0.5, 0.7]), 0, 1)
    linear = lit[..., None] * np.float32([0.6, 0.45, 0.4])
    rgb = srgb_of(linear).astype(np.uint8)
    return PersonView(rgb, camera, person)


@pytest.fixture(scope="module")
def scene(view) -> Scene:
    person = view.person
    inputs = prepare_input(view.rgb, view.camera, person.rest, person.expressed, MODEL)
    return make_scene(view, inputs, MODEL)


@pytest.fixture(scope="module")
def ridges():
    """(1, 3, G, G) ridges across the face, 8 mm wide, 0.3 mm high."""
    field = torch.zeros(1, 3, GRID, GRID)
    field[:, 2] = 0.3 * torch.sin(2 * torch.pi * torch.arange(GRID) * STEP * TEXEL_MM / 16)
    return band_of(MODEL)(field)


def test_a_smooth_head_is_drawn_as_the_photo_shows_it(scene):
    drawn = scene.draw(torch.zeros(1, 3, GRID, GRID))
    apart = (drawn - scene.photo).abs() * scene.mask
    assert drawn.shape == scene.photo.shape == (1, 3, SIZE, SIZE)
    assert float(apart.sum() / scene.mask.sum() / 3) < 0.01
    assert 0.15 < float(scene.mask.mean()) < 0.8


def test_ridges_are_lit_on_the_side_of_the_light(scene, ridges):
    """Light comes from the image's left, so what rises to the right is brighter."""
    change = (scene.draw(ridges) - scene.draw(torch.zeros_like(ridges))).mean(1).reshape(-1)
    rise = torch.nn.functional.pad(ridges[:, 2:].diff(dim=3), (0, 1, 0, 0))
    slope = torch.nn.functional.grid_sample(
        rise, scene.place[None, None], align_corners=False
    ).reshape(-1)
    both = torch.stack([change[scene.pixel], slope])
    assert float(torch.corrcoef(both)[0, 1]) > 0.4


def test_optimising_finds_what_the_photo_shows(scene, ridges):
    shown = replace(scene, photo=scene.draw(ridges).detach())
    start = np.zeros((GRID, GRID, 3), np.float32)
    found = descend(start, shown, Pixels(), band_of(MODEL), lambda fraction, message: None)
    window = window_of(MODEL, GRID)
    where = window.allowed > 0.9
    where &= np.abs(window.places[..., 0]) < 0.04
    true = ridges[0, 2].numpy()[where]
    assert np.corrcoef(found[..., 2][where], true)[0, 1] > 0.6
    assert not found[window.allowed == 0].any()


def test_a_photo_that_agrees_leaves_the_field_alone(scene):
    start = np.zeros((GRID, GRID, 3), np.float32)
    shown = replace(scene, photo=scene.draw(torch.zeros(1, 3, GRID, GRID)).detach())
    found = descend(start, shown, Pixels(), band_of(MODEL), lambda fraction, message: None)
    assert np.abs(found).max() < 1e-3


def test_optimising_reports_progress_and_can_be_cancelled(scene):
    reported = []

    def report(fraction, message):
        reported.append(fraction)
        if len(reported) == 3:
            raise Cancelled("Stopped", "")

    start = np.zeros((GRID, GRID, 3), np.float32)
    with pytest.raises(Cancelled):
        descend(start, scene, Pixels(), band_of(MODEL), report)
    assert reported == [0, 1 / (STEPS + 1), 2 / (STEPS + 1)]


def test_a_hardly_visible_face_is_not_optimised(view):
    person = view.person
    rgb = np.zeros((40, 40, 3), np.uint8)
    away = replace(view.camera, width=40, height=40)
    inputs = prepare_input(rgb, away, person.rest, person.expressed, MODEL)
    assert make_scene(PersonView(rgb, away, person), inputs, MODEL) is None


def test_light_is_drawn_in_the_curve_that_the_photo_was_read_in():
    light = np.linspace(-0.1, 1.3, 400).astype(np.float32)
    leaf = torch.from_numpy(light).requires_grad_()
    drawn = encoded(leaf)
    np.testing.assert_allclose(255 * drawn.detach().numpy(), srgb_of(light), atol=0.01)
    (slope,) = torch.autograd.grad(drawn.sum(), leaf)
    assert torch.isfinite(slope).all()
