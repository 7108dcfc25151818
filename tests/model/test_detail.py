"""Detail with its network: the band, its input, the pipeline, parts of training."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data as pictures

from ml.assets.card import card_path
from ml.data import Camera, HeadCoefficients
from ml.detail.band import GRID, STEP, band_of
from ml.detail.detailer import WEIGHTS, load_detailer
from ml.detail.network import BLOCK, COARSE_CHANNELS, FINE_CHANNELS, DetailNetwork, NetworkShape
from ml.detail.unwrap import UnwrappedPhoto, network_input, prepare_input
from ml.detail.window import TEXEL_MM, window_of
from ml.errors import Cancelled, WeightsMissing
from ml.evaluation.synthetic.detail import DetailReference, perfect_offsets
from ml.fitting.camera import FACING, make_intrinsics
from ml.geometry.rotations import rotation_from_vector
from ml.head.mesh import person_mesh, person_of
from ml.head.storage import load_head_model
from ml.pipeline.single import reconstruct
from ml.rendering import vertex_normals
from ml.settings import Settings
from ml.training.config import read_config
from ml.training.detail.batches import Batch, flipped
from ml.training.detail.losses import LossWeights, losses, shares, slopes
from ml.training.detail.targets import Transfer, make_lack, make_transfer
from ml.training.detail.train import CONFIG as CONFIG_FILE
from ml.training.detail.train import DetailConfig, DetailTraining
from ml.training.loop import start_run, take_step

MODEL = load_head_model()
FRAMES = torch.from_numpy(window_of(MODEL, GRID).frames)
SIDE = 400
CONFIG = replace(
    read_config(CONFIG_FILE, DetailConfig),
    seed=1,
    weight_decay=0.0,
    network=NetworkShape((8, 16), 4),
    loss=LossWeights(offset=0.2, slope=0.06, softness=0.3, hidden=0.15),
)


@pytest.fixture(scope="module")
def person():
    identity = np.zeros(MODEL.identity_count, np.float32)
    return person_of(MODEL, HeadCoefficients(identity, np.zeros(52, np.float32)))


@pytest.fixture(scope="module")
def portrait(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "astronaut.png"
    Image.fromarray(pictures.astronaut()).save(path)
    return path


@pytest.fixture(scope="module")
def heads(portrait):
    """The portrait without and with detail, the same in all else."""
    return [
        reconstruct(portrait, Settings(texture_size=0, detail=mode))[0] for mode in ("off", "fast")
    ]


def camera_at(yaw):
    turn = FACING @ rotation_from_vector(np.radians(yaw) * np.array([0, 1, 0]))
    place = np.float32([0, 0.02, 1.2])
    return Camera(make_intrinsics(2200, SIDE, SIDE), turn.astype(np.float32), place, SIDE, SIDE)


def waves(length_mm):
    place = torch.arange(GRID) * STEP * TEXEL_MM
    return torch.sin(2 * torch.pi * place / length_mm).expand(1, 3, GRID, GRID)


@pytest.mark.parametrize(
    ("length_mm", "least", "most"), [(400, 0, 0.1), (40, 0.4, 0.6), (16, 0.8, 1), (4, 0.7, 0.9)]
)
def test_band_passes_features_of_two_to_twenty_millimetres(length_mm, least, most):
    """A feature is half a wave."""
    wave, middle = waves(length_mm), slice(GRID // 3, GRID // 2)
    found = band_of(MODEL)(wave)[..., 24:40, middle]
    share = float(found.square().mean() / wave[..., 24:40, middle].square().mean()) ** 0.5
    assert least <= share <= most


def test_band_keeps_nothing_even_and_nothing_where_none_is_allowed():
    band = band_of(MODEL)
    assert float(band(torch.ones(1, 3, GRID, GRID)).abs().max()) < 1e-3
    found = band(torch.randn(1, 3, GRID, GRID, generator=torch.Generator().manual_seed(0)))
    assert not found[0, :, band.allowed == 0].any()


def test_a_new_network_says_nothing():
    network = DetailNetwork(NetworkShape()).eval()
    inputs = (
        torch.rand(2, FINE_CHANNELS, GRID, GRID),
        torch.rand(2, COARSE_CHANNELS, *(GRID // BLOCK,) * 2),
    )
    assert network(*inputs).shape == (2, 3, GRID, GRID)
    assert not network(*inputs).any()
    assert sum(p.numel() for p in network.parameters()) < 2_000_000


def test_unwrapped_colours_come_from_where_texels_are_seen(person):
    camera = camera_at(10)
    ramp = np.linspace(40, 240, SIDE).astype(np.uint8)
    rgb = np.repeat(np.broadcast_to(ramp, (SIDE, SIDE))[..., None], 3, 2)
    inputs = prepare_input(rgb, camera, person.rest, person.expressed, MODEL)
    window = window_of(MODEL, GRID)
    seen = (inputs.seen > 0.9) & (window.allowed > 0.5)
    columns = camera.project(window.on(person.expressed))[seen][:, 0]
    slope, offset = np.polyfit(columns, inputs.fine[0][seen], 1)
    assert slope > 0
    assert np.abs(columns * slope + offset - inputs.fine[0][seen]).max() < 0.02
    assert inputs.fine.shape == (FINE_CHANNELS, GRID, GRID)
    assert inputs.coarse.shape == (COARSE_CHANNELS, GRID // BLOCK, GRID // BLOCK)


@pytest.mark.parametrize("yaw", [-60, 60])
def test_the_far_cheek_is_not_seen(person, yaw):
    rgb = np.full((SIDE, SIDE, 3), 120, np.uint8)
    seen = prepare_input(rgb, camera_at(yaw), person.rest, person.expressed, MODEL).seen
    left, right = seen[50:90, 80:110].mean(), seen[50:90, 18:48].mean()
    near, far = (left, right) if left > right else (right, left)
    assert near > 0.9
    assert far < 0.1


def test_detail_is_beside_the_head_not_in_it(heads):
    plain, detailed = heads
    assert plain.detail is None
    assert "detail" not in plain.timings.steps
    np.testing.assert_array_equal(detailed.mesh.vertices, plain.mesh.vertices)
    np.testing.assert_array_equal(detailed.coefficients.identity, plain.coefficients.identity)
    moved = np.linalg.norm(detailed.detail.offsets, axis=1)
    assert 2e-5 < moved.max() < 2e-3
    skin = np.unique(detailed.mesh.quads[detailed.mesh.part == 0])
    assert not np.delete(moved, skin).any()
    assert detailed.timings.steps["detail"] > 0
    assert detailed.to_json()["detail"] == "fast"


def test_detail_can_be_cancelled(portrait):
    inputs = []

    def progress(fraction, message):
        inputs.append(fraction)
        if "detail" in message:
            raise Cancelled("Stopped", "")

    with pytest.raises(Cancelled):
        reconstruct(portrait, Settings(texture_size=0, detail="fast"), progress)
    assert inputs == sorted(inputs)


def test_altered_weights_are_refused(tmp_path):
    copy = tmp_path / WEIGHTS.name
    shutil.copy(card_path(WEIGHTS), card_path(copy))
    with pytest.raises(WeightsMissing):
        load_detailer(copy)
    content = bytearray(WEIGHTS.read_bytes())
    content[-1] ^= 1
    copy.write_bytes(content)
    with pytest.raises(WeightsMissing, match="not the file"):
        load_detailer(copy)


def test_flipping_twice_changes_nothing():
    rng = np.random.default_rng(0)
    sample = (
        rng.normal(size=(FINE_CHANNELS, GRID, GRID)),
        rng.normal(size=(6, 64, 64)),
        rng.random((GRID, GRID)),
        rng.normal(size=(3, GRID, GRID)),
    )
    twice = flipped(*flipped(*sample))
    assert all(np.array_equal(a, b) for a, b in zip(twice, sample, strict=True))
    once = flipped(*sample)
    assert np.array_equal(once[3][0, 5, 7], -sample[3][0, 5, -8])
    assert np.array_equal(once[3][2, 5, 7], sample[3][2, 5, -8])


def test_the_window_is_its_own_mirror():
    allowed = window_of(MODEL, GRID).allowed
    apart = np.abs(allowed - allowed[:, ::-1])
    assert apart.max() < 0.4  # landmarks are not exactly symmetric, and set-in is steep
    assert apart.mean() < 3e-3


def test_relief_is_light_in_the_band():
    """Ridges are inputs of, whatever the exposure; shade from one cheek to the other is not."""
    place = np.arange(GRID) * STEP * TEXEL_MM
    ridges = np.tile(1 + 0.1 * np.sin(2 * np.pi * place / 16), (GRID, 1)).astype(np.float32)
    shade = np.tile(np.linspace(0.7, 1.3, GRID), (GRID, 1)).astype(np.float32)
    allowed, middle = np.ones((GRID, GRID), np.float32), slice(GRID // 3, 2 * GRID // 3)

    def relief(bright):
        colours = np.repeat(bright[..., None], 3, 2)
        unwrapped = UnwrappedPhoto(
            colours, np.ones((GRID, GRID), np.float32), np.zeros((6, 64, 64), np.float32)
        )
        return network_input(unwrapped, allowed).fine[4][:, middle]

    inputs = relief(120 * ridges)
    assert np.corrcoef(inputs[0], ridges[0, middle])[0, 1] > 0.99
    assert np.abs(inputs).max() > 0.3
    np.testing.assert_allclose(inputs, relief(40 * ridges), atol=1e-3)
    assert np.abs(relief(120 * shade)).max() < 0.1 * np.abs(inputs).max()


def test_what_is_not_seen_does_not_darken_its_surroundings():
    """Where skin ends there is no relief, and what lies behind it does not tell."""
    seen = np.ones((GRID, GRID), np.float32)
    seen[:, : GRID // 2] = 0
    colours = np.full((GRID, GRID, 3), 100, np.float32)
    # A dark brow far away: the rest of the face is brighter than its tone.
    colours[:20] = 40
    colours[:, : GRID // 2] = 5
    unwrapped = UnwrappedPhoto(colours, seen, np.zeros((6, 64, 64), np.float32))
    relief = network_input(unwrapped, seen).fine[4]
    assert np.abs(relief[60:]).max() < 1e-4
    assert np.abs(relief[:30]).max() > 0.3
    assert not relief[:, : GRID // 2].any()


def test_slopes_are_millimetres_a_millimetre():
    field = torch.zeros(1, 3, GRID, GRID)
    field[:, 2] = torch.arange(GRID) * STEP * TEXEL_MM * 0.1
    flat = torch.eye(3).expand(GRID, GRID, 3, 3)
    found = slopes(field, flat)
    assert torch.allclose(found[:, 0], torch.tensor(0.1), atol=1e-4)
    assert not found[:, 1].any()


def test_what_slides_along_a_round_face_tilts_it():
    """A cylinder of 40 mm: everything slid by 1 mm turns the normals by 1/40."""
    radius = 40.0
    angle = torch.arange(GRID) * STEP * TEXEL_MM / radius
    zero, one = torch.zeros(GRID), torch.ones(GRID)
    frames = torch.stack(
        [
            torch.stack([angle.cos(), zero, -angle.sin()], -1),
            torch.stack([zero, one, zero], -1),
            torch.stack([angle.sin(), zero, angle.cos()], -1),
        ],
        1,
    ).expand(GRID, GRID, 3, 3)
    field = torch.zeros(1, 3, GRID, GRID)
    field[:, 0] = 1
    found = slopes(field, frames)[:, 0].abs()
    assert torch.allclose(found, torch.tensor(1 / radius), rtol=0.01)
    field[:, 0], field[:, 2] = 0, 1
    assert slopes(field, frames).abs().max() < 0.1 / radius


def test_a_perfect_field_is_what_the_head_lacks(person):
    """Ridges in the band come back; a wide bend of the head, which is not detail's, does not."""
    mesh = person_mesh(MODEL, person, "base")
    skin = np.unique(mesh.quads[mesh.part == 0])
    plain, normals = MODEL.shape.mean, vertex_normals(MODEL.shape.mean, MODEL.triangles)
    ridges = 5e-4 * np.sin(2 * np.pi * plain[:, 1:2] / 0.03) * normals
    band = band_of(MODEL)
    everywhere = SimpleNamespace(regions={"face": np.ones(len(plain), bool)})
    transfer = make_transfer(plain, skin, window_of(MODEL, GRID))
    reference = DetailReference(everywhere, None, None, None, transfer, band)
    cheek = skin[(plain[skin, 2] > 0.06) & (np.abs(plain[skin, 0]) > 0.03)]

    def said(missing):
        view = SimpleNamespace(neutral=(plain + missing).astype(np.float32))
        return perfect_offsets(view, plain, reference, mesh)[cheek]

    found = said(ridges)
    assert np.corrcoef(found.ravel(), ridges[cheek].ravel())[0, 1] > 0.9
    bent = 5e-4 * np.sin(2 * np.pi * plain[:, 1:2] / 0.3) * normals
    assert np.abs(said(bent)).mean() < 0.2 * np.abs(found).mean()


def test_a_fitted_head_lacks_its_identity_error_but_not_its_size():
    window = window_of(MODEL, GRID)
    nowhere = np.zeros(0, np.int32)
    transfer = Transfer(window, nowhere, nowhere.reshape(0, 3), np.zeros((0, 3), np.float32))
    grown = np.concatenate([0.05 * MODEL.shape.mean[None], MODEL.shape.identity[:1]])
    shape = replace(MODEL.shape, identity=grown)
    lack = make_lack(transfer, replace(MODEL, shape=shape))
    true, fitted, folds = np.float32([2, 1]), np.zeros(2, np.float32), np.zeros((1, 3), np.float32)
    some = window.allowed > 0.5
    size = np.abs(lack.field(folds, np.float32([1, 0]), fitted)[some]).max()
    assert size < 0.01  # mm; growing by a twentieth moves skin by millimetres
    found = lack.field(folds, true, fitted)
    np.testing.assert_allclose(found, -lack.field(folds, fitted, true), atol=1e-5)
    # What is left is the mode's own, less what only moves, turns or enlarges the face.
    own = window.in_frames(window.on(MODEL.shape.identity[0]))
    assert 0.2 * np.abs(own[some]).mean() < np.abs(found[some]).mean() < np.abs(own[some]).mean()


def test_loss_is_least_at_the_truth_and_ignores_what_does_not_count():
    weights = LossWeights(offset=0.2, slope=0.06, softness=0.3, hidden=0.0)
    true = torch.randn(1, 3, GRID, GRID, generator=torch.Generator().manual_seed(0))
    allowed, seen = torch.ones(GRID, GRID), torch.zeros(1, GRID, GRID)
    seen[:, :, : GRID // 2] = 1
    share = shares(seen, allowed, weights.hidden)
    other = true.clone()
    other[..., GRID // 2 + 1 :] += 5
    assert float(sum(losses(true, true, share, FRAMES, weights).values())) == pytest.approx(
        0, abs=1e-5
    )
    hidden = losses(other, true, share, FRAMES, weights)
    assert float(hidden["offset"]) == pytest.approx(0, abs=1e-5)
    assert float(sum(losses(true + 1, true, share, FRAMES, weights).values())) > 0.5


def test_training_learns_what_is_always_there():
    """The same ridges on every face: even a small network finds them."""
    rng = np.random.default_rng(0)
    field = np.zeros((2, 3, GRID, GRID), np.float32)
    field[:, 2] = 0.3 * np.sin(2 * np.pi * np.arange(GRID) * STEP * TEXEL_MM / 16)
    training = DetailTraining(CONFIG, SimpleNamespace(model=MODEL), None)
    state, spent = start_run(training), []
    for _ in range(30):
        batch = Batch(
            rng.normal(size=(2, FINE_CHANNELS, GRID, GRID)).astype(np.float32),
            rng.normal(size=(2, 6, 64, 64)).astype(np.float32),
            np.ones((2, GRID, GRID), np.float32),
            field,
        )
        spent.append(sum(take_step(training, state, batch, 1e-2).values()))
    assert spent[-1] < 0.5 * spent[0]
