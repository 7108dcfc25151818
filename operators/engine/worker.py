"""The engine's process and the messages that go to and from it. Standard library only.

One JSON message per line: ``{"id", "type", "data"}``. One thread per stream only moves lines into a
queue; everything else happens when the caller polls.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ...ml.errors import EngineUnavailable
from .process import start_process, worker_environment

_KEPT_LINES = 12  # of what the worker wrote to stderr


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


def _writable(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise OSError("no stream")
    return stream


def _close(stream: IO[str] | None) -> None:
    # Closing flushes, which fails where the other end is gone: just what is wanted here.
    with contextlib.suppress(OSError):
        _writable(stream).close()
