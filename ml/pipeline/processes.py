"""Work in several processes, so that whatever one item does to its process costs that item only.

A pool of :mod:`concurrent.futures` takes all waiting work with it when one process dies, and its
processes outlive a parent that is killed. These end with their parent, however it ends.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Forked processes would inherit locks of torch's and OpenCV's threads.
_SPAWN = multiprocessing.get_context("spawn")


class ProcessEnded(Exception):
    """The process ended before it had an answer: it was killed, or could not be started."""


def run_in_processes(
    items: Sequence[Item], jobs: int, work: Callable[[Item], Result]
) -> Iterator[tuple[Item, Result | BaseException]]:
    """Every item with the result of ``work``, or what it raised, as they are finished.

    Whoever stops to iterate ends all processes. ``work`` and items must be picklable.
    """
    waiting = list(reversed(items))
    threads = max(1, (os.cpu_count() or 1) // jobs)
    busy: dict[Connection, _Worker[Item]] = {}
    idle: list[_Worker[Item]] = []
    try:
        while waiting or busy:
            while waiting and len(busy) < jobs:
                item = waiting.pop()
                try:
                    worker = idle.pop() if idle else _Worker(work, threads)
                    busy[worker.connection] = worker
                    worker.begin(item)
                except Exception as error:  # noqa: BLE001 - each item must get an answer
                    yield item, ProcessEnded(f"no process could be started ({error})")
            answering = set(wait(list(busy)))
            for worker in [worker for pipe, worker in busy.items() if pipe in answering]:
                del busy[worker.connection]
                result = worker.answer()
                if isinstance(result, ProcessEnded):
                    worker.kill()
                else:
                    idle.append(worker)
                yield worker.item, result
    finally:
        for worker in (*busy.values(), *idle):
            worker.kill()


class _Worker(Generic[Item]):
    """A process that works on one item at a time."""

    item: Item

    def __init__(self, work: Callable[[Item], Any], threads: int) -> None:
        self.connection, theirs = _SPAWN.Pipe()
        self._process: SpawnProcess = _SPAWN.Process(
            target=_serve, args=(theirs, work, threads), daemon=True
        )
        with _interrupts_blocked():
            self._process.start()
        # The end of the process is then the end of the connection.
        theirs.close()

    def begin(self, item: Item) -> None:
        self.item = item
        # A process that has ended is noticed by its answer.
        with contextlib.suppress(OSError):
            self.connection.send(item)

    def answer(self) -> Any:
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            return ProcessEnded("the process was killed")

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        self.connection.close()


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Processes started in it never see Ctrl-C: their parent decides what it means."""
    if sys.platform == "win32":
        yield
        return
    from multiprocessing import resource_tracker

    # Its own start would unblock the signal.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, work: Callable[[Any], Any], threads: int) -> None:
    """The process: answer items until the parent closes the connection or ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Whoever needs torch says why it is missing.
    with contextlib.suppress(ImportError, OSError):
        import torch

        torch.set_num_threads(threads)
    while True:
        try:
            item = connection.recv()
        except (EOFError, OSError):
            return
        try:
            result = work(item)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the item gets an answer
            result = error
        try:
            connection.send(result)
        except Exception as error:  # noqa: BLE001 - it cannot be pickled
            connection.send(RuntimeError(f"{result!r} ({error!r})"))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
