"""Fine-tuning through the renderer: what is drawn, what each term does, what a step does."""

import tomllib
from argparse import Namespace
from dataclasses import replace

import pytest
import torch

from ml.head.storage import load_head_model
from ml.perception.consistency import Consistency
from ml.regressor.surface import SIDE
from ml.training.surface import consistency, train
from ml.training.surface.consistency import TERMS, Terms, take_step
from ml.training.surface.drawn import Artist, mean_texture
from tests.support.surface_labels import CONFIG, true_labels

SMALL = 48
OFF = dict.fromkeys(TERMS, 0.0)


@pytest.fixture(scope="module")
def model():
    return load_head_model()


@pytest.fixture(scope="module")
def task(model):
    return train.make_task(model, CONFIG)


@pytest.fixture
def run(model):
    return train.start_run(model, CONFIG)


@pytest.fixture(scope="module")
def artist(model, task):
    return Artist(model, task.basis, torch.zeros(3, SIDE, SIDE), 0.3)


@pytest.fixture(scope="module")
def labels(model):
    """Photos of people that the artist itself has drawn: lit from one side, before grey."""
    return true_labels(model, 3)


def drawn(run, task, artist, labels, side=SMALL):
    random = torch.Generator().manual_seed(0)
    estimates, texels = task.see(labels, random)
    update = run.network(texels, estimates.identity, estimates.expression)
    return artist.draw(update, estimates, labels, side), update, estimates


class Darkness:
    """Stands for the face CLIP: both halves ask for dark pictures."""

    def target(self, photo, mask, generator):
        return photo

    def compare(self, render, target):
        dark = render.mean()
        return Consistency(dark, dark, 2 * dark, {})


def terms_of(artist, loss=None, **weights):
    return Terms(artist, loss, {**OFF, **weights}, SMALL)


def test_the_head_is_drawn_where_its_landmarks_are(run, task, artist, labels):
    drawing, _, _ = drawn(run, task, artist, labels)
    changed = (drawing.drawn - drawing.photo).abs().amax(1) > 1e-6
    points = labels.points[:, :468] * SMALL / labels.pictures.shape[3]
    for row, places in zip(changed, points, strict=True):
        inside = places[((places > 1) & (places < SMALL - 1)).all(1)].long()
        assert row[inside[:, 1], inside[:, 0]].float().mean() > 0.95
        assert row.float().mean() < 0.9
    assert drawing.mask[~changed[:, None]].max() < 1e-3


def test_what_an_even_light_explains_costs_little(run, task, artist, labels):
    even = replace(labels, pictures=torch.full_like(labels.pictures, 0.5))
    noisy = drawn(run, task, artist, labels)[0]
    plain = drawn(run, task, artist, even)[0]
    assert float(plain.photometric) < 0.02
    assert float(noisy.photometric) > 10 * float(plain.photometric)
    assert plain.mask.max() > 0.95


@pytest.mark.parametrize("name", TERMS)
def test_each_term_reaches_the_network_and_can_be_switched_off(run, task, artist, labels, name):
    drawing, _, _ = drawn(run, task, artist, labels)
    random = torch.Generator().manual_seed(0)
    found = terms_of(artist, Darkness(), **{name: 1.0}).of(drawing, random)
    assert list(found) == [name]
    # A fresh network's last layer is zero: what reaches it is what can be learned.
    (slope,) = torch.autograd.grad(found[name], [run.network.read.weight])
    assert float(slope.abs().max()) > 0
    assert terms_of(artist, Darkness()).of(drawing, random) == {}


def test_terms_may_leave_renders_alone(run, task, artist, labels):
    random = torch.Generator().manual_seed(0)
    estimates, texels = task.see(labels, random)
    update = run.network(texels, estimates.identity, estimates.expression)
    terms = replace(terms_of(artist, photometric=1.0), photos_only=True)
    assert terms.seen(update, estimates, replace(labels, drawn=torch.ones(3)), random) == {}
    mixed = replace(labels, drawn=torch.tensor([1.0, 0.0, 1.0]))
    found = terms.seen(update, estimates, mixed, random)["photometric"]
    (slope,) = torch.autograd.grad(found, [update.identity])
    assert (slope.abs().sum(1) > 0).tolist() == [False, True, False]


def test_steps_lower_the_photometric_loss(run, task, artist, labels):
    smooth = torch.nn.functional.interpolate(
        torch.rand(3, 3, 5, 5, generator=torch.Generator().manual_seed(1)), 208, mode="bicubic"
    ).clamp(0, 1)
    lit = replace(labels, pictures=smooth)
    only = replace(task, weights=dict.fromkeys(task.weights, 0.0) | {"hidden": 0.0})
    lit = replace(lit, weight=torch.zeros_like(lit.weight) + 1e-6)
    terms = terms_of(artist, photometric=50.0)
    first = take_step(run, only, terms, lit, 1e-3, torch.Generator().manual_seed(3))
    for _ in range(8):
        last = take_step(run, only, terms, lit, 1e-3, torch.Generator().manual_seed(3))
    assert last["photometric"] < 0.99 * first["photometric"]


def test_the_mean_texture_is_what_all_faces_show(task, labels):
    ramp = torch.linspace(0, 1, 208).expand(3, 3, 208, 208)
    seen = replace(labels, pictures=ramp)
    estimates, _ = task.see(seen, torch.Generator().manual_seed(0))
    texture = mean_texture(task.unwrap, seen, estimates)
    assert texture.shape == (3, SIDE, SIDE)
    middle = texture[0, SIDE // 2]
    # People are turned and rolled a little: their left is on the ramp's bright side.
    assert middle[SIDE // 4 : SIDE // 2].mean() < middle[SIDE // 2 : -SIDE // 4].mean() - 0.3


def test_settings_name_every_term():
    config = tomllib.loads(consistency.CONFIG.read_text())
    assert set(config["terms"]) == set(TERMS)
    assert consistency.face_loss({**config, "terms": {**OFF, "photometric": 1.0}}) is None


def test_a_stopped_run_goes_on_from_its_checkpoint(run, tmp_path, monkeypatch, labels):
    run.step, run.seconds = 50, 600.0
    run.save(tmp_path / "start.pt")
    monkeypatch.setattr(
        train,
        "network_for",
        lambda model, config: type(run.network)(
            run.network.shape, run.network.places[0, :, 0].numpy()
        ),
    )
    monkeypatch.setattr(consistency, "load_head_model", lambda *_: load_head_model())
    monkeypatch.setattr(consistency, "open_folders", lambda *_: None)
    monkeypatch.setattr(consistency, "make_terms", lambda *_: None)
    monkeypatch.setattr(consistency, "batches_ahead", lambda *_: iter([labels] * 100))
    monkeypatch.setattr(consistency, "measure", lambda *_: {"points_left": 1.0})
    begun = []

    def step(run, *_):
        begun.append((run.step, run.seconds))
        run.seconds += 30
        return {"points": 1.0}

    monkeypatch.setattr(consistency, "take_step", step)
    arguments = Namespace(
        start=tmp_path / "start.pt",
        samples=[],
        reference=tmp_path,
        config=consistency.CONFIG,
        out=tmp_path / "out",
        steps=2,
        off=["geometric", "semantic"],
        photos_only=False,
    )
    consistency.train(arguments)
    # A fresh run counts from zero, whatever the weights it starts from had behind them.
    assert [step for step, _ in begun] == [0, 1]
    arguments.steps = 4
    consistency.train(arguments)
    assert [step for step, _ in begun] == [0, 1, 2, 3]
    assert begun[2][1] >= 60
    assert len((tmp_path / "out" / "log.jsonl").read_text().splitlines()) == 2
