"""An iterator that works ahead in a thread of its own.

Decoders and networks release the interpreter, so that stages of a pipeline run at the same time.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")
_END = object()


@contextlib.contextmanager
def ahead(items: Iterable[Item], most: int) -> Iterator[Iterator[Item]]:
    """The same items, of which up to ``most`` are made before they are asked for.

    What the iterable raises is raised where its item would have been. Whoever leaves ends the
    thread.
    """
    waiting: queue.Queue[object] = queue.Queue(most)
    over = threading.Event()

    def put(item: object) -> bool:
        while not over.is_set():
            with contextlib.suppress(queue.Full):
                waiting.put(item, timeout=0.1)
                return True
        return False

    def work() -> None:
        try:
            for item in items:
                if not put(item):
                    break
            else:
                put(_END)
        except BaseException as error:  # noqa: BLE001 - raised by whoever takes the items
            put(_Failed(error))
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield _taken(waiting)
    finally:
        over.set()
        thread.join()


class _Failed:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def _taken(waiting: queue.Queue[object]) -> Iterator[Any]:
    while (item := waiting.get()) is not _END:
        if isinstance(item, _Failed):
            raise item.error
        yield item
