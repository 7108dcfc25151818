"""The network, its weights' card, its output in the photo, and the training that makes it.

All networks here are tiny and untrained: what is tested is what holds for any weights.
"""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from ml.assets.card import card_path, read_card, verified, write_card
from ml.data import FaceCrop
from ml.errors import UsageError, WeightsMissing
from ml.head.arkit import EXPRESSION_NAMES
from ml.head.mirror import make_mirror
from ml.head.model import HeadModel, LinearShape, SurfacePoints
from ml.regressor.estimate import Estimate, rotation_from_six
from ml.regressor.network import HeadNetwork
from ml.regressor.regressor import Regressor, load_regressor
from ml.training.config import read_config
from ml.training.data.stored import RENDER, open_samples
from ml.training.export import read_trained
from ml.training.loop import start_run, steps, take_step
from ml.training.regressor import batches, losses, train
from ml.training.regressor.export import export
from ml.training.regressor.teacher import TeacherOffset, as_taught
from ml.training.warm_start import start_from

CROP = 32
SIGMA = np.array([0.5, 1.0], np.float32)
CONFIG = replace(
    read_config(train.CONFIG, train.RegressorConfig),
    network=train.Sizes((16, 16, 16, 16), summary=16, refine=2, rounds=2),
)


def small_head(seed=0):
    """A mirror-symmetric cloud with one symmetric and one antisymmetric mode, 52 expressions."""
    rng = np.random.default_rng(seed)
    right = rng.uniform(0.01, 0.08, (20, 3))
    flip = np.array([-1, 1, 1])
    mean = np.concatenate([right, right * flip])
    move = rng.normal(0, 0.004, (20, 3))
    identity = np.stack([np.concatenate([move, sign * move * flip]) for sign in (1, -1)])
    expression = rng.normal(0, 0.001, (52, 40, 3))
    expression[EXPRESSION_NAMES.index("jawOpen")] = 0
    every = np.arange(40, dtype=np.int32)[:, None].repeat(3, 1)
    dense = SurfacePoints(every, np.tile(np.float32([1, 0, 0]), (40, 1)))
    return HeadModel(
        "small", "1", "CC0-1.0",
        LinearShape(*(a.astype(np.float32) for a in (mean, identity, expression))),
        EXPRESSION_NAMES, np.array([[0, 1, 2, 2]], np.int32), np.zeros((3, 2), np.float32),
        np.array([[0, 1, 2, 2]], np.int32), np.zeros(1, np.uint8), ("skin",), {"dense": dense},
    )  # fmt: skip


def small_shape():
    return replace(train.network_shape(small_head(), CONFIG.network), crop=CROP)


def random_network(seed=0):
    """Random also where a fresh network is zero, so that every path carries a signal."""
    torch.manual_seed(seed)
    network = HeadNetwork(small_shape())
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    return network.eval()


def random_crop(seed=0, to_photo=((1, 0, 0), (0, 1, 0))):
    pixels = np.random.default_rng(seed).integers(0, 256, (CROP, CROP, 3), np.uint8)
    return FaceCrop(pixels, np.array(to_photo, np.float32))


def details(sizes):
    return {"network": sizes, "identity_sigma": [0.5, 1.0]}


def store_weights(folder, network):
    path = folder / "regressor.safetensors"
    state = {k: v for k, v in network.state_dict().items() if v.is_floating_point()}
    save_file(state, path)
    write_card(
        path,
        name="small",
        licence="CC0-1.0",
        commercial_use=True,
        sources=("noise",),
        command="none",
        details=details(network.shape.to_dict()),
    )
    return path


# -- network ------------------------------------------------------------------------------------


def test_outputs_have_their_shapes_and_ranges():
    looks = random_network()(torch.rand(3, 3, CROP, CROP))
    assert len(looks) == 1 + small_shape().rounds
    for prediction in looks:
        assert prediction.points.shape == (3, 40, 2)
        assert prediction.log_scale.shape == prediction.visible.shape == (3, 40)
        assert prediction.identity.shape == (3, 2)
        assert prediction.expression.shape == (3, 52)
        assert prediction.confidence.shape == (3,)
        assert prediction.expression.min() >= 0
        assert prediction.expression.max() <= 1


def test_a_fresh_refinement_changes_nothing():
    torch.manual_seed(1)
    first, *_, refined = HeadNetwork(small_shape()).eval()(torch.rand(2, 3, CROP, CROP))
    assert torch.equal(first.points, refined.points)
    assert torch.equal(first.identity, refined.identity)
    assert torch.equal(first.rotation, refined.rotation)


def test_refinement_looks_where_the_points_are():
    torch.manual_seed(2)
    network = random_network()
    maps = [torch.randn(1, 16, 8, 8), torch.randn(1, 16, 4, 4)]
    numbers = {"points": 2, "log_scale": 1, "visible": 1}
    zeros = [torch.zeros(1, 40, n).squeeze(-1) for n in numbers.values()]
    zeros += [torch.zeros(1, n) for n in (2, 52, 6)]
    now = Estimate(*zeros)

    def update(at):
        levels = network.refinement.prepare(maps)
        points = torch.full((1, 40, 2), at)
        return network.refinement(levels, torch.zeros(1, 16), replace(now, points=points)).points

    here = update(-0.5)
    # The far corner of the fine map is not looked at ...
    maps[0][..., 6:, 6:] += 5
    assert torch.allclose(here, update(-0.5))
    # ... unless a point lies there.
    assert not torch.allclose(here, update(0.8))


def test_every_round_looks_again():
    torch.manual_seed(3)
    network, crops = random_network(), torch.rand(1, 3, CROP, CROP)
    looks = network(crops)
    assert len({float(look.points.detach().sum()) for look in looks}) == len(looks)


def test_rotations_are_rotations_and_zero_faces_the_camera():
    turns = rotation_from_six(torch.randn(50, 6))
    assert torch.allclose(turns @ turns.mT, torch.eye(3).expand(50, 3, 3), atol=1e-5)
    assert torch.allclose(torch.linalg.det(turns), torch.ones(50), atol=1e-5)
    facing = rotation_from_six(torch.zeros(1, 6))[0]
    assert torch.allclose(facing, torch.diag(torch.tensor([1.0, -1.0, -1.0])))


def test_points_keep_full_precision_when_the_encoder_does_not():
    network, crops = random_network(), torch.rand(2, 3, CROP, CROP)
    with torch.autocast("cpu", torch.bfloat16):
        first, *_, refined = network(crops)
    assert first.points.dtype == refined.points.dtype == torch.float32
    # bfloat16 numbers, widened, would have the last 16 of their bits empty.
    bits = refined.points.detach().contiguous().view(torch.int32) & 0xFFFF
    assert (bits != 0).float().mean() > 0.9


# -- output in the photo --------------------------------------------------------------------------


def test_points_sigma_and_rotation_follow_the_crop():
    regressor = Regressor(random_network(), SIGMA)
    angle, scale = 0.4, 3.0
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = np.column_stack([scale * turn, [100, 50]])
    plain, placed = regressor.predict([random_crop(), random_crop(to_photo=moved)])
    expected = plain.landmarks.points @ (scale * turn).T + [100, 50]
    np.testing.assert_allclose(placed.landmarks.points, expected, atol=1e-3)
    np.testing.assert_allclose(placed.landmarks.sigma, scale * plain.landmarks.sigma, rtol=1e-4)
    # Seen in the photo, the head leans as the crop does: x of the image turns towards y.
    spin = np.eye(3)
    spin[:2, :2] = turn
    np.testing.assert_allclose(placed.rotation, spin @ plain.rotation, atol=1e-5)
    np.testing.assert_allclose(placed.coefficients.identity, plain.coefficients.identity, atol=1e-5)


def test_crops_do_not_influence_each_other():
    regressor = Regressor(random_network(), SIGMA)
    crops = [random_crop(seed) for seed in range(3)]
    together = regressor.predict(crops)
    assert not np.allclose(together[0].landmarks.points, together[1].landmarks.points)
    for crop, output in zip(crops, together, strict=True):
        (alone,) = regressor.predict([crop])
        np.testing.assert_allclose(
            alone.landmarks.points, output.landmarks.points, rtol=1e-4, atol=1e-3
        )
        assert 0 < output.confidence < 1
    assert regressor.predict([]) == []


# -- weights and their card ---------------------------------------------------------------------


def test_stored_weights_come_back(tmp_path):
    network = random_network()
    path = store_weights(tmp_path, network)
    stored, own = load_regressor(path), Regressor(network, SIGMA)
    np.testing.assert_allclose(
        stored.predict([random_crop()])[0].landmarks.points,
        own.predict([random_crop()])[0].landmarks.points,
        atol=1e-5,
    )
    assert load_regressor(path) is stored


def test_missing_weights_say_what_to_do(tmp_path):
    with pytest.raises(WeightsMissing) as raised:
        load_regressor(tmp_path / "regressor.safetensors")
    assert raised.value.hint
    path = store_weights(tmp_path, random_network())
    path.unlink()
    with pytest.raises(WeightsMissing, match="missing"):
        load_regressor(path)


def test_altered_weights_are_refused(tmp_path):
    path = store_weights(tmp_path, random_network())
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsMissing, match="not the file"):
        load_regressor(path)


@pytest.mark.parametrize("damage", ["fewer", "other sizes", "unknown field"])
def test_weights_of_another_architecture_are_refused(tmp_path, damage):
    network = random_network()
    path = store_weights(tmp_path, network)
    sizes = network.shape.to_dict()
    if damage == "fewer":
        state = load_file(path)
        del state["read.weight"]
        save_file(state, path)
    sizes |= {"other sizes": {"summary": 17}, "unknown field": {"depth": 3}}.get(damage, {})
    facts = {"name": "small", "licence": "CC0-1.0", "commercial_use": True, "sources": ()}
    write_card(path, **facts, command="", details=details(sizes))
    with pytest.raises(WeightsMissing, match="do not fit"):
        load_regressor(path)


@pytest.mark.parametrize("content", ["", "[]", '{"name": "x"}', '{"sources": [], "colour": 1}'])
def test_a_damaged_card_is_refused(tmp_path, content):
    path = store_weights(tmp_path, random_network())
    card_path(path).write_text(content)
    with pytest.raises(WeightsMissing, match="card"):
        verified(path)


def test_export_keeps_the_averaged_weights_and_tells_where_they_come_from(tmp_path):
    head = small_head()
    state = start_run(train.RegressorTraining(CONFIG, head, tmp_path))
    with torch.no_grad():
        state.average.read.bias += 0.25
    state.step, state.seconds, state.started_from = 7, 120.0, "abc"
    state.commands = ["train it", "train it further"]
    checkpoint, target = tmp_path / "checkpoint.pt", tmp_path / "regressor.safetensors"
    state.save(checkpoint)
    check = tmp_path / "check"
    check.mkdir()
    stored_samples(check, kind=RENDER)
    export(read_trained(checkpoint, train.RegressorConfig), head, check, target)
    card = read_card(target)
    assert card.commercial_use
    assert card.details["head_model"] == {"id": "small", "version": "1"}
    assert card.details["training"]["steps"] == 7
    assert card.details["training"]["seed"] == CONFIG.seed
    assert card.details["training"]["minutes"] == 2
    assert card.details["training"]["started_from"] == "abc"
    assert len(card.details["identity_sigma"]) == head.identity_count
    assert min(card.details["identity_sigma"]) > 0
    assert " && train it && train it further && python -m ml.training.reg" in card.command
    assert f"--checkpoint {checkpoint.as_posix()} " in card.command
    stored = load_file(target)
    assert stored["read.bias"].dtype == torch.float16
    expected = state.average.state_dict()["read.bias"].half()
    assert torch.equal(stored["read.bias"], expected)
    assert load_regressor(target).crop_size == train.network_shape(head, CONFIG.network).crop


# -- training -----------------------------------------------------------------------------------


def stored_samples(folder, count=16, seed=0, kind=0):
    """Dark pictures with a bright dot under the first landmark, as generate.py stores them."""
    rng = np.random.default_rng(seed)
    head, side = small_head(), 144
    images = np.zeros((count, side, side, 3), np.uint8)
    points = rng.uniform(50, 94, (count, 40, 2)).astype(np.float32)
    yy, xx = np.mgrid[:side, :side] + 0.5
    for image, (x, y) in zip(images, points[:, 0], strict=True):
        image[:] = (255 * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / 8))[..., None]
    arrays = {
        "images": images,
        "points": points,
        "point_weight": np.ones((count, 40), np.float16),
        "visible": np.packbits(np.ones((count, 40), bool), axis=1),
        "identity": rng.normal(size=(count, 2)).astype(np.float16),
        "expression": rng.uniform(size=(count, 52)).astype(np.float16),
        "rotation": np.tile(np.diag([1, -1, -1]).astype(np.float32), (count, 1, 1)),
        "supervision": np.ones((count, 4), np.float16),
        "kind": np.full(count, kind, np.uint8),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return batches.Source(open_samples(folder), np.arange(count), make_mirror(head), CROP)


def test_labels_move_with_the_picture(tmp_path, monkeypatch):
    crop = 128
    source = replace(stored_samples(tmp_path), crop=crop)
    monkeypatch.setattr(batches, "discolour", lambda image, rng: image)
    batch = batches.make_batch(source, np.arange(16), np.random.default_rng(4))
    centre = np.mgrid[:crop, :crop][::-1].reshape(2, -1).T + 0.5
    flipped = 0
    for index in range(16):
        bright = batch.crops[index, 0].reshape(-1).astype(np.float64) ** 2
        seen = (centre * bright[:, None]).sum(0) / bright.sum() / (crop / 2) - 1
        # In a mirrored crop the first landmark carries the name of its twin.
        distance = np.linalg.norm(batch.points[index] - seen, axis=1)
        at = int(distance.argmin())
        assert at in (0, source.mirror.points[0])
        assert distance[at] < 0.5 / (crop / 2)
        flipped += at != 0
    assert 0 < flipped < 16


def test_the_mirror_is_its_own_inverse():
    head = small_head()
    mirror = make_mirror(head)
    assert np.array_equal(mirror.points[mirror.points], np.arange(40))
    assert np.array_equal(mirror.points[:20], np.arange(20, 40))
    assert np.array_equal(mirror.expression[mirror.expression], np.arange(52))
    assert mirror.identity.tolist() == [1, -1]
    swapped = mirror.expression[EXPRESSION_NAMES.index("mouthSmileLeft")]
    assert EXPRESSION_NAMES[swapped] == "mouthSmileRight"


def test_a_step_is_the_same_batch_whenever_it_is_asked_for(tmp_path):
    source = stored_samples(tmp_path)
    whole = batches.batches_ahead(source, 4, 5, 0)
    before = [next(whole) for _ in range(3)]
    again = next(batches.batches_ahead(source, 4, 5, 2))
    np.testing.assert_array_equal(again.crops, before[2].crops)
    np.testing.assert_array_equal(again.points, before[2].points)


class SmallTraining(train.RegressorTraining):
    """Of a network with smaller crops than any head model asks for."""

    def build(self):
        return HeadNetwork(small_shape())


def training(folder):
    """A training on stored samples, its first state, and all samples as a batch."""
    source, new = stored_samples(folder), SmallTraining(CONFIG, small_head(), folder)
    batch = batches.make_batch(source, np.arange(16), np.random.default_rng(0))
    return new, start_run(new), batch


def test_training_lowers_every_part_of_the_loss(tmp_path):
    new, state, batch = training(tmp_path)
    first = take_step(new, state, batch, 3e-3)
    for _ in range(60):
        last = take_step(new, state, batch, 3e-3)
    for name in ("points", "identity", "expression", "earlier"):
        assert last[name] < 0.8 * first[name] if first[name] > 0 else last[name] < first[name]


def test_all_predictions_are_trained_the_coarse_one_with_a_weight_of_its_own(tmp_path):
    new, state, batch = training(tmp_path)
    importance, weights = losses.importance_of(new.model.points("dense")), CONFIG.loss
    state.network.eval()
    with torch.no_grad():
        found = new.loss(state, batch)
        coarse, middle, last = (
            losses.losses(prediction, prediction.points, batch, importance, weights)
            for prediction in state.network(torch.from_numpy(batch.crops))
        )
    assert {name: found[name] for name in last} == last
    earlier = weights.coarse * sum(coarse.values()) + sum(middle.values())
    assert float(found["earlier"]) == pytest.approx(float(earlier), rel=1e-5)


def test_what_is_not_supervised_teaches_nothing(tmp_path):
    new, state, batch = training(tmp_path)
    batch.supervision[:, :3] = 0
    batch.point_weight[:] = 0
    with torch.no_grad():
        parts = new.loss(state, batch)
    for name in ("points", "identity", "expression", "rotation", "visible"):
        assert float(parts[name]) == 0
    assert float(parts["confidence"]) > 0


def test_training_reads_the_stored_samples(tmp_path):
    stored_samples(tmp_path)
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / "0").touch()
    config = replace(CONFIG, batch=8, steps=2, budget_minutes=0.0)
    new = train.RegressorTraining(config, small_head(), tmp_path)
    assert len(list(steps(new, start_run(new)))) == 2


def test_the_likelihood_prefers_an_honest_scale():
    off = 0.05
    points = torch.zeros(1, 40, 2)
    points[..., 0] = off
    blank = {item.name: None for item in fields(batches.Batch)}
    target = {"points": np.zeros((1, 40, 2), np.float32)}
    batch = batches.Batch(**blank | target | {"point_weight": np.ones((1, 40), np.float32)})

    def loss(scale):
        scales = torch.full((1, 40), float(np.log(scale)))
        return float(losses.point_likelihood(scales, points, batch))

    # A round Laplace density with scale s is off by 2 s on average.
    assert loss(off / 2) < loss(off / 4)
    assert loss(off / 2) < loss(off)


def test_identity_counts_as_far_as_it_moves_the_landmarks():
    dense = small_head().points("dense")
    factor = losses.importance_of(dense).identity.double()
    modes = torch.from_numpy(dense.identity).double()
    modes = modes - modes.mean(1, keepdim=True)
    some = torch.randn(2, 2, dtype=torch.float64)
    moved = torch.einsum("bi,ilc->blc", some, modes).square().sum((1, 2))
    found = (some @ factor).square().sum(1)
    assert torch.allclose(found / found[0], moved / moved[0], rtol=1e-3)


def test_the_teachers_habits_turn_with_the_head_and_spare_renders():
    offset = TeacherOffset(40)
    with torch.no_grad():
        offset.weight[0, :2] = torch.tensor([0.1, 0.02])
    upright = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    spin = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    rotation = torch.stack([upright, spin @ upright, upright])
    points = torch.rand(3, 40, 2)
    extent = (points.amax(1) - points.amin(1)).amax(1)
    moved = as_taught(points, offset, rotation, torch.tensor([1.0, 1, 0])) - points
    assert torch.allclose(moved[0, 0], extent[0] * torch.tensor([0.1, 0.02]), atol=1e-6)
    assert torch.allclose(moved[1, 0], extent[1] * torch.tensor([-0.02, 0.1]), atol=1e-6)
    assert not moved[2].any()
    assert not moved[:, 1:].any()


def test_a_training_can_begin_at_weights_of_a_smaller_network(tmp_path):
    old = random_network()
    path = store_weights(tmp_path, old)
    _, state, _ = training(tmp_path)
    state.network = HeadNetwork(replace(small_shape(), refine=3)).eval()
    state.average = HeadNetwork(replace(small_shape(), refine=3)).eval()
    fresh = state.network.refinement.squeeze.weight.clone()
    start_from(state, path)
    assert state.started_from == read_card(path).sha256
    crops = torch.rand(2, 3, CROP, CROP)
    was = old(crops)[0]
    for now in (state.network(crops)[0], state.average(crops)[0]):
        assert torch.allclose(was.points, now.points, atol=1e-4)
        assert torch.allclose(was.identity, now.identity, atol=1e-4)
    assert torch.equal(state.network.refinement.squeeze.weight, fresh)
    state.network = HeadNetwork(replace(small_shape(), identity=5))
    with pytest.raises(UsageError, match="identity modes"):
        start_from(state, path)
