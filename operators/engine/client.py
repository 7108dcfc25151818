"""The engine's worker process, as Blender sees it. Standard library only.

The worker is ``python -m ml.worker`` under a Python that has the engine's packages. It reads and
writes one JSON message per line: ``{"id", "type", "data"}``. One thread per stream only moves lines
into a queue; everything else happens when the caller polls.
"""

from __future__ import annotations

import atexit
import collections
import contextlib
import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ...ml.errors import EngineUnavailable, HeadError
from .process import start_process, worker_environment

_KEPT_LINES = 12  # of what the worker wrote to stderr


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


@dataclass(frozen=True)
class Message:
    """One line from the worker."""

    id: int | None
    type: str
    data: dict[str, Any]


class Worker:
    """One running worker process."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._stderr: collections.deque[str] = collections.deque(maxlen=_KEPT_LINES)
        self.ready = self.warm = False
        self.about: dict[str, Any] = {}
        self.started = time.monotonic()
        self._process = start_process(
            command,
            cwd=folder,
            env=worker_environment(os.environ),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._threads = [
            threading.Thread(target=self._read_messages, daemon=True),
            threading.Thread(target=self._read_stderr, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def send(self, message: Message) -> None:
        line = json.dumps({"id": message.id, "type": message.type, "data": message.data})
        try:
            _writable(self._process.stdin).write(line + "\n")
            _writable(self._process.stdin).flush()
        except OSError as error:
            raise self._failure("The engine stopped") from error

    def receive(self) -> Message | None:
        """The next message, or None if there is none yet.

        Raises
        ------
        EngineUnavailable: the process has ended, or sent something that is no message.
        """
        try:
            line = self._lines.get_nowait()
        except queue.Empty:
            return None
        if line is None:
            self._lines.put(None)  # the end stays the end for whoever asks again
            raise self._failure("The engine stopped unexpectedly")
        try:
            raw = json.loads(line)
            message = Message(raw["id"], raw["type"], dict(raw.get("data") or {}))
        except (ValueError, KeyError, TypeError) as error:
            raise self._failure(f"The engine sent an unreadable line ({line[:80]!r})") from error
        if message.type == "ready":
            self.ready, self.about = True, message.data
        return message

    def stop(self, grace: float) -> None:
        """End the process: terminate, and kill it if it does not end within ``grace`` seconds."""
        for end in (self._process.terminate, self._process.kill):
            if not self.alive:
                break
            end()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)
        self._process.wait()
        for thread in self._threads:
            thread.join(grace)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            _close(stream)

    def _failure(self, message: str) -> EngineUnavailable:
        if not self.alive:
            self._threads[1].join(0.5)  # its last words may still be on their way
        words = "; ".join(list(self._stderr)[-3:])
        code = self._process.poll()
        status = f" (exit status {code})" if code is not None else ""
        return EngineUnavailable(
            f"{message}{status}{': ' + words if words else ''}",
            "Press Check engine in the extension's preferences to see what is wrong",
        )

    def _read_messages(self) -> None:
        for line in self._process.stdout or ():
            if line.strip():
                self._lines.put(line.strip())
        self._lines.put(None)

    def _read_stderr(self) -> None:
        for line in self._process.stderr or ():
            if line.strip():
                self._stderr.append(line.strip())


class Request:
    """One request to the worker; :meth:`poll` it until :attr:`result` is there."""

    def __init__(self, client: EngineClient, worker: Worker, message: Message) -> None:
        self._client, self._worker, self._id = client, worker, message.id
        self._heard = time.monotonic()
        self.fraction = 0.0
        self.message = "Starting the engine" if not worker.ready else "Waiting"
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

    ``log`` gives the file that the worker writes its log to, when it is started; None: no log.
    """

    def __init__(
        self,
        folder: Path,
        limits: Limits | None = None,
        log: Callable[[], Path] | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._folder, self._log = folder, log
        self._command: tuple[str, ...] = ()
        self._worker: Worker | None = None
        self._next_id = 1

    def open(self) -> None:
        """See to it that no worker outlives Blender, however Blender ends."""
        atexit.register(self.stop)

    def start(self, python: Path) -> Worker:
        """The running worker under ``python``; another one is stopped first."""
        log = ("--log", str(self._log())) if self._log else ()
        command = (str(python), "-m", "ml.worker", *log)
        if self._worker is None or not self._worker.alive or command != self._command:
            self.stop()
            self._worker, self._command = Worker(command, self._folder), command
        return self._worker

    def submit(self, python: Path, kind: str, data: dict[str, Any]) -> Request:
        """Send a request (``reconstruct``, ``person``, ``warm_up``, ``check``)."""
        worker = self.start(python)
        self._next_id += 1
        try:
            return Request(self, worker, Message(self._next_id, kind, data))
        except EngineUnavailable:
            self.stop()
            raise

    def warm_up(self, python: Path) -> None:
        """Let the worker load its weights, unless it was asked to; nobody waits for the answer.

        A broken engine says so to the first request that is waited for.
        """
        worker = self.start(python)
        if not worker.warm:
            worker.warm = True
            with contextlib.suppress(EngineUnavailable):
                self.submit(python, "warm_up", {})

    def stop(self) -> None:
        """End the worker if there is one. Safe to call at any time."""
        worker, self._worker = self._worker, None
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


def _writable(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise OSError("no stream")
    return stream


def _close(stream: IO[str] | None) -> None:
    # Closing flushes, which fails where the other end is gone: just what is wanted here.
    with contextlib.suppress(OSError):
        _writable(stream).close()
