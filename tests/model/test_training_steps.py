"""What all trainings share: batches ahead, rows in turn, checkpoints, the log."""

import json
from itertools import islice

import numpy as np
import pytest
import torch

from ml.training.steps import (
    ahead,
    descend,
    load_checkpoint,
    log_figures,
    random_rows,
    save_checkpoint,
)


def test_items_come_in_order_from_the_thread():
    assert list(islice(ahead(iter(range(100)), 3), 50)) == list(range(50))


def test_what_goes_wrong_ahead_is_raised_where_it_is_waited_for():
    def broken():
        yield 1
        raise OSError("the disk is gone")

    items = ahead(broken(), 2)
    assert next(items) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(items)


def test_every_row_comes_once_a_round_and_a_stream_goes_on_where_it_was():
    known = np.arange(100, 112)
    steps = list(islice(random_rows(known, 4, 7, 0), 6))
    assert [step for step, _ in steps] == list(range(6))
    first, second = (np.concatenate([rows for _, rows in part]) for part in (steps[:3], steps[3:]))
    assert sorted(first) == sorted(second) == known.tolist()
    assert first.tolist() != second.tolist()
    later = list(islice(random_rows(known, 4, 7, 4), 2))
    for (step, rows), (again, same) in zip(steps[4:], later, strict=True):
        assert step == again
        np.testing.assert_array_equal(rows, same)


def test_a_checkpoint_holds_states_and_plain_values(tmp_path):
    torch.manual_seed(0)
    network, other = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"network": network}, step=5, seconds=1.5)
    assert load_checkpoint(path, {"network": other}) == {"step": 5, "seconds": 1.5}
    assert torch.equal(network.weight, other.weight)
    assert [item.name for item in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_long_gradients_are_shortened():
    network = torch.nn.Linear(1, 1, bias=False)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    before = float(network.weight.detach())
    descend(optimizer, network, 1000 * network(torch.ones(1, 1)).sum(), longest=0.5)
    assert float(network.weight.detach()) == pytest.approx(before - 0.5, abs=1e-4)


def test_the_log_grows_and_is_drawn(tmp_path):
    for minute in (1.0, 2.0):
        log_figures(tmp_path, {"step": 1, "minutes": minute, "loss": 3 - minute})
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["loss"] for line in lines] == [2.0, 1.0]
    assert (tmp_path / "curves.png").exists()
