"""A socket that faces come in through. Nothing is sent but what asks a phone to begin."""

from __future__ import annotations

import errno
import ipaddress
import socket
import time
from dataclasses import dataclass, field

from ...ml.errors import HeadError, UsageError
from ...ml.performance.live import (
    IFACIALMOCAP_HELLO,
    IFACIALMOCAP_PORT,
    LiveFrame,
    LiveReader,
)
from ...ml.performance.osc import MOST_BYTES
from ...ml.performance.performance import MOST_FRAMES

# Datagrams that are read at once, at most: whoever sends more does not stop Blender.
_AT_ONCE = 500


@dataclass
class Receiver:
    """Listens at ``address`` and ``port`` until :meth:`close`.

    Attributes
    ----------
    phone: that iFacialMocap runs on; empty: senders come by themselves.
    recording: keep what comes. times, frames: what was kept, seconds and frames.
    received: datagrams that completed a face.
    """

    address: str
    port: int
    phone: str = ""
    recording: bool = False
    times: list[float] = field(default_factory=list)
    frames: list[LiveFrame] = field(default_factory=list)
    received: int = 0

    def __post_init__(self) -> None:
        self._reader = LiveReader()
        kind = _checked(self.address, "address").version
        family = socket.AF_INET6 if kind == 6 else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.bind((self.address, self.port))
            if self.phone:
                _checked(self.phone, "phone")
                self._socket.sendto(IFACIALMOCAP_HELLO, (self.phone, IFACIALMOCAP_PORT))
        except BaseException as error:
            self._socket.close()
            if isinstance(error, OSError):
                raise self._refused(error) from error
            raise

    def newest(self) -> LiveFrame | None:
        """The last face since the last call, if there is one; all are recorded."""
        found = None
        for _ in range(_AT_ONCE):
            try:
                data = self._socket.recv(MOST_BYTES + 1)
            except (BlockingIOError, ConnectionResetError):
                break  # Windows reports here that nobody listens at the phone
            frame = self._reader.read(data)
            if frame is None:
                continue
            found, self.received = frame, self.received + 1
            if self.recording and len(self.frames) < MOST_FRAMES:
                self.times.append(time.monotonic())
                self.frames.append(frame)
        return found

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def _refused(self, error: OSError) -> HeadError:
        if error.errno == errno.EADDRINUSE:
            return HeadError(
                f"Another program listens at port {self.port} already",
                "Close it, or choose another port here and in the program that sends",
            )
        return HeadError(
            f"Nothing can listen at {self.address}, port {self.port} ({error.strerror or error})",
            "Choose an address of this computer and a port from 1024 to 65535",
        )


def is_local(address: str) -> bool:
    """Whether only programs on this computer reach ``address``. UsageError: it is none."""
    return _checked(address, "address").is_loopback


def _checked(text: str, what: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no {what}", "Give numbers such as 127.0.0.1 or 192.168.0.12"
        ) from error
