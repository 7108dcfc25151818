"""The face CLIP: what its captions say, how it is trained and written, and what ships."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from ml.errors import UsageError, WeightsMissing
from ml.fitting.camera import FACING
from ml.geometry.rotations import rotation_from_vector
from ml.head.storage import load_head_model
from ml.perception.face_clip import (
    RESNET,
    VIT,
    FaceWords,
    load_face_clip,
)
from ml.training.config import read_config
from ml.training.data.people.traits import TRAIT_NAMES
from ml.training.export import read_trained
from ml.training.loop import start_run, take_step
from ml.training.perception import captions as said
from ml.training.perception.attributes import HeadMeasures
from ml.training.perception.config import CONFIG, FaceClipConfig, face_words
from ml.training.perception.encoded import SHOWN, at_cells, encode, encoded_path
from ml.training.perception.export import export
from ml.training.perception.people import (
    load_people,
    make_batch,
    middle_crops,
    mirrored_tokens,
)
from ml.training.perception.train import FaceClipTraining
from ml.training.perception.zero_shot import QUESTIONS, answers, figures_of

SIZE, COUNT = 48, 500
EVERY = [*said.AGES, *said.RULES]


@pytest.fixture(scope="module")
def measures():
    return HeadMeasures(load_head_model())


@pytest.fixture(scope="module")
def config():
    """The shipped configuration with small models and pictures."""
    config = read_config(CONFIG, FaceClipConfig)
    return replace(
        config,
        batch=16,
        average_decay=0.9,
        captions=1,
        lessons_first=0.0,
        resnet={**config.resnet, "image_size": 32, "width": 16},
        vit={**config.vit, "image_size": 32, "layers": 6, "width": 32, "patch_size": 8},
    )


def turned(yaw: float, pitch: float = 0, roll: float = 0) -> np.ndarray:
    """A rotation like those of ml/training/data/people/poses.py; degrees."""
    across, down, in_plane = np.radians([[0, yaw, 0], [pitch, 0, 0], [0, 0, roll]])
    turn = rotation_from_vector(down) @ rotation_from_vector(across)
    return rotation_from_vector(in_plane) @ FACING @ turn


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """Stored samples whose pictures show, as a bright bar, only where the head is turned."""
    folder = tmp_path_factory.mktemp("samples")
    rng = np.random.default_rng(3)
    yaw = rng.choice([-40, 0, 40], COUNT)
    images = rng.integers(0, 60, (COUNT, SIZE, SIZE, 3)).astype(np.uint8)
    for image, angle in zip(images, yaw, strict=True):
        middle = 24 + int(angle / 40 * 13)
        image[10:38, middle - 4 : middle + 4] = 230
    arrays = {
        "images": images,
        "kind": np.where(np.arange(COUNT) % 7 == 0, 0, 2).astype(np.uint8),
        "identity": np.zeros((COUNT, 160), np.float16),
        "expression": np.zeros((COUNT, 52), np.float16),
        "rotation": np.stack([turned(angle) for angle in yaw]).astype(np.float32),
        "traits": np.full((COUNT, len(TRAIT_NAMES)), np.nan, np.float32),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    (folder / "done").mkdir()
    (folder / "done" / "0").touch()
    return folder


@pytest.fixture(scope="module")
def trained(samples, measures, config, tmp_path_factory):
    """A short real training's checkpoint, and its losses."""
    training = FaceClipTraining(config, load_people(samples, measures, config.kept_out))
    state, stream, losses = start_run(training), training.batches(0), []
    for _ in range(110):
        losses.append(list(take_step(training, state, next(stream), 2e-3).values()))
    checkpoint = tmp_path_factory.mktemp("run") / "checkpoint.pt"
    state.save(checkpoint)
    return checkpoint, np.array(losses), state


def test_captions_become_numbers_that_open_clip_reads_at_the_end():
    words = FaceWords(("a", "face", "wide-set"), 8)
    rows = words.encode(["A face", "a wide-set, a face"])
    assert rows.tolist() == [[1, 2, 3, 5, 0, 0, 0, 0], [1, 2, 4, 2, 3, 5, 0, 0]]
    assert words.size == 6
    assert (rows.argmax(1) == torch.tensor([3, 5])).all()
    with pytest.raises(UsageError, match="zebra") as error:
        words.encode(["a zebra"])
    assert "wide-set" in error.value.hint
    with pytest.raises(UsageError, match="too long"):
        words.encode(["a a a a a a a"])


def test_every_possible_caption_fits(config):
    words = face_words(config)
    assert words.length == said.LONGEST + 2
    rng = np.random.default_rng(0)
    every = list(range(2, len(EVERY)))
    lengths = [len(text.split()) for _ in range(50) for text in said.captions(every, 1, rng)]
    assert max(lengths) <= said.LONGEST
    assert min(lengths) < 15
    words.encode(said.captions(every, 3, rng))
    for choices in QUESTIONS.values():
        for choice in choices.values():
            words.encode(choice.captions)


def test_mirrored_pictures_have_mirrored_captions(samples, measures, config):
    words = face_words(config)
    left, right = words.encode(["a person turned to the left", "a person turned to the right"])
    assert torch.equal(mirrored_tokens(left, words), right)
    assert torch.equal(mirrored_tokens(right, words), left)
    people = load_people(samples, measures, config.kept_out)
    many = replace(config, batch=40, captions=3)
    batch = make_batch(people, words, many, np.random.default_rng(1))
    assert batch.pictures.shape == (40, 3, 32, 32)
    assert batch.tokens.shape == (3, 40, 32)
    ids = {side: int(words.encode([side])[0, 1]) for side in ("left", "right")}
    centre = (batch.pictures.mean((1, 2)) > 0.5).float() @ torch.arange(32.0)
    centre = centre / (batch.pictures.mean((1, 2)) > 0.5).sum(1)
    for side, way in (("left", -1), ("right", 1)):
        told = (batch.tokens == ids[side]).any(2).any(0)
        assert told.any()
        assert (way * (centre[told] - 15.5) > 0).all()


def test_people_kept_out_are_not_trained_on(samples, measures, config):
    inside, outside, everyone = (
        load_people(samples, measures, config.kept_out, which).rows for which in (True, False, None)
    )
    assert not set(inside) & set(outside)
    assert set(inside) | set(outside) == set(everyone)
    # Of photos nothing is known, and the second chunk is not finished.
    assert set(everyone) == {row for row in range(250) if row % 7}
    assert len(outside) > 5


def test_training_teaches_what_the_pictures_show(trained, samples, measures, config, tmp_path):
    checkpoint, losses, state = trained
    assert (losses[-10:].mean(0) < losses[:3].mean(0) - np.array([2.0, 1.0])).all()
    people = load_people(samples, measures, config.kept_out, None)
    cards = export(read_trained(checkpoint, FaceClipConfig), people, tmp_path)
    assert [card.file for card in cards] == [RESNET.name, VIT.name]
    for card, least in zip(cards, (0.8, 0.5), strict=True):
        pose = card.details["zero_shot"]["pose side"]
        assert pose["people"] > 150
        assert pose["accuracy"] > least, card.file
        assert card.details["apart"]
        clip = load_face_clip(tmp_path / card.file)
        pictures = middle_crops(people.images, people.rows[:8], SHOWN, 32)
        own = state.average.resnet if card.file == RESNET.name else state.average.vit
        with torch.no_grad():
            wanted = own.encode_image(clip.tower.normalised(pictures), normalize=True)
            found = clip.model.encode_image(clip.tower.normalised(pictures), normalize=True)
        torch.testing.assert_close(found, wanted, atol=0.01, rtol=0.01)
    path = tmp_path / VIT.name
    path.with_suffix(".json").write_text(json.dumps({"model_cfg": {}, "words": []}))
    with pytest.raises((WeightsMissing, UsageError)):
        load_face_clip(path)


def test_captions_join_in_after_the_lessons(trained, samples, measures, config):
    _, _, state = trained
    people = load_people(samples, measures, config.kept_out)
    batch = make_batch(people, face_words(config), config, np.random.default_rng(5))
    late = replace(config, lessons_first=0.5, budget_minutes=1.0)
    training, losses = FaceClipTraining(late, people), {}
    for seconds in (0.0, 29.0, 31.0):
        with torch.no_grad():
            losses[seconds] = training.loss(replace(state, seconds=seconds), batch)
    for name in ("resnet", "vit"):
        assert losses[0.0][name] == losses[29.0][name] < losses[31.0][name] - 0.5


def test_the_average_reads_its_lessons_from_its_own_encoders(trained):
    _, _, state = trained
    pictures = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        before = state.average.encode_pictures(pictures)
        state.network.encode_pictures(1 - pictures)
        after = state.average.encode_pictures(pictures)
        other = state.average.encode_pictures(1 - pictures)
    for name, encoded in before.items():
        assert torch.equal(encoded.places, after[name].places)
        assert not torch.allclose(encoded.places, other[name].places)


def test_lessons_show_crops_what_the_encoder_sees_there():
    """A map that says where its cells lie, sampled for a crop, says where the crop's cells lie."""
    across = torch.arange(9) / 9
    maps = torch.stack(torch.meshgrid(across, across, indexing="ij"))[None]
    box = torch.tensor([[0.2, 0.3, 0.5]])
    rows, columns = at_cells(maps, box, (2, 5))[0]
    torch.testing.assert_close(rows[:, 0], torch.tensor([0.3 + 0.125, 0.3 + 0.375]))
    torch.testing.assert_close(columns[0], 0.2 + 0.5 * (torch.arange(5) + 0.5) / 5)


def test_maps_are_made_of_drawn_people_and_of_their_mirror_images(samples, tmp_path):
    image = np.load(samples / "images.npy")[1]
    np.save(tmp_path / "images.npy", np.stack([image, image[:, ::-1], image]))
    np.save(tmp_path / "kind.npy", np.array([2, 2, 0], np.uint8))
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / "0").touch()
    maps = np.load(encode(tmp_path)).astype(np.float32)
    assert encode(tmp_path) == encoded_path(tmp_path)
    np.testing.assert_allclose(maps[0, 1], maps[1, 0], atol=0.02)
    np.testing.assert_allclose(maps[0, 0], maps[1, 1], atol=0.02)
    assert np.abs(maps[0, 0] - maps[0, 1]).max() > 0.2
    assert not maps[2].any(), "photos are not learned from"


def test_both_models_speak_one_language(trained):
    _, _, state = trained
    for pair in (state.network, state.average):
        assert pair.vit.token_embedding is pair.resnet.token_embedding
        assert pair.vit.text_projection is pair.resnet.text_projection


def test_figures_count_every_choice_the_same(config):
    known = {"yaw": np.array([-30.0] * 8 + [0.0, 40.0])}
    truth = answers(known, QUESTIONS["pose side"])
    assert truth.tolist() == [0] * 8 + [1, 2]

    class AlwaysLeft:
        def embed(self, pictures):
            return pictures

        def compare(self, seen, captions):
            return torch.eye(len(captions))[torch.zeros(len(seen), dtype=torch.int64)]

    missing = {
        name
        for choices in QUESTIONS.values()
        for choice in choices.values()
        for name, _, _ in choice.where
    } - known.keys()
    known |= {name: np.full(10, np.nan) for name in missing}
    known["calm"] = np.zeros(10)
    with np.errstate(invalid="ignore"):
        pose = {"pose side": QUESTIONS["pose side"]}
        found = figures_of(AlwaysLeft(), torch.zeros(10, 3, 8, 8), known, pose)["pose side"]
    assert found["accuracy"] == pytest.approx(1 / 3, abs=1e-3)
    assert found["people"] == 10
    assert found["choices"] == {"left": 1.0, "front": 0.0, "right": 0.0}
