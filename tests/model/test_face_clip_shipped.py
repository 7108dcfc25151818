"""The face CLIP that ships, and the feature consistency loss with it."""

import json

import cv2
import numpy as np
import pytest
import torch

from ml.assets.card import read_card
from ml.errors import WeightsMissing
from ml.fitting.camera import FACING
from ml.geometry.rotations import rotation_from_vector
from ml.geometry.triangles import triangulate
from ml.head.storage import load_head_model
from ml.perception.consistency import FeatureConsistency
from ml.perception.face_clip import (
    BLOCKS,
    RESNET,
    STAGES,
    VIT,
    face_config,
    face_consistency,
    load_face_clip,
)
from ml.perception.tower import BLOCK
from ml.rendering import vertex_normals
from ml.training.config import read_config
from ml.training.perception.config import CONFIG, FaceClipConfig, face_words
from ml.training.perception.zero_shot import QUESTIONS


@pytest.fixture(scope="module")
def shipped():
    return {"resnet": load_face_clip(RESNET), "vit": load_face_clip(VIT)}


def test_what_ships_is_small_and_its_card_is_complete(shipped):
    assert sum(path.stat().st_size for path in (RESNET, VIT)) <= 12e6
    for path, layers in ((RESNET, STAGES), (VIT, [BLOCK.format(n) for n in BLOCKS])):
        card = read_card(path)
        assert card.commercial_use
        assert card.details["kept_out_people"] >= 200
        assert set(card.details["apart"]) == set(layers)
        assert card.details["zero_shot"].keys() >= {"expression", "pose side", "glasses", "age"}
        # The words in use are those that it was trained with.
        assert shipped["resnet"].words == face_words(read_config(CONFIG, FaceClipConfig))


@pytest.fixture(scope="module")
def clay():
    """Clay heads turned to the left, ahead and to the right: (3, 3, S, S)."""
    size = load_face_clip(RESNET).tower.size[0]
    model = load_head_model()
    skin = model.part_names.index("skin")
    triangles = triangulate(model.quads[model.part == skin])
    pictures = []
    for yaw in (-50, 0, 50):
        seen = model.shape.mean @ (FACING @ rotation_from_vector(np.radians([0, yaw, 0]))).T
        normals = vertex_normals(seen.astype(np.float32), triangles)
        light = np.clip(normals @ [0.2, -0.5, -0.84], 0.1, 1)
        pictures.append(painted(seen, triangles, light, size))
    return torch.from_numpy(np.stack(pictures)).float()


def painted(seen, triangles, light, size) -> np.ndarray:
    """Triangles from back to front, in one skin colour: (3, size, size) in 0..1."""
    canvas = np.full((4 * size, 4 * size, 3), 0.4, np.float32)
    places = seen[:, :2] / 0.26 * 4 * size + 2 * size
    for corners in triangles[np.argsort(-seen[triangles, 2].mean(1))]:
        colour = light[corners].mean() * np.array([0.85, 0.66, 0.55])
        cv2.fillConvexPoly(canvas, places[corners].round().astype(np.int32), colour.tolist())
    return cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA).transpose(2, 0, 1)


def test_the_convolutional_one_tells_how_heads_are_turned(shipped, clay):
    sides = [choice.captions for choice in QUESTIONS["pose side"].values()]
    chances = shipped["resnet"].choose(clay, sides)
    torch.testing.assert_close(chances.sum(1), torch.ones(3))
    assert chances[0, 0] > chances[2, 0]
    assert chances[2, 2] > chances[0, 2]
    # Left or right, of the two that are turned.
    assert chances[0, 0] > chances[0, 2]
    assert chances[2, 2] > chances[2, 0]


@pytest.mark.parametrize("which", ["resnet", "vit"])
def test_what_ships_tells_skins_apart(shipped, clay, which):
    skins = [choice.captions for choice in QUESTIONS["skin"].values()]
    first, last = (
        float(shipped[which].choose(clay * shade, skins)[:, 0].mean()) for shade in (1.0, 0.35)
    )
    lighter = "pale" in " ".join(skins[0])
    assert (first > last) == lighter
    assert abs(first - last) > 0.1


def test_the_loss_works_with_what_ships(clay):
    loss = face_consistency()
    assert isinstance(loss, FeatureConsistency)
    assert [name for name, _ in loss.config.stages] == list(STAGES)
    photo, render = clay[:1], clay[2:].clone().requires_grad_()
    mask = torch.ones(1, 1, *photo.shape[-2:])
    generator = torch.Generator().manual_seed(0)
    target = loss.target(photo, mask, generator)
    apart = loss.compare(render, target)
    (slope,) = torch.autograd.grad(apart.total, render)
    assert slope.abs().sum() > 0
    assert float(loss.compare(photo, target).total) < 1e-4
    # Weighted so that two people cost about 1 in each half, whatever the layers' scale.
    for half in (apart.geometric, apart.semantic):
        assert 0.1 < float(half.detach()) < 4
    # A blurred photo is nearer to itself than another pose is, and not equal.
    blurred = torch.nn.functional.avg_pool2d(photo, 5, 1, 2)
    assert 1e-3 < float(loss.compare(blurred, target).total) < float(apart.total.detach())


def test_a_card_without_distances_is_refused(tmp_path, monkeypatch):
    import ml.perception.face_clip as room

    card = json.loads(RESNET.with_suffix(".card.json").read_text())
    del card["details"]["apart"]
    (tmp_path / RESNET.name).write_bytes(b"")
    (tmp_path / "face_resnet.card.json").write_text(json.dumps(card))
    monkeypatch.setattr(room, "RESNET", tmp_path / RESNET.name)
    with pytest.raises(WeightsMissing, match="how far apart"):
        face_config()
