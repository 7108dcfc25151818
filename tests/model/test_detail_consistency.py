"""The relief's strength by feature consistency, with the face CLIP that ships."""

import json
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data as pictures

from ml.detail.band import in_band
from ml.detail.consistency import STRENGTHS, choose_strength
from ml.detail.relief import Relief
from ml.detail.rerender import make_scene
from ml.detail.window import SIDE, window_of
from ml.errors import EngineUnavailable, WeightsMissing
from ml.head.storage import load_head_model
from ml.perception.choice import PAPER, chosen_consistency
from ml.perception.clip import open_clip_module
from ml.pipeline.single import reconstruct
from ml.settings import Settings
from tests.support.lit_head import lit_photo

MODEL = load_head_model()
SIDEWAYS = np.float32([3.0, -0.4, -0.7, -1.4, 0, 0, 0, 0, 0])


@pytest.fixture(scope="module")
def loss():
    return chosen_consistency()


@pytest.fixture(scope="module")
def height():
    """(S, S) mm: folds and lumps all over the face, a tenth of a millimetre high."""
    window = window_of(MODEL)
    noise = np.random.default_rng(3).normal(size=(SIDE, SIDE)).astype(np.float32)
    found = in_band(noise, window.skin.astype(np.float32), 4.0, 12.0) * window.allowed
    return found * np.float32(0.1 / found.std())


def scene_of(height):
    """The mean head with this relief, photographed in light from the side."""
    weight = np.asarray(window_of(MODEL).allowed, np.float32)
    view = lit_photo(height, light=SIDEWAYS, crease=0.3)
    return make_scene(view, MODEL, Relief(height, weight))


@pytest.mark.parametrize("strength", STRENGTHS)
def test_the_strength_that_the_photo_was_made_with_is_chosen(loss, height, strength):
    """Twice: the same photo gives the same strength and the same distances."""
    scene = scene_of(strength * height)
    choice = choose_strength(height, [scene], loss, "face")
    assert choice.strength == strength
    assert choice == choose_strength(height, [scene], loss, "face")


def test_photos_of_one_person_choose_together(loss, height):
    weak, strong = (choose_strength(height, [scene_of(s * height)], loss, "") for s in (0.5, 2.0))
    both = choose_strength(height, [scene_of(0.5 * height), scene_of(2.0 * height)], loss, "")
    np.testing.assert_allclose(both.total, np.mean([weak.total, strong.total], 0), rtol=1e-5)


def test_what_is_not_seen_keeps_its_strength(loss, height):
    nothing = np.zeros((SIDE, SIDE), np.float32)
    assert make_scene(lit_photo(), MODEL, Relief(height, nothing)) is None
    for choice in (
        choose_strength(height, [], loss, "face"),
        choose_strength(nothing, [scene_of(height)], loss, "face"),
    ):
        assert choice.strength == 1
        assert choice.to_json()["strengths"] == choice.to_json()["total"] == []


def test_a_head_has_the_chosen_relief_and_says_how_it_was_chosen(tmp_path):
    path = tmp_path / "astronaut.png"
    Image.fromarray(pictures.astronaut()).save(path)
    plain, chosen = (
        reconstruct(path, Settings(texture_size=0, detail=mode))[0]
        for mode in ("relief", "consistent")
    )
    about = chosen.to_json()
    made = about["detail_strength"]
    assert about["detail"] == "consistent"
    assert made["clip"] == "face"
    assert made["strengths"][int(np.argmin(made["total"]))] == made["chosen"] != 1
    wanted = np.float32(made["chosen"]) * plain.detail.offsets
    np.testing.assert_allclose(chosen.detail.offsets, wanted, atol=2e-6)
    assert "detail_strength" not in plain.to_json()


@pytest.fixture
def nothing_loaded():
    chosen_consistency.cache_clear()
    yield
    chosen_consistency.cache_clear()


def test_without_open_clip_the_extras_are_named(tmp_path, monkeypatch, nothing_loaded):
    """Before a face is looked for: there is none."""
    monkeypatch.setitem(sys.modules, "open_clip", None)
    path = tmp_path / "grey.png"
    Image.new("RGB", (300, 300), "grey").save(path)
    with pytest.raises(EngineUnavailable, match="open_clip") as caught:
        reconstruct(path, Settings(detail="consistent"))
    assert "Extras" in caught.value.hint


@pytest.mark.parametrize("named", [True, False])
def test_missing_weights_are_named_with_the_remedy(tmp_path, monkeypatch, nothing_loaded, named):
    monkeypatch.setattr("ml.perception.clip._in_cache", lambda place, cache: None)
    with pytest.raises(WeightsMissing, match="RN101") as caught:
        chosen_consistency("openai", str(tmp_path) if named else "")
    assert "--clip-folder" in caught.value.hint
    assert not named or str(tmp_path / "RN101.pt") in caught.value.message


def test_the_paper_s_clips_are_loaded_from_a_folder(tmp_path, monkeypatch, nothing_loaded, height):
    """Small models of both kinds under the paper's names; open_clip itself loads them."""
    text = {"context_length": 8, "vocab_size": 50, "width": 64, "heads": 1, "layers": 1}
    sizes = (
        {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None},
        {"image_size": 64, "layers": 12, "width": 64, "patch_size": 16},
    )
    open_clip = open_clip_module()
    for name, vision in zip(PAPER, sizes, strict=True):
        config = {"embed_dim": 32, "vision_cfg": vision, "text_cfg": text}
        name = f"small-{name}"
        (tmp_path / f"{name}-quickgelu.json").write_text(json.dumps(config))
        torch.save(open_clip.CLIP(**config).state_dict(), tmp_path / f"{name}.pt")
    open_clip.add_model_config(tmp_path)
    monkeypatch.setattr("ml.perception.choice.PAPER", tuple(f"small-{name}" for name in PAPER))
    loss = chosen_consistency("openai", str(tmp_path))
    choice = choose_strength(height, [scene_of(height)], loss, "openai")
    assert choice.strength == 1
    assert min(choice.geometric + choice.semantic) > 0
    (tmp_path / "small-RN101.pt").write_bytes(b"no checkpoint")
    chosen_consistency.cache_clear()
    with pytest.raises(WeightsMissing, match=r"small-RN101\.pt is damaged"):
        chosen_consistency("openai", str(tmp_path))
