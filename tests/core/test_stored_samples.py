"""Samples on disk: what is written comes back, and folders are never mixed."""

import numpy as np
import pytest

from ml.data import HeadCoefficients
from ml.errors import UsageError
from ml.head.mirror import Mirror
from ml.training.data.augment import flip
from ml.training.data.people.traits import TRAIT_NAMES, Traits
from ml.training.data.stored import (
    CHUNK,
    RENDER,
    Sample,
    Sizes,
    bumps_of,
    chunks,
    finished_rows,
    labels_of,
    make_arrays,
    mark_finished,
    open_samples,
    store,
    write_meta,
)

SIZES = Sizes(picture=16, points=11, identity=4, expression=3, drawn=5)


def sample_of(seed):
    rng = np.random.default_rng(seed)
    return Sample(
        rng.integers(0, 256, (16, 16, 3)).astype(np.uint8),
        rng.normal(size=(11, 2)).astype(np.float32),
        rng.integers(0, 2, 11).astype(np.float32),
        rng.random(11) < 0.5,
        HeadCoefficients(np.arange(4, dtype=np.float32), np.ones(3, np.float32)),
        np.eye(3, dtype=np.float32),
        (1, 0.5, 1, 1),
        RENDER,
        rng.normal(0, 1e-3, (5, 3)).astype(np.float32),
        rng.normal(0, 1e-3, (11, 6)).astype(np.float32),
        Traits(hat=2.0),
    )


def test_a_sample_comes_back(tmp_path):
    arrays = make_arrays(tmp_path, 3, SIZES)
    kept = sample_of(1)
    store(arrays, 2, kept)
    labels = labels_of(open_samples(tmp_path), np.array([0, 2]))
    np.testing.assert_array_equal(labels["visible"], [np.zeros(11), kept.visible])
    np.testing.assert_array_equal(labels["points"][1], kept.points)
    np.testing.assert_array_equal(labels["identity"][1], [0, 1, 2, 3])
    np.testing.assert_array_equal(labels["supervision"][1], [1, 0.5, 1, 1])
    np.testing.assert_array_equal(open_samples(tmp_path)["images"][2], kept.image)
    folds = np.load(tmp_path / "folds.npy")[2]
    np.testing.assert_allclose(folds, 1000 * kept.folds, atol=2e-3)
    bumps = bumps_of(open_samples(tmp_path), np.array([0, 2]))[1]
    np.testing.assert_allclose(bumps[:, :3], 1000 * kept.bumps[:, :3], atol=2e-3)
    np.testing.assert_allclose(bumps[:, 3:], kept.bumps[:, 3:], atol=2e-5)
    traits = dict(zip(TRAIT_NAMES, np.load(tmp_path / "traits.npy")[2], strict=True))
    assert traits["hat"] == 2
    assert np.isnan(traits["glasses"])


def test_only_folded_people_have_folds(tmp_path):
    make_arrays(tmp_path, 1, Sizes(16, 11, 4, 3, drawn=0))
    assert not (tmp_path / "folds.npy").exists()
    bumps = bumps_of(open_samples(tmp_path), np.array([0]))
    np.testing.assert_array_equal(bumps, np.zeros((1, 11, 6)))


def test_bumps_are_mirrored_with_their_sample(tmp_path):
    arrays = make_arrays(tmp_path, 1, SIZES)
    store(arrays, 0, sample_of(1))
    stored, rows = open_samples(tmp_path), np.array([0])
    labels = labels_of(stored, rows) | {"bumps": bumps_of(stored, rows)}
    before = labels["bumps"][0].copy()
    other = np.arange(11)[::-1]
    mirror = Mirror(other, np.arange(3), np.ones(4, np.float32))
    flip(labels, 0, mirror, 16)
    np.testing.assert_array_equal(labels["bumps"][0], before[other] * [-1, 1, 1, -1, 1, 1])


def test_a_folder_holds_one_kind_of_samples(tmp_path):
    make_arrays(tmp_path, 3, SIZES)
    with pytest.raises(UsageError, match=r"this run needs \(4, 16, 16, 3\)"):
        make_arrays(tmp_path, 4, SIZES)
    write_meta(tmp_path, {"seed": 1, "count": 3})
    write_meta(tmp_path, {"seed": 1, "count": 3})
    with pytest.raises(UsageError, match="made with another seed"):
        write_meta(tmp_path, {"seed": 2, "count": 3})


def test_finished_chunks_can_be_read_while_others_are_made(tmp_path):
    (tmp_path / "done").mkdir()
    count = 2 * CHUNK + 7
    first, _, last = chunks(count)
    mark_finished(tmp_path, last)
    mark_finished(tmp_path, first)
    expected = [*range(CHUNK), *range(2 * CHUNK, count)]
    np.testing.assert_array_equal(finished_rows(tmp_path, count), expected)
