"""For tests that run networks."""

import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """The same sums in the same order on every machine. Threads that wait for each other are also
    slow where the cores are shared."""
    torch.set_num_threads(1)
