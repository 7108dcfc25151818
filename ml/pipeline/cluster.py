"""Work on a Dask cluster: this computer's processes, or whatever a scheduler has workers on.

Items go out in chunks, so that a scheduler of a hundred thousand photos holds a thousand tasks.
Where a worker dies, Dask cannot tell which item killed it: the chunk is halved until the item is
alone.
The package ``distributed`` is optional.
"""

from __future__ import annotations

import contextlib
import pkgutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ..errors import EngineUnavailable, UsageError
from ..version import effigy_version
from .processes import ProcessEnded

Item = TypeVar("Item")
Result = TypeVar("Result")

LOCAL = "local"
# Items of a chunk at most; every worker gets several chunks, so that none waits for the last.
_LARGEST, _CHUNKS_EACH = 64, 4
# Workers that an item alone has to end before it is blamed: they may be ended by others, too.
_DEATHS = 2


@dataclass(frozen=True)
class Cluster:
    """Where to work.

    Attributes
    ----------
    address: LOCAL, or a scheduler's such as ``tcp://10.0.0.5:8786``. jobs: processes of a local
        one. say: is told where the dashboard is.
    """

    address: str
    jobs: int
    say: Callable[[str], None] = lambda text: None


def load_distributed() -> Any:
    """The package ``distributed``. EngineUnavailable: it is not installed."""
    try:
        import distributed
    except ImportError as error:
        raise EngineUnavailable(
            "--cluster needs the package dask.distributed, which is not installed here",
            'pip install "dask[distributed]", on the workers, too',
        ) from error
    return distributed


def check_address(address: str) -> None:
    """Raise UsageError for what is no cluster."""
    if address != LOCAL and "://" not in address:
        raise UsageError(
            f"--cluster {address!r} is no cluster", "Use local, or a scheduler's tcp://HOST:PORT"
        )


def run_on_cluster(
    items: Sequence[Item], cluster: Cluster, work: Callable[[Item], Result]
) -> Iterator[tuple[Item, Result | BaseException]]:
    """Every item with the result of ``work``, or what it raised, as chunks are finished.

    ``work`` and items must be picklable, and the workers see the same files.

    Raises
    ------
    EngineUnavailable: the package is missing, the scheduler cannot be reached or is lost, or it or
        its workers have no Effigy, or another version.
    """
    if not items:
        return
    distributed = load_distributed()
    with contextlib.ExitStack() as stack:
        client = _client(distributed, cluster, stack)
        try:
            size = min(_LARGEST, -(-len(items) // (_workers(client, cluster) * _CHUNKS_EACH)))
            parts = [items[start : start + size] for start in range(0, len(items), size)]
            yield from _finished(distributed, client, parts, work)
        except (OSError, TimeoutError, distributed.client.FutureCancelledError) as error:
            raise _lost(cluster.address, error) from error


def _client(distributed: Any, cluster: Cluster, stack: contextlib.ExitStack) -> Any:
    """A client that ends with ``stack``; so does a cluster of this computer."""
    import dask

    # Dask leaves its own folder behind.
    scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="effigy-dask-"))
    # A worker's death is never the item's fault for sure: chunks are sent again by us.
    wanted = {"distributed.scheduler.allowed-failures": 0, "temporary-directory": scratch}
    stack.enter_context(dask.config.set(wanted))
    try:
        if cluster.address == LOCAL:
            local = distributed.LocalCluster(
                n_workers=cluster.jobs, threads_per_worker=1, memory_limit=0
            )
            client = distributed.Client(stack.enter_context(local))
        else:
            client = distributed.Client(cluster.address, timeout=15)
    except (OSError, TimeoutError, ValueError) as error:
        raise _lost(cluster.address, error) from error
    cluster.say(f"Dashboard: {client.dashboard_link}")
    return stack.enter_context(client)


def _workers(client: Any, cluster: Cluster) -> int:
    """How many items the cluster works on at a time; waits for the first worker.

    Raises
    ------
    EngineUnavailable: scheduler or workers lack Effigy, or have another version.
    """
    if not client.nthreads():
        cluster.say(f"The cluster {cluster.address} has no workers yet: waiting for the first")
        client.wait_for_workers(1)
    _check_versions(client)
    return max(1, sum(client.nthreads().values()))


def _check_versions(client: Any) -> None:
    """Raise EngineUnavailable where scheduler or workers lack Effigy, or have another version."""
    wanted, name = effigy_version(), f"{effigy_version.__module__}:effigy_version"
    # Who cannot import what it is sent ends, or says so of a task graph: a function of the standard
    # library asks first.
    answers = _asked(client, pkgutil.resolve_name, name)
    if not any(isinstance(answer, Exception) for answer in answers.values()):
        answers = _asked(client, effigy_version)
    for place, answer in answers.items():
        if answer != wanted and not callable(answer):
            raise EngineUnavailable(
                f"{place} of the cluster does not have Effigy {wanted} ({answer})",
                "Install it there, or start it with PYTHONPATH naming Effigy's folder",
            )


def _asked(client: Any, function: Callable[..., Any], *given: Any) -> dict[str, Any]:
    """What the scheduler and all workers answer, or the exceptions that they raise."""
    found = client.run(function, *given, on_error="return")
    answers = {f"The worker {address}": answer for address, answer in found.items()}
    try:
        answers["The scheduler"] = client.run_on_scheduler(function, *given)
    except (ImportError, AttributeError) as error:
        answers["The scheduler"] = error
    return answers


def _lost(address: str, error: BaseException) -> EngineUnavailable:
    # Dask's own messages have line breaks.
    cause = " ".join(str(error).split())[:200] or type(error).__name__
    return EngineUnavailable(
        f"The cluster {address} cannot be reached ({cause})",
        "Start its scheduler and workers; with --skip-existing, what is finished is not done again",
    )


def _finished(
    distributed: Any,
    client: Any,
    parts: Sequence[Sequence[Item]],
    work: Callable[[Item], Result],
) -> Iterator[tuple[Item, Result | BaseException]]:
    chunk_of, suspects = dict[Any, Sequence[Item]](), list[Item]()

    def send(chunk: Sequence[Item]) -> Any:
        # pure=False: the same chunk sent again is another task.
        future = client.submit(_chunk, work, list(chunk), pure=False, retries=0)
        chunk_of[future] = chunk
        return future

    waiting = distributed.as_completed([send(part) for part in parts])
    for future in waiting:
        chunk = chunk_of.pop(future)
        try:
            outcomes = future.result()
        except distributed.KilledWorker:
            if len(chunk) == 1:
                suspects += chunk
                continue
            middle = len(chunk) // 2
            waiting.update([send(chunk[:middle]), send(chunk[middle:])])
        else:
            yield from zip(chunk, outcomes, strict=True)
    # Dask blames all that a dead worker was given. Now they come one after the other.
    for item in suspects:
        yield item, _alone(distributed, send, item)


def _alone(
    distributed: Any, send: Callable[[Sequence[Item]], Any], item: Item
) -> Result | BaseException:
    """The answer to an item that has the cluster to itself."""
    for _ in range(_DEATHS):
        try:
            (outcome,) = send([item]).result()
        except distributed.KilledWorker:
            continue
        answer: Result | BaseException = outcome
        return answer
    return ProcessEnded(f"it ended {_DEATHS} workers that had nothing else to do")


def _chunk(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result | BaseException]:
    """On a worker: the answer to every item."""
    found: list[Result | BaseException] = []
    for item in items:
        try:
            found.append(work(item))
        except Exception as error:  # noqa: BLE001 - whatever it is, the item gets an answer
            found.append(error)
    return found
