"""Face parsing: the crop, the network, its result in the photo's pixels, and its training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from skimage.data import astronaut

from ml.assets.card import read_card, write_card
from ml.assets.weights import store_weights
from ml.data import FaceBox, FaceCrop, Photo
from ml.errors import WeightsMissing
from ml.parsing.classes import CLASSES, Parse
from ml.parsing.network import ParsingNetwork
from ml.parsing.parse import SIZE, WEIGHTS, Parser, crop_head, load_parser
from ml.training.config import read_config
from ml.training.loop import start_run, take_step
from ml.training.parsing.batches import Source, varied
from ml.training.parsing.export import TEACHING, with_teaching
from ml.training.parsing.losses import UNKNOWN, LossWeights, losses
from ml.training.parsing.measure import intersection_over_union, overlaps
from ml.training.parsing.teacher import fill_in, steady
from ml.training.parsing.train import CONFIG, ParsingConfig, ParsingTraining

COUNT = len(CLASSES)
PLAIN = LossWeights(dice=1.0)


def halves(to_photo):
    """A parse whose left half is skin and whose right half is hair."""
    probability = np.zeros((COUNT, 4, 4), np.uint8)
    probability[CLASSES.index("skin"), :, :2] = 255
    probability[CLASSES.index("hair"), :, 2:] = 255
    return Parse(probability, np.array(to_photo, np.float32))


def test_probabilities_are_read_at_pixels_of_the_photo():
    # The crop's pixels are ten photo pixels wide, and it begins at (100, 50).
    found = halves([[10, 0, 100], [0, 10, 50]])
    points = np.array([[105, 70], [135, 70], [120, 70], [0, 0], [999, 60]], np.float32)
    np.testing.assert_allclose(found.at(points, "skin"), [1, 0, 0.5, 1, 0], atol=1e-5)
    np.testing.assert_allclose(found.at(points, "hair"), [0, 1, 0.5, 0, 1], atol=1e-5)
    np.testing.assert_allclose(found.at(points, "skin", "hair"), 1, atol=1e-5)
    assert found.at(points, "hat").max() == 0


def test_a_turned_crop_is_read_turned():
    # A quarter turn: the crop's x runs down the photo.
    found = halves([[0, -1, 4], [1, 0, 0]])
    points = np.array([[2, 0.5], [2, 3.5]], np.float32)
    np.testing.assert_allclose(found.at(points, "skin"), [1, 0], atol=1e-5)


def test_a_name_that_is_no_class_is_refused():
    with pytest.raises(ValueError, match="not in tuple"):
        halves([[1, 0, 0], [0, 1, 0]]).at(np.zeros((1, 2)), "scales")


def test_every_pixels_probabilities_sum_to_one():
    photo = Photo(np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8), Path("x"), "")
    torch.manual_seed(0)
    crop = crop_head(photo, FaceBox((60.0, 45.0), 40.0))
    found = Parser(ParsingNetwork()).parse(crop)
    assert found.probability.shape == (COUNT, SIZE, SIZE)
    # Rounded to bytes one by one.
    assert np.abs(found.probability.sum(0, dtype=int) - 255).max() <= COUNT / 2
    middle = crop.to_photo @ [SIZE / 2, SIZE / 2, 1]
    np.testing.assert_allclose(middle, [60, 45], atol=1e-3)


def test_a_crop_of_another_size_is_refused():
    torch.manual_seed(0)
    crop = FaceCrop(np.zeros((64, 64, 3), np.uint8), np.eye(2, 3, dtype=np.float32))
    with pytest.raises(ValueError, match="192"):
        Parser(ParsingNetwork()).parse(crop)


def logits_of(labels):
    """(1, C, S, S) that say ``labels`` for certain."""
    return 50.0 * torch.nn.functional.one_hot(labels, COUNT).permute(0, 3, 1, 2).float()


def test_the_loss_is_least_for_the_truth_and_ignores_the_unknown():
    labels = torch.from_numpy(np.arange(16).reshape(1, 4, 4) % COUNT)
    right = losses(logits_of(labels), labels, PLAIN)
    wrong = losses(logits_of((labels + 1) % COUNT), labels, PLAIN)
    assert sum(right.values()) < 1e-3 < 1 < sum(wrong.values())
    hidden = labels.clone()
    hidden[0, :2] = UNKNOWN
    mixed = logits_of(labels)
    mixed[:, :, :2] = 0
    assert sum(losses(mixed, hidden, PLAIN).values()) < 1e-3


def test_picture_and_labels_are_moved_together():
    labels = np.zeros((SIZE, SIZE), np.uint8)
    labels[40:90, 60:130] = 9
    image = np.repeat((labels[..., None] > 0) * np.uint8(200), 3, 2)
    moved = set()
    for seed in range(6):
        seen, found = varied(image, labels, np.random.default_rng(seed))
        known = found != UNKNOWN
        bright = seen.astype(float).mean(2) > seen.astype(float).mean()
        assert (bright == (found == 9))[known].mean() > 0.97
        moved.add(int((found == 9).sum()))
    assert len(moved) > 3


def test_overlap_is_intersection_over_union():
    table = np.zeros((COUNT, COUNT))
    table[0, 0], table[0, 1], table[1, 1] = 6, 2, 4
    assert overlaps(table) == {"background": pytest.approx(6 / 8), "skin": pytest.approx(4 / 6)}


def training():
    rng = np.random.default_rng(0)
    labels = np.zeros((8, SIZE, SIZE), np.uint8)
    labels[:, 60:140, 50:150] = 1
    images = np.where(labels[..., None] > 0, [200, 150, 120], [40, 60, 90]).astype(np.uint8)
    images = images + rng.integers(0, 20, images.shape, np.uint8)
    config = read_config(CONFIG, ParsingConfig)
    config = replace(config, batch=3, photos=1, widths=(8, 8, 16, 16), depths=(0, 0, 1, 1))
    renders = Source(images, labels, np.arange(1, 8))
    return ParsingTraining(config, renders, Source(images, labels, np.arange(8)))


def test_a_few_steps_learn_what_is_plain(monkeypatch):
    monkeypatch.setattr("ml.training.parsing.batches.HELD", 0.0)
    run = training()
    state = start_run(run)
    stream = run.batches(0)
    for _ in range(80):
        take_step(run, state, next(stream), 1e-2)
    state.network.eval()
    found = intersection_over_union(state.network, run.renders.images, run.renders.labels)
    assert min(found["background"], found["skin"]) > 0.7


def test_the_same_step_has_the_same_batch():
    run = training()
    first, again = (next(run.batches(3)) for _ in range(2))
    torch.testing.assert_close(first, again)


def test_a_run_may_begin_with_portraits_alone():
    run = training()
    none = replace(run.renders, rows=np.zeros(0, int))
    images, labels = next(replace(run, renders=none).batches(0))
    assert images.shape == (3, 3, SIZE, SIZE)
    assert set(labels.unique().tolist()) <= {0, 1, UNKNOWN}


class Halves(torch.nn.Module):
    """Says skin where a picture's left neighbourhood is bright, hair elsewhere."""

    def forward(self, pictures):
        bright = pictures.mean(1, keepdim=True) - 0.5
        logits = torch.full((len(pictures), COUNT, SIZE, SIZE), -20.0)
        logits[:, CLASSES.index("skin")] = 40 * bright[:, 0]
        logits[:, CLASSES.index("hair")] = -40 * bright[:, 0]
        return logits


def test_a_teachers_answers_come_back_to_where_they_were_given(monkeypatch):
    monkeypatch.setattr("ml.training.parsing.teacher.recorded", lambda image, _: image)
    image = np.full((SIZE, SIZE, 3), 20, np.uint8)
    image[:, :80] = 230
    share = steady(Halves(), image, np.random.default_rng(0))
    skin = share[CLASSES.index("skin")]
    assert skin[:, :74].min() > 0.8
    assert skin[:, 86:].max() < 0.2
    np.testing.assert_allclose(share.sum(0), 1, atol=1e-3)


def test_only_what_is_unknown_and_likely_is_filled_in():
    labels = np.array([[UNKNOWN, 0, UNKNOWN, UNKNOWN]], np.uint8)
    share = np.zeros((COUNT, 1, 4), np.float32)
    glasses, skin = CLASSES.index("glasses"), CLASSES.index("skin")
    share[skin] = [[0.9, 0.9, 0.5, 0.1]]
    share[glasses] = [[0.1, 0.1, 0.5, 0.9]]
    assert fill_in(labels, share, 0.7, 0.0).tolist() == [[skin, 0, UNKNOWN, glasses]]
    # Where there surely are glasses, skin may be a thin rim.
    assert fill_in(labels, share, 0.9, 0.0).tolist() == [[UNKNOWN, 0, UNKNOWN, glasses]]
    # And skin under a beard may be grey hair.
    assert fill_in(labels, share, 0.7, 0.9).tolist() == [[UNKNOWN, 0, UNKNOWN, glasses]]
    # Without glasses in the portrait the answers are skin's.
    assert fill_in(labels, share, 0.1, 0.0).tolist() == [[skin, 0, skin, skin]]


def test_what_ships_finds_skin_and_hair_of_a_photo():
    """The astronaut, frontal, with brown hair, a white collar and a flag behind her."""
    photo = Photo(astronaut(), Path("astronaut.png"), "")
    found = load_parser().parse(crop_head(photo, FaceBox((222.0, 112.0), 150.0)))
    bare = np.array([[195, 130], [245, 130], [218, 88]], np.float32)
    assert found.at(bare, "skin").min() > 0.5
    hair = np.array([[222, 25], [165, 90], [278, 90]], np.float32)
    assert found.at(hair, "hair").min() > 0.5
    suit = np.array([[140, 230], [300, 230]], np.float32)
    assert found.at(suit, "clothes").min() > 0.5


def test_weights_of_another_shape_are_refused(tmp_path):
    stored = load_file(WEIGHTS)
    target = tmp_path / "parsing.safetensors"
    store_weights({**stored, "read.weight": torch.zeros(3, 3, 1, 1)}, target)
    card = read_card(WEIGHTS)
    kept = {name: getattr(card, name) for name in ("name", "licence", "commercial_use")}
    write_card(target, **kept, sources=(), command="", details=card.details)
    with pytest.raises(WeightsMissing, match="do not fit"):
        load_parser(target)
    with pytest.raises(WeightsMissing):
        load_parser(tmp_path / "absent.safetensors")


def test_a_card_names_the_teaching_between_both_parts_of_a_run():
    first, second = "train --portraits first.npz", "train --portraits dressed.npz"
    assert with_teaching([first]) == [first]
    assert with_teaching([first, second, second]) == [first, *TEACHING, second, second]


def test_the_largest_probability_within_reach_counts():
    found = halves([[1, 0, 0], [0, 1, 0]])
    points = np.array([[0.5, 1.5], [1.5, 1.5]], np.float32)
    assert found.at(points, "hair").tolist() == [0, 0]
    assert found.at(points, "hair", reach=1).tolist() == [0, 1]
