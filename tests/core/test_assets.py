"""Every asset that ships has its card, and is the file that the card describes."""

from dataclasses import replace
from pathlib import Path

import pytest

import ml
from ml.assets.card import read_card, shipped_assets, verified, write_card
from ml.errors import WeightsMissing
from ml.head.storage import load_head_model, save_head_model

ROOT = Path(ml.__file__).parent


FACTS = {
    "name": "A",
    "licence": "CC0-1.0",
    "commercial_use": True,
    "sources": ("us",),
    "command": "make",
}


def test_a_file_that_was_replaced_is_checked_again(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(b"one")
    write_card(path, **FACTS)
    assert verified(path) is verified(path)
    path.write_bytes(b"two")
    with pytest.raises(WeightsMissing, match="is not the file"):
        verified(path)
    write_card(path, **FACTS)
    assert verified(path).size == 3


def test_a_head_model_that_was_replaced_is_read_again(tmp_path):
    path, model = tmp_path / "head.npz", load_head_model()
    save_head_model(model, path)
    first = load_head_model(path)
    assert load_head_model(path) is first
    save_head_model(replace(model, version="other"), path)
    assert load_head_model(path).version == "other"


def test_every_asset_has_a_card_and_is_the_file_it_describes():
    files = {
        path for path in ROOT.glob("*/assets/*") if path.suffix in (".safetensors", ".npz", ".js")
    }
    assert set(shipped_assets()) == files
    assert len(files) >= 8
    for path in files:
        card = verified(path)
        assert card.commercial_use, path
        assert all((card.licence, card.sources, card.command)), path


def test_what_is_not_in_the_public_domain_brings_its_licence_along():
    bound = [path for path in shipped_assets() if read_card(path).licence != "CC0-1.0"]
    assert bound
    for path in bound:
        text = path.with_suffix(".LICENSE.txt").read_text(encoding="utf-8")
        assert read_card(path).licence == "Apache-2.0", path
        assert "Apache License" in text
        assert "END OF TERMS AND CONDITIONS" in text
