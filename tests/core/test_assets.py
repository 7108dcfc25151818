"""Every asset that ships has its card, and is the file that the card describes."""

from pathlib import Path

import ml
from ml.assets.card import shipped_assets, verified

ROOT = Path(ml.__file__).parent


def test_every_asset_has_a_card_and_is_the_file_it_describes():
    files = {path for path in ROOT.glob("*/assets/*") if path.suffix in (".safetensors", ".npz")}
    assert set(shipped_assets()) == files
    assert len(files) >= 8
    for path in files:
        card = verified(path)
        assert card.commercial_use, path
        assert all((card.licence, card.sources, card.command)), path
