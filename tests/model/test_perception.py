"""CLIP models through open_clip's own loading, their features, and the loss made of them."""

import hashlib
import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from ml.assets.card import write_card
from ml.errors import UsageError, WeightsMissing
from ml.perception.clip import CONFIG_DIGEST, ClipSource, carded, load_clip
from ml.perception.consistency import ConsistencyConfig, FeatureConsistency
from ml.perception.torchvision_shim import ensure_torchvision
from ml.perception.tower import BLOCK, ImageTower
from ml.perception.views import ViewSettings, draw_views, through_views

ensure_torchvision()
import open_clip  # noqa: E402  # only now can torchvision be imported everywhere

SIDE = 64
TEXT = {"context_length": 8, "vocab_size": 50, "width": 64, "heads": 1, "layers": 1}
CONFIGS = {
    "tiny-resnet": {
        "embed_dim": 32,
        "vision_cfg": {"image_size": SIDE, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None},
        "text_cfg": TEXT,
    },
    "tiny-vit": {
        "embed_dim": 32,
        "vision_cfg": {"image_size": SIDE, "layers": 3, "width": 64, "patch_size": 16},
        "text_cfg": TEXT,
    },
}
PLAIN = ViewSettings(count=1)
LAYERS = ConsistencyConfig(
    stages=(("layer1", 0.7), ("layer2", 0.2)), blocks=((0, 0.5), (2, 0.3)), views=PLAIN
)


def random_clip(name: str, seed: int) -> torch.nn.Module:
    """open_clip's class with all numbers random: its own start leaves branches at zero."""
    torch.manual_seed(seed)
    model = open_clip.CLIP(**CONFIGS[name])
    for key, value in model.state_dict().items():
        if key.endswith("running_var") or (".bn" in key and key.endswith("weight")):
            value.uniform_(0.5, 1.5)
        elif value.dim() == 4:
            value.normal_(std=(2 / value[0].numel()) ** 0.5)
        elif value.is_floating_point() and value.dim() < 2:
            value.normal_(std=0.2)
    return model.eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Random checkpoints of both small models, and their configs where open_clip finds them."""
    folder = tmp_path_factory.mktemp("clips")
    for seed, (name, config) in enumerate(CONFIGS.items()):
        (folder / f"{name}.json").write_text(json.dumps(config))
        model = random_clip(name, seed)
        torch.save(model.state_dict(), folder / f"{name}.pt")
        save_file(model.state_dict(), folder / f"{name}.safetensors")
    open_clip.add_model_config(folder)
    return folder


@pytest.fixture(scope="module")
def towers(folder) -> dict[str, ImageTower]:
    return {
        name: ImageTower(load_clip(ClipSource(name, folder / f"{name}.pt"))) for name in CONFIGS
    }


@pytest.fixture
def pictures() -> torch.Tensor:
    return torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_way_to_load_gives_the_same_model(folder, name, pictures):
    expected = random_clip(name, list(CONFIGS).index(name)).encode_image(pictures)
    (folder / "whole.json").write_text(json.dumps({"model_cfg": CONFIGS[name]}))
    write_card(
        folder / f"{name}.safetensors",
        name=name,
        licence="CC0-1.0",
        commercial_use=True,
        sources=(),
        command="",
        details={CONFIG_DIGEST: hashlib.sha256((folder / f"{name}.json").read_bytes()).hexdigest()},
    )
    for source in (
        ClipSource(name, folder / f"{name}.pt"),
        ClipSource(name, folder / f"{name}.safetensors"),
        ClipSource(CONFIGS[name], folder / f"{name}.pt"),
        ClipSource(folder / "whole.json", folder / f"{name}.safetensors"),
        carded(folder / f"{name}.safetensors"),
    ):
        model = load_clip(source)
        torch.testing.assert_close(model.encode_image(pictures), expected)
        assert not model.training
        assert not any(parameter.requires_grad for parameter in model.parameters())
        assert model.visual.image_mean == open_clip.OPENAI_DATASET_MEAN
    assert CONFIGS[name].keys() == {"embed_dim", "vision_cfg", "text_cfg"}  # left as they were


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("name", CONFIGS)
def test_openai_s_archives_load(folder, name, pictures):
    model = random_clip(name, 3).half().float()  # theirs hold half precision
    mask = model.attn_mask
    del model.attn_mask  # theirs hold it as a constant
    model.attn_mask = mask
    archive = torch.jit.trace(model, (pictures[:1], torch.zeros(1, 8, dtype=torch.long)))
    torch.jit.save(archive, folder / "archive.pt")
    loaded = load_clip(ClipSource(name, folder / "archive.pt"))
    assert isinstance(loaded, open_clip.CLIP)
    assert loaded.visual.conv1.weight.dtype == torch.float32
    for key, value in loaded.visual.state_dict().items():
        torch.testing.assert_close(value, model.visual.state_dict()[key], msg=key)
    tower = ImageTower(loaded)
    assert tower.size == (SIDE, SIDE)


def test_a_config_may_have_its_own_normalisation(folder):
    config = {"model_cfg": CONFIGS["tiny-vit"], "preprocess_cfg": {"mean": [0.5] * 3}}
    model = load_clip(ClipSource(config, folder / "tiny-vit.pt"))
    assert model.visual.image_mean == [0.5] * 3
    assert model.visual.image_std == open_clip.OPENAI_DATASET_STD


def test_nothing_runs_on_random_or_foreign_weights(folder):
    broken = folder / "broken.safetensors"
    broken.write_bytes(b"not a checkpoint")
    torch.save({}, folder / "empty.pt")
    for source in (
        ClipSource("tiny-vit"),
        ClipSource("tiny-vit", folder / "absent.pt"),
        ClipSource("tiny-vit", folder / "tiny-resnet.pt"),
        ClipSource(CONFIGS["tiny-vit"], folder / "tiny-resnet.pt"),
        ClipSource("tiny-vit", broken),
        ClipSource("tiny-vit", folder / "empty.pt"),
        ClipSource(folder / "absent.json", folder / "tiny-vit.pt"),
    ):
        with pytest.raises(WeightsMissing) as error:
            load_clip(source)
        assert error.value.hint


def test_a_card_guards_its_weights(folder, tmp_path):
    weights = tmp_path / "altered.safetensors"
    weights.write_bytes((folder / "tiny-vit.safetensors").read_bytes())
    with pytest.raises(WeightsMissing, match="card"):
        carded(weights)
    facts = {"name": "", "licence": "", "commercial_use": True, "sources": (), "command": ""}
    config = weights.with_suffix(".json")
    config.write_text("{}")
    write_card(weights, **facts, details={CONFIG_DIGEST: hashlib.sha256(b"{}").hexdigest()})
    assert carded(weights).weights == weights
    config.write_text("{ }")
    with pytest.raises(WeightsMissing, match=r"altered\.json is not the file"):
        carded(weights)
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsMissing, match="not the file"):
        carded(weights)


def test_wrong_requests_say_what_there_is(folder):
    remote = {**CONFIGS["tiny-vit"], "text_cfg": {"hf_model_name": "someone/model"}}
    path = folder / "tiny-vit.pt"
    for source, message in (
        (ClipSource("crayon", path), "crayon"),
        (ClipSource("ViT-B-32", tag="crayon"), "crayon"),
        (ClipSource(CONFIGS["tiny-vit"], tag="openai"), "config"),
        (ClipSource({"embed_dim": 3}, path), "config"),
        (ClipSource(remote, path), "network"),
    ):
        with pytest.raises(UsageError, match=message):
            load_clip(source)


@pytest.fixture
def published(folder, monkeypatch):
    """tiny-vit as if it were published; returns the list of its downloads."""
    facts = {"hf_hub": "someone/tiny/", "quick_gelu": True, "mean": (0.1, 0.2, 0.3)}
    fetched = []

    def download(*_args, **_more):
        fetched.append(1)
        return str(folder / "tiny-vit.safetensors")

    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda *_: facts)
    monkeypatch.setattr(open_clip, "download_pretrained", download)
    return fetched


def test_a_download_needs_agreement(published, tmp_path):
    source = ClipSource("tiny-vit", tag="public")
    with pytest.raises(WeightsMissing, match="not on this computer"):
        load_clip(source, cache=tmp_path)
    assert not published
    model = load_clip(source, cache=tmp_path, allow_download=True)
    assert published == [1]
    assert model.visual.image_mean == (0.1, 0.2, 0.3)
    assert isinstance(model.visual.transformer.resblocks[0].mlp.gelu, open_clip.model.QuickGELU)


def test_what_was_downloaded_before_is_used_without_asking(published, folder, tmp_path):
    repository = tmp_path / "models--someone--tiny"
    snapshot = repository / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    content = (folder / "tiny-vit.safetensors").read_bytes()
    (snapshot / "open_clip_model.safetensors").write_bytes(content)
    load_clip(ClipSource("tiny-vit", tag="public"), cache=tmp_path)
    assert not published


def test_a_failed_download_says_so(published, monkeypatch, tmp_path):
    def fail(*_args, **_more):
        raise FileNotFoundError("no route")

    monkeypatch.setattr(open_clip, "download_pretrained", fail)
    with pytest.raises(WeightsMissing, match="no route"):
        load_clip(ClipSource("tiny-vit", tag="public"), cache=tmp_path, allow_download=True)


def test_the_paper_s_layers_exist_in_the_paper_s_models():
    for name, layers in (
        ("RN101", [stage for stage, _ in ConsistencyConfig().stages]),
        ("ViT-B-32-quickgelu", [BLOCK.format(n) for n, _ in ConsistencyConfig().blocks]),
    ):
        with torch.device("meta"):
            model = open_clip.CLIP(**open_clip.get_model_config(name))
        assert set(layers) <= dict(model.visual.named_modules()).keys()
        assert open_clip.get_pretrained_cfg(name, "openai")


def normalised(pictures: torch.Tensor) -> torch.Tensor:
    mean, std = (
        torch.tensor(values).view(3, 1, 1)
        for values in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)
    )
    return (pictures - mean) / std


def test_stages_are_open_clip_s_own(towers, folder, pictures):
    visual = load_clip(ClipSource("tiny-resnet", folder / "tiny-resnet.pt")).visual
    found = towers["tiny-resnet"].features(pictures, ["layer2", "layer1", "layer4"])
    own = visual.forward_intermediates(normalised(pictures))
    for index, name in ((1, "layer1"), (2, "layer2"), (4, "layer4")):
        torch.testing.assert_close(found[name], own["image_intermediates"][index])
    torch.testing.assert_close(visual.attnpool(found["layer4"]), visual(normalised(pictures)))


def test_tokens_are_open_clip_s_own(towers, folder, pictures):
    visual = load_clip(ClipSource("tiny-vit", folder / "tiny-vit.pt")).visual
    names = [BLOCK.format(number) for number in range(3)]
    found = towers["tiny-vit"].features(pictures, names)
    own = visual.forward_intermediates(normalised(pictures), output_fmt="NCHW")
    for name, expected in zip(names, own["image_intermediates"], strict=True):
        assert expected.shape == (2, 64, 4, 4)
        torch.testing.assert_close(found[name], expected)


def test_normalisation_is_that_of_open_clip_s_own_preprocessing(towers):
    photo = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    prepare = open_clip.image_transform(SIDE, is_train=False)
    seen = []
    tower = towers["tiny-vit"]
    hook = tower._modules["conv1"].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    plain = torch.from_numpy(photo).permute(2, 0, 1)[None].float() / 255
    view = through_views(plain, draw_views(PLAIN, 1, generator()), tower.size)
    tower.features(view, [BLOCK.format(0)])
    hook.remove()
    torch.testing.assert_close(seen[0][0], prepare(Image.fromarray(photo)), atol=1e-4, rtol=1e-4)


def test_later_layers_are_not_computed_and_hooks_are_removed(towers, pictures):
    tower = towers["tiny-resnet"]
    reached = []
    hook = tower._modules["layer3"].register_forward_hook(lambda *_: reached.append(1))
    tower.features(pictures, ["layer1", "layer2"])
    assert not reached
    with pytest.raises(RuntimeError):
        tower.features(pictures[:, :2], ["layer3"])
    hook.remove()
    assert not any(module._forward_hooks for module in tower._modules.values())


def test_unknown_layers_and_sizes_are_refused(towers, pictures):
    with pytest.raises(UsageError, match="layer9") as error:
        towers["tiny-resnet"].features(pictures, ["layer9"])
    assert "layer2" in error.value.hint
    with pytest.raises(UsageError, match="takes pictures"):
        towers["tiny-vit"].features(pictures[..., :32], [BLOCK.format(0)])


def loss_of(towers, config=LAYERS) -> FeatureConsistency:
    return FeatureConsistency(towers["tiny-resnet"], towers["tiny-vit"], config)


def test_the_loss_is_what_its_formula_says(towers, pictures):
    photo, render = pictures, pictures.flip(0)
    mask = torch.zeros(2, 1, SIDE, SIDE)
    mask[:, :, 16:48, :32] = 1
    found = loss_of(towers)(render, photo, mask, generator())
    shown = torch.where(mask > 0, render, photo)
    layers = {"tiny-resnet": ["layer1", "layer2"], "tiny-vit": [BLOCK.format(0), BLOCK.format(2)]}
    a, b = (
        {
            **towers["tiny-resnet"].features(x, layers["tiny-resnet"]),
            **towers["tiny-vit"].features(x, layers["tiny-vit"]),
        }
        for x in (shown, photo)
    )
    # The mask's borders are the borders of every map's cells, so that plain slices will do.
    geometric = sum(
        weight * (a[name] - b[name])[:, :, n // 4 : 3 * n // 4, : n // 2].square().mean()
        for name, weight, n in (("layer1", 0.7, 16), ("layer2", 0.2, 8))
    )
    semantic = sum(
        weight * (1 - torch.cosine_similarity(a[name], b[name], dim=1)[:, 1:3, :2]).mean()
        for name, weight in ((BLOCK.format(0), 0.5), (BLOCK.format(2), 0.3))
    )
    torch.testing.assert_close(found.geometric, geometric, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found.semantic, semantic, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found.total, 0.5 * geometric + 0.5 * semantic, rtol=1e-4, atol=1e-6)
    assert found.layers.keys() == {*layers["tiny-resnet"], *layers["tiny-vit"]}
    assert found.geometric > 0.01
    assert found.semantic > 0.01


def test_equal_pictures_cost_nothing_in_any_view(towers, pictures):
    config = ConsistencyConfig(stages=LAYERS.stages, blocks=LAYERS.blocks)
    mask = torch.ones(2, 1, SIDE, SIDE)
    found = loss_of(towers, config)(pictures, pictures, mask, generator())
    assert float(found.total.abs()) < 1e-5
    assert (
        float(loss_of(towers, config)(pictures.flip(0), pictures, mask, generator()).total) > 0.01
    )


def test_what_is_masked_has_no_say(towers, pictures):
    mask = torch.zeros(2, 1, SIDE, SIDE)
    mask[0, :, 8:40, 8:40] = 1
    mask.requires_grad_()
    config = ConsistencyConfig(stages=LAYERS.stages, blocks=LAYERS.blocks)
    render = pictures.flip(0).requires_grad_()
    found = loss_of(towers, config)(render, pictures, mask, generator())
    slope, to_mask = torch.autograd.grad(found.total, (render, mask), allow_unused=True)
    assert to_mask is None
    assert (slope[1] == 0).all()
    assert (slope[0] * (1 - mask[0]) == 0).all()
    assert (slope[0, :, 8:40, 8:40] != 0).float().mean() > 0.9
    changed = torch.where(mask > 0, render, torch.rand(2, 3, SIDE, SIDE))
    same = loss_of(towers, config)(changed, pictures, mask, generator())
    torch.testing.assert_close(same.total, found.total)


def test_an_empty_mask_is_no_loss_and_no_gradient(towers, pictures):
    render = pictures.flip(0).requires_grad_()
    found = loss_of(towers)(render, pictures, torch.zeros(2, 1, SIDE, SIDE), generator())
    (slope,) = torch.autograd.grad(found.total, render)
    assert float(found.total.detach()) == 0
    assert (slope == 0).all()


def test_gradients_are_those_of_finite_differences(towers, pictures):
    loss = loss_of(towers, ConsistencyConfig(stages=LAYERS.stages, blocks=LAYERS.blocks))
    target = loss.target(pictures, torch.ones(2, 1, SIDE, SIDE), generator())
    render = (0.5 * pictures + 0.5 * pictures.flip(0)).requires_grad_()
    (slope,) = torch.autograd.grad(loss.compare(render, target).total, render)
    way = slope / slope.norm()
    with torch.no_grad():
        ahead, behind = (loss.compare(render + step * way, target).total for step in (0.02, -0.02))
    assert float((ahead - behind) / 0.04) == pytest.approx(float(slope.norm()), rel=0.02)


def test_descending_the_loss_approaches_the_photo(towers, pictures):
    loss = loss_of(towers)
    target = loss.target(pictures, torch.ones(2, 1, SIDE, SIDE), generator())
    render = torch.full_like(pictures, 0.5).requires_grad_()
    optimiser = torch.optim.Adam([render], 0.02)
    begin = float(loss.compare(render, target).total.detach())
    for _ in range(40):
        optimiser.zero_grad()
        loss.compare(render, target).total.backward()
        optimiser.step()
    assert float(loss.compare(render, target).total.detach()) < 0.5 * begin
    assert (render - pictures).abs().mean() < (0.5 - pictures).abs().mean()


def test_views_come_from_the_generator_alone(towers, pictures):
    loss = loss_of(towers, ConsistencyConfig(stages=LAYERS.stages, blocks=LAYERS.blocks))
    mask = torch.ones(2, 1, SIDE, SIDE)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, again, other = (
        loss(pictures.flip(0), pictures, mask, generator(seed)).total for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_target_may_be_kept(towers, pictures):
    loss, mask = loss_of(towers), torch.ones(2, 1, SIDE, SIDE)
    target = loss.target(pictures, mask, generator())
    whole = loss(pictures.flip(0), pictures, mask, generator())
    assert torch.equal(loss.compare(pictures.flip(0), target).total, whole.total)


def test_autocast_does_not_touch_it(towers, pictures):
    mask = torch.ones(2, 1, SIDE, SIDE)
    plain = loss_of(towers)(pictures.flip(0), pictures, mask, generator()).total
    with torch.autocast("cpu", torch.bfloat16):
        mixed = loss_of(towers)(pictures.flip(0), pictures, mask, generator()).total
    torch.testing.assert_close(plain, mixed)


def test_a_half_without_weight_needs_no_model(towers, pictures):
    config = ConsistencyConfig(geometric=1.0, semantic=0.0, stages=LAYERS.stages, views=PLAIN)
    loss = FeatureConsistency(towers["tiny-resnet"], None, config)
    found = loss(pictures.flip(0), pictures, torch.ones(2, 1, SIDE, SIDE), generator())
    assert found.total == found.geometric > 0
    with pytest.raises(UsageError, match="semantic"):
        FeatureConsistency(towers["tiny-resnet"], None, LAYERS)
    with pytest.raises(UsageError, match="resblocks"):
        loss_of(towers, ConsistencyConfig(stages=LAYERS.stages))  # the tiny one has no block 11


def test_masks_must_fit(towers, pictures):
    for mask in (torch.ones(2, 1, 32, 32), torch.ones(1, 1, SIDE, SIDE), pictures):
        with pytest.raises(UsageError, match="mask"):
            loss_of(towers)(pictures, pictures, mask, generator())


def test_views_stay_inside_and_differ():
    settings = ViewSettings(count=50, least_side=0.5, bend=0.5)
    views = draw_views(settings, 4, generator())
    assert torch.equal(views[0], torch.eye(3).expand(4, 3, 3))
    grid = torch.cartesian_prod(torch.linspace(-1, 1, 9), torch.linspace(-1, 1, 9))
    turned = torch.cat([grid, torch.ones(81, 1)], 1) @ views.transpose(2, 3)
    places = turned[..., :2] / turned[..., 2:]
    assert (turned[..., 2] > 0).all()
    assert float(places.abs().max()) <= 1 + 1e-5
    sides = (places[..., -1, :] - places[..., 0, :])[1:]
    assert float(sides.std()) > 0.1
    assert len(torch.unique(views[1:].reshape(-1, 9), dim=0)) == 49 * 4


def test_views_show_the_places_that_they_say():
    settings = ViewSettings(count=6, whole=False, least_side=0.6, bend=0.3)
    views = draw_views(settings, 2, generator())
    centres = (torch.arange(48) + 0.5) / 24 - 1
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    seen = through_views(torch.stack([x, y])[None].repeat(2, 1, 1, 1), views, (20, 24))
    assert seen.shape == (12, 2, 20, 24)
    # The view's pixel in row 8, column 15, of the second picture in the third view.
    place = views[2, 1] @ torch.tensor([15.5 / 12 - 1, 8.5 / 10 - 1, 1])
    torch.testing.assert_close(seen[5, :, 8, 15], place[:2] / place[2], atol=1e-3, rtol=0)


def test_large_pictures_are_averaged_not_skipped():
    fine = torch.zeros(1, 1, 256, 256)
    fine[..., ::2] = 1  # stripes of one pixel
    seen = through_views(fine, draw_views(PLAIN, 1, generator()), (32, 32))
    assert float((seen - 0.5).abs().max()) < 0.05


def test_views_refuse_nonsense():
    for settings in (ViewSettings(count=0), ViewSettings(least_side=0), ViewSettings(bend=0.9)):
        with pytest.raises(UsageError, match="Views"):
            draw_views(settings, 1, generator())
    with pytest.raises(UsageError, match="square"):
        through_views(torch.ones(1, 3, 20, 30), torch.eye(3)[None, None], (8, 8))


def test_the_room_is_cheap_to_enter_and_torchvision_loads_behind_it(run_code):
    code = (
        "import sys, ml.perception; assert 'torch' not in sys.modules;"
        "from ml.perception.torchvision_shim import ensure_torchvision as ready;"
        "held = ready(); assert ready() is held; import torchvision, open_clip"
    )
    run_code(code)
