"""Strands of hair and their file."""

import numpy as np
import pytest

from ml.hair.strands import KINDS, Strands, read_strands, write_strands


def some(count=5):
    rng = np.random.default_rng(3)
    return Strands(
        rng.normal(0, 0.1, (count, 4, 3)).astype(np.float32),
        rng.random((count, 2), np.float32),
        (np.arange(count) % len(KINDS)).astype(np.uint8),
        rng.integers(0, 255, (count, 3)).astype(np.uint8),
        np.full(count, 8e-5, np.float32),
    )


def test_a_file_gives_back_what_was_written(tmp_path):
    strands = some()
    write_strands(tmp_path / "hair.npz", strands)
    read = read_strands(tmp_path / "hair.npz")
    for name, value in vars(strands).items():
        assert np.array_equal(getattr(read, name), value), name


def test_kinds_are_chosen_by_name():
    chosen = some().of("scalp", "beard")
    assert chosen.kind.tolist() == [0, 2, 0]
    assert len(chosen.points) == 3
    with pytest.raises(ValueError, match="tail"):
        some().of("tail")


def test_a_file_without_strands_is_refused_by_name(tmp_path):
    np.savez(tmp_path / "hair.npz", points=np.zeros((1, 2, 3)))
    with pytest.raises(ValueError, match=r"hair\.npz holds no strands: root_uv"):
        read_strands(tmp_path / "hair.npz")


def test_arrays_that_do_not_fit_together_are_refused():
    parts = vars(some())
    with pytest.raises(ValueError, match="colour has shape"):
        Strands(**{**parts, "colour": parts["colour"][:2]})
    with pytest.raises(ValueError, match="kind 9"):
        Strands(**{**parts, "kind": np.full(5, 9, np.uint8)})
