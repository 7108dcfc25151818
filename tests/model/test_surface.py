"""The surface refinement: the face laid out flat, the network that reads it, and its training."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ml.assets.card import read_card
from ml.data import FaceBox, FaceCrop, HeadCoefficients
from ml.errors import WeightsMissing
from ml.evaluation.ablation.data_mixes import ENCODERS, MIXES, all_variants
from ml.fitting.camera import FACING
from ml.geometry.cameras import Cameras, rotations_from_vectors
from ml.geometry.rotations import rotation_from_vector
from ml.head.mirror import Mirror, make_mirror
from ml.head.storage import load_head_model
from ml.photo.crop import crop_to_photo, warp_crop
from ml.regressor.surface import SIDE, Unwrap, make_surface_map
from ml.regressor.surface_network import OFFSET_SCALE, UNIT, SurfaceNetwork, SurfaceShape, Update
from ml.regressor.surface_refinement import PICTURE, SurfaceRefinement, load_surface_refinement
from ml.training.export import read_trained
from ml.training.loop import start_run, take_step
from ml.training.surface.batches import Samples, load
from ml.training.surface.estimates import Estimates, Wrong, in_frame, make_basis, simulate
from ml.training.surface.export import export
from ml.training.surface.losses import losses, solid_nll
from ml.training.surface.solid import centred, lacking_solid, make_solid_basis
from ml.training.surface.train import SurfaceConfig, SurfaceTraining
from tests.support.surface_labels import CONFIG, WIDTHS, camera_of, true_labels

EXACT = Wrong(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def model():
    return load_head_model()


@pytest.fixture(scope="module")
def layout(model):
    return make_surface_map(model)


def nobody(model):
    return HeadCoefficients(
        np.zeros(model.identity_count, np.float32),
        np.zeros(len(model.expression_names), np.float32),
    )


def as_cameras(camera):
    return Cameras(
        torch.tensor([float(camera.intrinsics[0, 0])]),
        torch.from_numpy(camera.intrinsics[:2, 2])[None],
        torch.from_numpy(camera.rotation)[None],
        torch.from_numpy(camera.translation)[None],
    )


def test_the_map_shows_the_face_and_where_its_landmarks_are(model, layout):
    assert layout.known.mean() > 0.85
    assert layout.known[SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4].all()
    assert layout.inside[:468].all()
    surface = layout.texels.on(layout.shape.mean).reshape(SIDE, SIDE, 3)
    dense = model.points("dense").mean
    # The tip of the nose and the outer corners of the eyes: the texel there is the landmark.
    for index in (1, 33, 263):
        column, row = ((layout.places[index] + 1) / 2 * SIDE).astype(int)
        assert np.linalg.norm(surface[row, column] - dense[index]) < 0.004
    assert layout.places[33, 0] < 0 < layout.places[263, 0]


def test_texels_take_the_colours_that_their_points_project_to(model, layout):
    camera = camera_of((0.1, 0.3, 0.05))
    ramp = (np.arange(400, dtype=np.float32) + 0.5) / 400
    picture = np.stack([*np.meshgrid(ramp, ramp), np.full((400, 400), 0.5, np.float32)])
    unwrap = Unwrap(layout)
    zeros = torch.zeros(1, model.identity_count + len(model.expression_names))
    texels = unwrap(torch.from_numpy(picture)[None], zeros, as_cameras(camera))[0].numpy()
    expected = camera.project(layout.texels.on(layout.shape.mean)).reshape(SIDE, SIDE, 2) / 400
    # Colours are evened, so they are known up to one shift and scale.
    seen = layout.known & (texels[6] > 0)
    wanted, found = expected[seen].ravel(), texels[:2].transpose(1, 2, 0)[seen].ravel()
    fit = np.polyfit(found, wanted, 1)
    assert np.abs(np.polyval(fit, found) - wanted).max() < 0.002


def test_a_rolled_crop_of_a_photo_unwraps_to_the_same(model, layout):
    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (8, 8, 3)).astype(np.float32)
    import cv2

    rgb = cv2.resize(coarse, (400, 400), interpolation=cv2.INTER_CUBIC).clip(0, 255)
    camera, seen = camera_of((0.0, -0.2, 0.0)), []
    refinement = SurfaceRefinement(_network(model, layout), model, np.ones(1, np.float32))
    hook = refinement.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    for roll in (0.0, 0.7):
        to_photo = crop_to_photo(FaceBox((205, 170), 330.0, roll), PICTURE)
        crop = FaceCrop(warp_crop(rgb.astype(np.uint8), to_photo, PICTURE), to_photo)
        refinement.predict([crop], [(nobody(model), camera)])
    hook.remove()
    apart = (seen[0] - seen[1])[0, :, 20:-20, 20:-20].abs()
    assert float(apart[:3].mean()) < 0.05
    assert float(apart[3:6].max()) < 1e-3


def _network(model, layout):
    torch.manual_seed(0)
    shape = SurfaceShape(
        len(model.landmark_sets["dense"]),
        model.identity_count,
        len(model.expression_names),
        WIDTHS,
        16,
        8,
        by_points=True,
    )
    return SurfaceNetwork(shape, layout.places).eval()


def test_a_fresh_network_moves_nothing(model, layout):
    network = _network(model, layout)
    identity, expression = torch.randn(2, model.identity_count), torch.rand(2, 52)
    update = network(torch.randn(2, 7, SIDE, SIDE), identity, expression)
    assert not update.moved.any()
    assert torch.equal(update.identity, identity)
    assert not update.expression.any()
    assert not update.depth.any()
    assert not update.normal.any()


def test_expressions_follow_the_landmarks_that_move(model, layout):
    network = _network(model, layout)
    torch.nn.init.normal_(network.local, 0, 0.05)
    person = torch.zeros(2, model.identity_count), torch.zeros(2, 52)
    texels = torch.randn(2, 7, SIDE, SIDE)
    before = network(texels, *person)
    with torch.no_grad():
        network.by_points.weight[7, 2 * 5] = 1.0
    after = network(texels, *person)
    assert torch.equal(after.moved, before.moved)
    expected = torch.zeros(2, 52)
    expected[:, 7] = OFFSET_SCALE * before.moved[:, 5, 0]
    torch.testing.assert_close(after.expression - before.expression, expected)
    # Keys teach their own weights, not the landmarks.
    after.expression.sum().backward()
    assert network.local.grad is None
    assert network.by_points.weight.grad.abs().max() > 0


def test_what_the_network_says_moves_landmarks_in_the_photo(model, layout, monkeypatch):
    refinement = SurfaceRefinement(_network(model, layout), model, np.ones(1, np.float32))
    points = len(model.landmark_sets["dense"])
    moved = torch.zeros(1, points, 2)
    moved[:, 5, 0], moved[:, 6, 1] = 1, 2
    said = Update(
        moved,
        torch.zeros(1, points),
        torch.full((1, model.identity_count), 0.3),
        torch.full((1, 52), 0.2),
    )
    monkeypatch.setattr(refinement.network, "forward", lambda *_: said)
    camera = camera_of((0, 0, 0.5))
    to_photo = crop_to_photo(FaceBox((200, 180), 300.0, 0.3), PICTURE)
    crop = FaceCrop(np.zeros((PICTURE, PICTURE, 3), np.uint8), to_photo)
    look = refinement.predict([crop], [(nobody(model), camera)])[0]
    shift = look.landmarks.points - camera.project(model.points("dense").mean)
    unit = UNIT * 1500 / 0.9
    up = camera.rotation[:2, 1] / np.linalg.norm(camera.rotation[:2, 1])
    assert shift[5] == pytest.approx(unit * np.array([-up[1], up[0]]), abs=0.02)
    assert shift[6] == pytest.approx(2 * unit * up, abs=0.02)
    assert np.abs(shift[7:]).max() < 0.02
    assert look.landmarks.sigma == pytest.approx(unit * 3**0.5, rel=1e-3)
    assert look.coefficients.expression == pytest.approx(0.2)
    assert look.coefficients.identity == pytest.approx(0.3)


def triangle_normals(model, person, camera):
    """(L, 2) x and y in camera space of the unit normals of the landmarks' triangles."""
    vertices = camera.to_camera_space(model.shape.at(person))
    a, b, c = vertices[model.landmark_sets["dense"].corners.T]
    out = np.cross(b - a, c - a)
    return (out / np.linalg.norm(out, axis=1, keepdims=True))[:, :2]


def test_what_the_network_says_of_depths_and_normals(model, layout, monkeypatch):
    network = _network(model, layout)
    refinement = SurfaceRefinement(network, model, np.ones(1, np.float32))
    points = len(model.landmark_sets["dense"])
    depth, normal = torch.zeros(1, points), torch.zeros(1, points, 2)
    depth[:, 5], normal[:, 6, 0], normal[:, 7, 1] = 2, 0.1, 0.1
    nothing = torch.zeros(1, points, 2), torch.zeros(1, points)
    said = Update(
        *nothing,
        torch.zeros(1, model.identity_count),
        torch.zeros(1, 52),
        depth,
        torch.full((1, points), -1.0),
        normal,
        torch.full((1, points), -3.0),
    )
    monkeypatch.setattr(refinement.network, "forward", lambda *_: said)
    camera = camera_of((0.1, 0.3, 0.5))
    to_photo = crop_to_photo(FaceBox((200, 180), 300.0, 0.3), PICTURE)
    crop = FaceCrop(np.zeros((PICTURE, PICTURE, 3), np.uint8), to_photo)
    look = refinement.predict([crop], [(nobody(model), camera)])[0]
    deep = camera.to_camera_space(model.points("dense").mean)[:, 2]
    off = look.depth - deep
    assert off[5] == pytest.approx(-2 * UNIT, abs=1e-6)
    assert np.abs(np.delete(off, 5)).max() < 1e-6
    assert look.depth_sigma == pytest.approx(UNIT * np.exp(-1) * 2**0.5, rel=1e-5)
    more = look.normal - triangle_normals(model, nobody(model), camera)
    up = camera.rotation[:2, 1] / np.linalg.norm(camera.rotation[:2, 1])
    assert more[6] == pytest.approx(0.1 * np.array([-up[1], up[0]]), abs=1e-4)
    assert more[7] == pytest.approx(0.1 * up, abs=1e-4)
    assert np.abs(more[8:]).max() < 1e-4
    assert look.normal_sigma == pytest.approx(np.exp(-3) * 3**0.5, rel=1e-5)


def test_weights_without_depths_and_normals_say_neither(model, layout):
    shape = replace(_network(model, layout).shape, solid=0, by_points=False)
    refinement = SurfaceRefinement(
        SurfaceNetwork(shape, layout.places), model, np.ones(1, np.float32)
    )
    crop = FaceCrop(np.zeros((PICTURE, PICTURE, 3), np.uint8), np.float32([[1, 0, 96], [0, 1, 96]]))
    for mirrored in (False, True):
        look = refinement.predict([crop], [(nobody(model), camera_of())], mirrored)[0]
        found = (look.depth, look.depth_sigma, look.normal, look.normal_sigma)
        assert found == (None, None, None, None)


def test_a_mirrored_look_sees_the_same_face_in_the_mirror_image(model, layout):
    """The network says of a photo what a mirrored look says of its mirror image, mirrored."""
    network = _network(model, layout)
    torch.nn.init.normal_(network.read.weight, 0, 0.05)
    torch.nn.init.normal_(network.local, 0, 0.05)
    torch.nn.init.normal_(network.solid.own, 0, 0.05)
    refinement = SurfaceRefinement(network, model, np.ones(1, np.float32))
    rng, mirror = np.random.default_rng(4), make_mirror(model)
    rgb = np.kron(rng.integers(0, 255, (8, 8, 3)), np.ones((26, 26, 1))).astype(np.uint8)
    whole = np.array([[1.0, 0, 0], [0, 1, 0]], np.float32)
    person = HeadCoefficients(
        rng.normal(size=model.identity_count).astype(np.float32),
        rng.uniform(0, 0.5, 52).astype(np.float32),
    )
    camera = camera_of((0.1, 0.4, 0.2), PICTURE, 760.0)
    flip = np.float32([-1, 1, 1])
    twin = HeadCoefficients(person.identity * mirror.identity, person.expression[mirror.expression])
    across = replace(
        camera,
        rotation=camera.rotation * flip[:, None] * flip,
        translation=camera.translation * flip,
    )
    one = refinement.predict([FaceCrop(rgb, whole)], [(person, camera)])[0]
    plain = refinement.predict([FaceCrop(rgb, whole)], [(person, camera)], mirrored=True)[0]
    other = refinement.predict([FaceCrop(rgb[:, ::-1], whole)], [(twin, across)], mirrored=True)[0]
    dense, fits = model.points("dense"), ((person, camera), (twin, across))
    # Where the network moves landmarks to: these themselves are not quite symmetric.
    here = one.landmarks.points - camera.project(dense.at(person))
    there = other.landmarks.points - across.project(dense.at(twin))
    unlike = plain.landmarks.points - camera.project(dense.at(person))
    there = there[mirror.points] * np.float32([-1, 1])
    assert np.abs(there - here).mean() < 0.1 * np.abs(unlike - here).mean()
    keys = other.coefficients.expression[mirror.expression] - one.coefficients.expression
    apart = plain.coefficients.expression - one.coefficients.expression
    assert np.abs(keys).mean() < 0.1 * np.abs(apart).mean()
    deep, deep_across = (camera.to_camera_space(dense.at(person))[:, 2] for person, camera in fits)
    nearer = (other.depth - deep_across)[mirror.points] - (one.depth - deep)
    assert np.abs(nearer).mean() < 0.1 * np.abs(plain.depth - one.depth).mean()
    assert other.normal_sigma[mirror.points] == pytest.approx(one.normal_sigma, rel=0.02)
    turned, turned_across, turned_plain = (
        look.normal - triangle_normals(model, *fit)
        for look, fit in ((one, fits[0]), (other, fits[1]), (plain, fits[0]))
    )
    facing = turned_across[mirror.points] * np.float32([-1, 1]) - turned
    assert np.abs(facing).mean() < 0.1 * np.abs(turned_plain - turned).mean()
    who = other.coefficients.identity * mirror.identity - one.coefficients.identity
    apart = plain.coefficients.identity - one.coefficients.identity
    assert np.abs(who).mean() < 0.1 * np.abs(apart).mean()


def test_estimates_without_error_of_known_people_lie_on_their_landmarks(model):
    basis, labels = make_basis(model), true_labels(model)
    random = torch.Generator().manual_seed(0)
    identity = torch.zeros_like(labels.identity)
    shape = basis.at(torch.cat([identity, labels.expression], 1))
    points = torch.from_numpy(
        np.stack([camera_of((0, 0, 0), PICTURE, 900.0).project(one) for one in shape.numpy()])
    )
    facing = torch.from_numpy(FACING).expand(len(points), 3, 3)
    labels = replace(labels, identity=identity, rotation=facing, points=points)
    made = simulate(basis, labels, EXACT, random)
    # What is left is what another focal length does to a face.
    assert float((made.landmarks - points)[:, :468].norm(dim=2).mean()) < 2.0
    wrong = replace(EXACT, turn=3.0, shift=0.05)
    made = simulate(basis, labels, wrong, random)
    assert float((made.landmarks - points)[:, :468].norm(dim=2).mean()) > 3.0


# A camera that looks at the head's origin, as those that draw samples do.
AHEAD = np.array([0.0, 0.0, 0.9], np.float32)


def labels_ahead(model):
    """The labels' people before cameras that look at them."""
    labels = true_labels(model)
    estimates = estimates_of(model, labels, labels.identity)
    return replace(labels, points=estimates.landmarks)


def estimates_of(model, labels, person, turn=(0.0, 0.0, 0.0), principal=(0.0, 0.0)):
    """Estimates of the labels' people as ``person`` (B, I), by cameras AHEAD, turned about
    themselves, and with their principal points moved."""
    count = len(person)
    spin = rotation_from_vector(np.array(turn)).astype(np.float32)
    shape = make_basis(model).at(torch.cat([person, labels.expression], 1))
    cameras = Cameras(
        torch.full((count,), 900.0),
        torch.tensor([[PICTURE / 2, PICTURE / 2]]).repeat(count, 1) + torch.tensor(principal),
        torch.from_numpy(spin) @ labels.rotation,
        torch.from_numpy(spin @ AHEAD).repeat(count, 1),
    )
    return Estimates(person, labels.expression, cameras, cameras.project(shape))


def test_depths_and_normals_of_a_true_estimate_lack_nothing(model):
    labels, basis = labels_ahead(model), make_solid_basis(model)
    nearer, more = lacking_solid(basis, estimates_of(model, labels, labels.identity), labels)
    ones = torch.ones_like(nearer)
    assert float(centred(nearer, ones).abs().mean()) * UNIT < 2e-4
    assert float(more.abs().mean()) < 0.02
    # Another principal point turns the camera, not the head before it.
    turned = estimates_of(model, labels, labels.identity, (0.0, 0.2, 0.0), (900 * np.tan(-0.2), 0))
    nearer, more = lacking_solid(basis, turned, labels)
    assert float(centred(nearer, ones).abs().mean()) * UNIT < 1e-3
    assert float(more.abs().mean()) < 0.03


def test_bumps_lie_nearer_and_turn_normals(model):
    labels, basis = labels_ahead(model), make_solid_basis(model)
    # Heads that look straight into the camera: their z axis points at it.
    labels = replace(labels, rotation=torch.from_numpy(FACING).expand(6, 3, 3))
    estimates = estimates_of(model, labels, labels.identity)
    before = lacking_solid(basis, estimates, labels)
    bumps = labels.bumps.clone()
    bumps[:, 4, 2], bumps[:, 5, 3] = 0.002, 0.1
    after = lacking_solid(basis, estimates, replace(labels, bumps=bumps))
    closer, turned = after[0] - before[0], after[1] - before[1]
    assert closer[:, 4].numpy() * UNIT == pytest.approx(0.002, rel=0.15)
    assert float(turned[:, 5, 0].min()) > 0.03
    assert float(turned[:, 6:].abs().max()) < 1e-6


def test_a_depth_that_all_landmarks_share_costs_nothing(model):
    labels, basis = labels_ahead(model), make_solid_basis(model)
    wanted = lacking_solid(basis, estimates_of(model, labels, 0 * labels.identity), labels)
    seen, zero = labels.visible, torch.zeros_like(labels.visible)
    scales = zero, wanted[1], zero
    plain, _ = solid_nll((wanted[0], *scales), wanted, seen)
    shifted, _ = solid_nll((wanted[0] + 3, *scales), wanted, seen)
    wrong, _ = solid_nll((wanted[0] + torch.randn_like(zero), *scales), wanted, seen)
    assert float(plain.abs().max()) < 1e-4
    assert float(shifted.abs().max()) < 1e-4
    assert float(wrong.mean()) > 0.5


def test_a_missed_key_costs_more_than_a_false_one(model):
    training = SurfaceTraining(CONFIG, model, None)
    labels = labels_ahead(model)
    lid = list(model.expression_names).index("eyeBlinkLeft")
    offset = training.build_beside()["offset"]

    def cost(true, said, drawn=1.0):
        posed = replace(
            labels, expression=0 * labels.expression, drawn=torch.full_like(labels.drawn, drawn)
        )
        posed.expression[:, lid] = true
        estimates = replace(
            estimates_of(model, posed, posed.identity), expression=0 * posed.expression
        )
        moved = torch.zeros_like(posed.expression)
        moved[:, lid] = said
        still = torch.zeros_like(posed.points), torch.zeros_like(posed.weight)
        update = Update(*still, posed.identity, moved)
        return losses(update, estimates, posed, offset, training.head, CONFIG.loss)

    missed, false = cost(1.0, 0.4)["expression"], cost(0.4, 1.0)["expression"]
    assert float(missed / false) == pytest.approx(3 / 1.8, rel=1e-3)
    # A lid moves few landmarks; it counts all the same.
    assert float(missed) > 0.1
    assert "depth" not in cost(1.0, 1.0)


def test_estimates_miss_expressions_and_err_more_aside(model):
    labels, basis = true_labels(model, 300), make_basis(model)
    labels = replace(labels, expression=0 * labels.expression + 0.9)
    random = torch.Generator().manual_seed(0)
    made = simulate(basis, labels, replace(EXACT, missed=0.5), random)
    weak = (made.expression.mean(1) < 0.6).float().mean()
    assert 0.3 < float(weak) < 0.5
    turned = rotations_from_vectors(torch.tensor([[0.0, 1.4, 0.0]])) @ torch.from_numpy(FACING)
    spread = {}
    for name, rotation in (("ahead", torch.from_numpy(FACING)[None]), ("aside", turned)):
        posed = replace(labels, rotation=rotation.expand(300, 3, 3).contiguous())
        off = []
        for wrong in (EXACT, replace(EXACT, turn=2.0, side=2.0)):
            random = torch.Generator().manual_seed(0)
            off.append(simulate(basis, posed, wrong, random).cameras.rotation)
        spread[name] = float((off[1] - off[0]).square().sum((1, 2)).mean().sqrt())
    assert spread["aside"] == pytest.approx(3 * spread["ahead"], rel=0.35)


def test_known_identities_are_posterior_means(model):
    labels = true_labels(model, 400)
    # The drawn population is less varied than the model's.
    labels = replace(labels, identity=0.85 * labels.identity)
    wrong = replace(EXACT, most_known=0.8)
    made = simulate(make_basis(model), labels, wrong, torch.Generator().manual_seed(1))
    # The error of a posterior mean is independent of it.
    error = labels.identity - made.identity
    along = (error * made.identity).mean() / made.identity.square().mean()
    assert abs(float(along)) < 0.05


def test_small_turns_and_frames():
    turned = rotations_from_vectors(torch.tensor([[0.0, 0.0, 0.3]]))[0].numpy()
    assert turned == pytest.approx(rotation_from_vector(np.array([0, 0, 0.3])), abs=1e-5)
    camera = as_cameras(camera_of((0, 0, 0)))
    off = in_frame(camera, torch.tensor([[[10.0, -20.0]]]))
    assert off[0, 0].numpy() == pytest.approx(np.array([10, 20]) * 0.9 / 1500)


def test_training_learns(model):
    training = SurfaceTraining(CONFIG, model, None)
    state, labels = start_run(training), true_labels(model)
    batch = labels, torch.Generator().manual_seed(0)
    first = sum(take_step(training, state, batch, 3e-3).values())
    for _ in range(12):
        last = sum(take_step(training, state, batch, 3e-3).values())
    assert last < first - 0.2


def test_figures_are_the_share_of_the_error_that_is_left(model, stored):
    training = SurfaceTraining(CONFIG, model, stored)
    figures = training.measure(start_run(training).average)
    # A network with random weights changes nothing, so all of the error is left.
    for name in ("points", "identity", "depth", "normal"):
        assert figures[f"{name}_left"] == pytest.approx(1)
    assert figures["identity_estimate"] > 0


@pytest.fixture
def stored(model, tmp_path):
    """Two small folders of samples of two sizes; the second's pictures are smaller."""
    folders, arrays = [], []
    points = len(model.landmark_sets["dense"])
    for number, side in enumerate((PICTURE, PICTURE // 2)):
        folder = tmp_path / str(number)
        (folder / "done").mkdir(parents=True)
        (folder / "done" / "0").touch()
        labels = true_labels(model, 4, number, side)
        folders.append(folder)
        arrays.append({
            "images": (255 * labels.pictures.permute(0, 2, 3, 1)).byte().numpy(),
            "points": labels.points.numpy(), "point_weight": np.ones((4, points), np.float16),
            "visible": np.packbits(np.ones((4, points), bool), axis=1),
            "identity": labels.identity.numpy(), "expression": labels.expression.numpy(),
            "rotation": labels.rotation.numpy(), "supervision": np.ones((4, 4), np.float16),
            "kind": np.array([2, 0, 3, 2], np.uint8),
        })  # fmt: skip
    mirror = Mirror(np.arange(points), np.arange(52), np.ones(model.identity_count, np.float32))
    return Samples(folders, arrays, mirror, 3)


def test_rows_of_all_folders_without_negatives_some_kept_out(stored):
    assert stored.rows(training=True).tolist() == [1, 4, 5, 7]
    assert stored.rows(training=False).tolist() == [0, 3]


def test_smaller_pictures_are_enlarged_with_their_points(stored):
    labels = load(stored, np.array([0, 4, 5]), None)
    assert labels.pictures.shape == (3, 3, PICTURE, PICTURE)
    assert labels.points[1].numpy() == pytest.approx(2 * stored.arrays[1]["points"][0], rel=1e-5)
    assert labels.drawn.tolist() == [1, 1, 0]
    assert labels.taught.tolist() == [0, 0, 1]


def test_export_writes_weights_that_load_for_use(model, stored, tmp_path):
    checkpoint, target = tmp_path / "checkpoint.pt", tmp_path / "surface.safetensors"
    start_run(SurfaceTraining(CONFIG, model, stored)).save(checkpoint)
    export(read_trained(checkpoint, SurfaceConfig), model, stored, target)
    loaded = load_surface_refinement(target)
    assert loaded.network.shape.widths == WIDTHS
    assert read_card(target).details["head_model"]["id"] == model.model_id
    target.write_bytes(target.read_bytes()[:-8])
    load_surface_refinement.cache_clear()
    with pytest.raises(WeightsMissing):
        load_surface_refinement(target)
    load_surface_refinement.cache_clear()


def test_training_draws_only_the_kinds_it_is_told(stored):
    only = replace(stored, kinds=(0,))
    assert only.rows(training=True).tolist() == [1, 5]
    assert only.rows(training=False).tolist() == stored.rows(training=False).tolist()


def test_comparisons_vary_one_thing_at_a_time(stored):
    tried = []

    def figures(name, samples, widths):
        tried.append((name, samples.kinds, widths))
        return {"error": float(len(tried))}

    result = all_variants(figures, stored)
    shipped = ENCODERS["as shipped"]
    assert [kinds for _, kinds, widths in tried if widths == shipped] == list(MIXES.values())
    assert all(kinds == stored.kinds for _, kinds, widths in tried if widths != shipped)
    # What has been trained once is not trained again.
    assert len(tried) == len(MIXES) + len(ENCODERS) - 1
    assert result["encoders"]["as shipped"] == result["data_mixes"][list(MIXES)[-1]]
