"""The hair of a result: written, read back, and gone when the next result has none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.errors import HeadError
from ml.hair.look import Hair, HairLook
from ml.hair.strands import HAIR_NAME, Strands
from ml.results.folder import is_complete
from ml.results.reconstruction import Reconstruction, load_reconstruction, save_reconstruction
from tests.support.fake_pipeline import tiny_head


def haired() -> Reconstruction:
    count = 4
    strands = Strands(
        np.linspace(0, 0.1, count * 15, dtype=np.float32).reshape(count, 5, 3),
        np.full((count, 2), 0.5, np.float32),
        np.zeros(count, np.uint8),
        np.full((count, 3), 90, np.uint8),
        np.full(count, 1e-4, np.float32),
    )
    look = HairLook("short", (90, 60, 40), False, "stubble", True, True)
    return replace(tiny_head(Path("me.jpg")), hair=Hair(look, strands))


def test_hair_is_read_back_as_it_was_written(tmp_path):
    head = haired()
    save_reconstruction(head, tmp_path)
    assert head.hair is not None
    read = load_reconstruction(tmp_path).hair
    assert read is not None
    assert read.look == head.hair.look
    assert np.array_equal(read.strands.points, head.hair.strands.points)
    # A result that was read is written whole again.
    save_reconstruction(load_reconstruction(tmp_path), tmp_path / "again")
    assert load_reconstruction(tmp_path / "again").hair is not None


def test_the_record_says_what_the_hair_is_like(tmp_path):
    save_reconstruction(haired(), tmp_path)
    about = json.loads((tmp_path / "reconstruction.json").read_text())
    assert about["hair"] == {
        **{"length": "short", "colour": [90, 60, 40], "hat": False},
        **{"beard": "stubble", "moustache": True, "brows": True, "tied": False},
    }
    older = {name: value for name, value in about["hair"].items() if name != "tied"}
    (tmp_path / "reconstruction.json").write_text(json.dumps({**about, "hair": older}))
    read = load_reconstruction(tmp_path).hair
    assert read is not None
    assert not read.look.tied


def test_earlier_hair_does_not_stay_on_a_result_without_any(tmp_path):
    save_reconstruction(haired(), tmp_path)
    save_reconstruction(replace(haired(), hair=None), tmp_path)
    assert not (tmp_path / HAIR_NAME).exists()
    assert load_reconstruction(tmp_path).hair is None


def test_a_result_whose_hair_is_gone_or_damaged_is_not_complete(tmp_path):
    save_reconstruction(haired(), tmp_path)
    assert is_complete(tmp_path)
    (tmp_path / HAIR_NAME).write_bytes(b"PK")
    assert not is_complete(tmp_path)
    with pytest.raises(HeadError):
        load_reconstruction(tmp_path)


def test_a_record_with_damaged_hair_is_refused(tmp_path):
    save_reconstruction(haired(), tmp_path)
    path = tmp_path / "reconstruction.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"hair": {"length": "short"}}))
    with pytest.raises(HeadError, match="hair"):
        load_reconstruction(tmp_path)
