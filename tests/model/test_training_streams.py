"""Streams of batches: items prepared by a thread, and rows in random order."""

import threading
import time
from itertools import count, islice

import numpy as np
import pytest

from ml.training.streams import ahead, random_rows


def test_items_come_in_order_from_the_thread():
    assert list(islice(ahead(count(), 3), 50)) == list(range(50))


def test_errors_in_the_thread_are_raised_where_the_item_is_taken():
    def broken():
        yield 1
        raise OSError("the disk is gone")

    items = ahead(broken(), 2)
    assert next(items) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(items)


def test_no_more_than_asked_for_is_prepared_and_nothing_after_the_end():
    made, threads = [], set()

    def numbers():
        for number in count():
            made.append(number)
            threads.add(threading.current_thread())
            time.sleep(0.05)
            yield number

    items = ahead(numbers(), 3)
    assert [next(items), next(items)] == [0, 1]
    items.close()
    # Two were taken, and three more had been ordered.
    assert 2 <= len(made) <= 5
    (thread,) = threads
    assert not thread.is_alive()


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
