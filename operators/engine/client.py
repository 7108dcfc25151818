"""The engine's worker process, as Blender sees it. Standard library only.

The worker is ``python -m ml.worker`` under a Python that has the engine's packages.
"""

from __future__ import annotations

import atexit
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...ml.errors import EngineUnavailable, HeadError
from .worker import Message, Worker

# What the engine may be about; see EngineClient.state.
OFF, STARTING, READY = "off", "starting", "ready"


@dataclass(frozen=True)
class Limits:
    """Seconds after which the worker is given up.

    Attributes
    ----------
    start: until it is ready. silence: without an answer to a request.
    stop: until it ends after being asked to.
    """

    start: float = 180.0
    silence: float = 300.0
    stop: float = 2.0


class Request:
    """One request to the worker; :meth:`poll` it until :attr:`result` is there."""

    def __init__(self, client: EngineClient, worker: Worker, message: Message) -> None:
        self._client, self._worker, self._id = client, worker, message.id
        self._heard = time.monotonic()
        self.fraction = 0.0
        self.message = "Waiting" if client.state == READY else "Starting the engine"
        self.result: dict[str, Any] | None = None
        worker.send(message)

    @property
    def engine_ready(self) -> bool:
        """Whether the engine has started at all; if not, no other request will do better."""
        return self._worker.ready

    def poll(self) -> bool:
        """Take in what has arrived; True when the result is there.

        Raises
        ------
        HeadError: the engine's own error, or EngineUnavailable. The worker is stopped then.
        """
        try:
            while self.result is None and (message := self._worker.receive()) is not None:
                self._heard = time.monotonic()
                self._take(message)
            self._check_time()
        except EngineUnavailable:
            self._client.stop()
            raise
        return self.result is not None

    def wait(self) -> dict[str, Any]:
        """Poll until the result is there."""
        while not self.poll():
            time.sleep(0.02)
        return self.result or {}

    def cancel(self) -> None:
        """Stop the worker: the only sure way to stop a computation."""
        self._client.stop()

    def _take(self, message: Message) -> None:
        if message.id != self._id:
            return
        if message.type == "progress":
            self.fraction = float(message.data.get("fraction", self.fraction))
            self.message = str(message.data.get("message", self.message))
        elif message.type == "result":
            self.result = message.data
        elif message.type == "error":
            raise _error(message.data)

    def _check_time(self) -> None:
        if self.result is not None:
            return
        limits, now = self._client.limits, time.monotonic()
        if not self._worker.ready and now - self._worker.started > limits.start:
            raise EngineUnavailable(
                f"The engine did not start within {limits.start:g} seconds",
                "Press Check engine in the extension's preferences",
            )
        if self._worker.ready and now - self._heard > limits.silence:
            raise EngineUnavailable(
                f"The engine has not answered for {limits.silence:g} seconds",
                "It was stopped; try again, with a smaller photo or fewer programs running",
            )


class EngineClient:
    """Keeps one worker for the whole Blender run; starts it when needed, again if it died.

    Parameters
    ----------
    log: gives the file that the worker writes its log to, when it is started; None: no log.
    device: gives the device for networks; a worker that was started for another one is stopped.
    """

    def __init__(
        self,
        folder: Path,
        limits: Limits | None = None,
        log: Callable[[], Path] | None = None,
        device: Callable[[], str] | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._folder, self._log, self._device = folder, log, device
        self._command: tuple[str, ...] = ()
        self._worker: Worker | None = None
        self._warming: Request | None = None
        self._next_id = 1

    @property
    def state(self) -> str:
        """One of OFF, STARTING (it loads its weights), READY. Nothing is waited for."""
        if self._worker is None or not self._worker.alive:
            return OFF
        return STARTING if self._warming is not None or not self._worker.ready else READY

    def open(self) -> None:
        """See to it that no worker outlives Blender, however Blender ends."""
        atexit.register(self.stop)

    def start(self, python: Path) -> Worker:
        """The running worker under ``python``; another one is stopped first."""
        log = ("--log", str(self._log())) if self._log else ()
        # "auto" is left to EFFIGY_DEVICE, which may be set for a whole farm.
        chosen = self._device() if self._device else "auto"
        device = ("--device", chosen) if chosen != "auto" else ()
        command = (str(python), "-m", "ml.worker", *log, *device)
        if self._worker is None or not self._worker.alive or command != self._command:
            self.stop()
            self._worker, self._command = Worker(command, self._folder), command
        return self._worker

    def submit(self, python: Path, kind: str, data: dict[str, Any]) -> Request:
        """Send a request (``reconstruct``, ``person``, ``warm_up``, ``check``)."""
        worker = self.start(python)
        self._next_id += 1
        try:
            request = Request(self, worker, Message(self._next_id, kind, data))
        except EngineUnavailable:
            self.stop()
            raise
        self._warming = None  # its answer comes before this one's
        return request

    def warm_up(self, python: Path) -> None:
        """Let the worker load its weights, unless it was asked to; see :meth:`warmed_up`."""
        worker = self.start(python)
        if not worker.warm:
            worker.warm = True
            with contextlib.suppress(EngineUnavailable):  # the first request says so, too
                self._warming = self.submit(python, "warm_up", {})

    def warmed_up(self) -> bool:
        """Whether nothing of :meth:`warm_up` is to come any more. Raises HeadError: it failed."""
        try:
            over = self._warming is None or self._warming.poll()
        except HeadError:
            self._warming = None
            raise
        if over:
            self._warming = None
        return over

    def stop(self) -> None:
        """End the worker if there is one. Safe to call at any time."""
        worker, self._worker, self._warming = self._worker, None, None
        if worker is not None:
            worker.stop(self.limits.stop)

    def close(self) -> None:
        """Undo :meth:`open`: nothing of this client is left behind."""
        self.stop()
        atexit.unregister(self.stop)


def _error(data: Mapping[str, Any]) -> HeadError:
    kinds = {kind.code: kind for kind in HeadError.__subclasses__()}
    kind = kinds.get(str(data.get("code")), HeadError)
    return kind(str(data.get("message", "The engine failed")), str(data.get("hint", "")))
