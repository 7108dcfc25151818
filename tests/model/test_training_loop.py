"""The loop of all trainings: rate, average, clipping, log, checkpoints; with a tiny network."""

import json
from dataclasses import dataclass, field, replace
from itertools import count, islice

import numpy as np
import pytest
import torch
from torch import nn

from ml.errors import UsageError
from ml.training import loop
from ml.training.config import TrainingConfig
from ml.training.loop import (
    CHECKPOINT,
    CURVES,
    LOG,
    SMOOTHING,
    Training,
    open_run,
    rate_at,
    run,
    start_run,
    steps,
    take_step,
)

CONFIG = TrainingConfig(
    seed=3,
    batch=4,
    peak_rate=0.05,
    warm_up=0.1,
    weight_decay=0.01,
    average_decay=0.9,
    checkpoint_minutes=1.0,
    measure_minutes=2.0,
    steps=20,
)


@dataclass(frozen=True)
class Line(Training):
    """Learns y = 2 x + 1, in a network with a layer beside it that is trained, too."""

    config: TrainingConfig = CONFIG
    measured: list = field(default_factory=list)
    rates: list = field(default_factory=list)

    def build(self):
        return nn.Sequential(nn.Linear(1, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))

    def build_beside(self):
        return {"offset": nn.Linear(1, 1)}

    def batches(self, first):
        for step in count(first):
            random = torch.Generator().manual_seed(step)
            yield torch.rand(self.config.batch, 1, generator=random)

    def loss(self, state, batch):
        self.rates.append(state.optimizer.param_groups[0]["lr"])
        off = state.network(batch) + state.beside["offset"](batch) - 2 * batch - 1
        return {"square": off.square().mean(), "size": 0.01 * off.abs().mean()}

    def measure(self, network):
        assert not network.training
        self.measured.append(float(sum(p.detach().sum() for p in network.parameters())))
        return {"sum": self.measured[-1]}


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by a minute from each look at it to the next."""
    minutes = count()
    monkeypatch.setitem(loop._CLOCKS, "wall", lambda: 60 * next(minutes))


def log_of(out):
    return [json.loads(line) for line in (out / LOG).read_text().splitlines()]


def weights(module):
    return torch.cat([p.detach().flatten() for p in module.state_dict().values()])


def test_a_run_learns_and_writes_log_curves_and_checkpoint(tmp_path):
    training = Line()
    state = open_run(training, tmp_path / "new" / "out", "python -m training")
    first = take_step(training, start_run(training), next(training.batches(0)), 0.0)
    run(training, state, tmp_path / "new" / "out")
    (line,) = log_of(tmp_path / "new" / "out")
    assert state.step == line["step"] == 20
    assert line["square"] < first["square"]
    assert (
        line["sum"]
        == training.measured[-1]
        == pytest.approx(float(sum(p.detach().sum() for p in state.average.parameters())))
    )
    names = sorted(path.name for path in (tmp_path / "new" / "out").iterdir())
    assert names == sorted([CHECKPOINT, CURVES, LOG])
    # The run is at its end: nothing is left to do, or to log.
    run(training, state, tmp_path / "new" / "out")
    assert len(log_of(tmp_path / "new" / "out")) == 1


def test_the_logged_loss_is_smoothed(tmp_path):
    training = Line(replace(CONFIG, steps=3))
    found = [parts["square"] for parts in steps(training, start_run(training))]
    run(training, open_run(training, tmp_path, ""), tmp_path)
    smooth = found[0]
    for value in found[1:]:
        smooth = SMOOTHING * smooth + (1 - SMOOTHING) * value
    assert log_of(tmp_path)[0]["square"] == pytest.approx(smooth, rel=1e-6)


def test_the_rate_follows_the_steps():
    training = Line()
    assert sum(1 for _ in steps(training, start_run(training))) == 20
    assert training.rates == [rate_at(step / 20, 0.05, 0.1) for step in range(20)]


def test_the_rate_follows_the_clock_and_logs_and_checkpoints_do(clock, tmp_path):
    training = Line(replace(CONFIG, steps=0, budget_minutes=10.0))
    state = open_run(training, tmp_path, "")
    saved = []
    state.save = lambda path: saved.append(state.step)
    run(training, state, tmp_path)
    # A minute each.
    assert state.step == 10
    assert training.rates == [rate_at(minute / 10, 0.05, 0.1) for minute in range(10)]
    # After more than one minute, and after more than two; and at the end.
    assert saved == [2, 4, 6, 8, 10, 10]
    assert [line["minutes"] for line in log_of(tmp_path)] == [3, 6, 9, 10]


def test_the_rate_rises_then_falls_to_nothing():
    rates = [rate_at(progress, 2e-3, 0.05) for progress in np.linspace(0, 1, 41)]
    assert max(rates) == pytest.approx(2e-3)
    assert rates.index(max(rates)) == 2
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[-1] < 1e-5


def test_the_average_follows_quickly_at_first_then_at_its_decay():
    training = Line()
    state = start_run(training)
    stream = training.batches(0)
    first, variance = state.network[0].weight.detach().clone(), torch.ones(4)
    for step in range(1, 101):
        take_step(training, state, next(stream), 0.02)
        decay = min(0.9, (1 + step) / (10 + step))
        first = decay * first + (1 - decay) * state.network[0].weight.detach()
        variance = decay * variance + (1 - decay) * state.network[1].running_var
    torch.testing.assert_close(state.average[0].weight.detach(), first, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(state.average[1].running_var, variance, rtol=1e-4, atol=1e-6)
    assert state.average[1].num_batches_tracked == 100


@pytest.mark.parametrize(("longest", "most"), [(0.5, 0.5), (0.0, 1e9)])
def test_long_gradients_are_scaled_down_unless_any_length_is_allowed(longest, most):
    training = Line(replace(CONFIG, longest_gradient=longest))
    state = start_run(training)
    take_step(training, state, torch.full((4, 1), 1000.0) + torch.rand(4, 1), 0.0)
    norm = torch.nn.utils.get_total_norm([p.grad for p in state.network.parameters()])
    assert norm <= most + 1e-3
    assert norm > 0.49 if longest == 0.5 else norm > 5


def test_vectors_decay_only_where_they_shall():
    class Still(Line):
        def loss(self, state, batch):
            return {"nothing": 0 * sum(p.sum() for p in state.network.parameters())}

    for decays in (False, True):
        training = Still(replace(CONFIG, weight_decay=0.5, decay_vectors=decays))
        state = start_run(training)
        before = {name: p.detach().clone() for name, p in state.network.named_parameters()}
        take_step(training, state, torch.rand(4, 1), 0.1)
        for name, weight in state.network.named_parameters():
            factor = 0.95 if decays or weight.ndim > 1 else 1.0
            torch.testing.assert_close(weight.detach(), factor * before[name])


def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(tmp_path):
    training = Line()
    whole = start_run(training)
    for _ in steps(training, whole):
        pass
    first = open_run(training, tmp_path, "begin")
    first.started_from = "abc"
    for _ in islice(steps(training, first), 7):
        pass
    first.save(tmp_path / CHECKPOINT)
    again = open_run(Line(replace(CONFIG, seed=4)), tmp_path, "go on")
    assert (again.step, again.seconds) == (7, first.seconds)
    assert again.started_from == "abc"
    assert again.commands == ["begin", "go on"]
    for _ in steps(training, again):
        pass
    for name in ("network", "average", "beside"):
        assert torch.equal(weights(getattr(whole, name)), weights(getattr(again, name)))
    # The same command again is not noted twice.
    again.save(tmp_path / CHECKPOINT)
    assert open_run(training, tmp_path, "go on").commands == ["begin", "go on"]
    assert [item.name for item in tmp_path.iterdir()] == [CHECKPOINT]


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    class Other(Line):
        def build(self):
            return nn.Linear(1, 1)

    start_run(Line()).save(tmp_path / CHECKPOINT)
    with pytest.raises(UsageError, match="another network"):
        open_run(Other(), tmp_path, "")


def test_a_layer_that_is_unsafe_on_cpus_is_refused_before_the_first_step():
    class Narrow(Line):
        def build(self):
            return nn.Sequential(nn.Conv2d(8, 8, 1, 2))

    with pytest.raises(UsageError, match="8 input channels"):
        start_run(Narrow())
