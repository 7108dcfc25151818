"""What a command says on the terminal, and how it takes Ctrl-C there."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from typing import Any

from ..results.report import Row, warnings_about
from ..version import COMMAND

_IN_A_CLONE = "python -m ml.cli"


def command_parser(words: str, description: str | None) -> argparse.ArgumentParser:
    """A parser for the command line with these ``words``, called as it is called here."""
    text = (description or "").replace(_IN_A_CLONE, COMMAND)
    return argparse.ArgumentParser(prog=f"{COMMAND} {words}".strip(), description=text)


class Interrupts:
    """Within it Ctrl-C, SIGTERM and a closed terminal raise one KeyboardInterrupt, and no second.

    Signals that whoever started the process ignores stay ignored.
    """

    def __init__(self) -> None:
        # Where some library swallows the KeyboardInterrupt, this still tells.
        self.happened = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):
                number = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, *_: object) -> None:
        if not self.happened:
            self.happened = True
            raise KeyboardInterrupt


def say(text: str) -> None:
    """Print a line to stderr. Where nobody reads it (``| head``), the work goes on all the same."""
    if sys.stderr is None:
        return
    try:
        print(text, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - until the process ends


def print_row(number: int, total: int, row: Row) -> None:
    """Say what became of a photo, the ``number``-th of ``total`` that was finished."""
    line = f"[{number}/{total}] {row.status:9} {row.seconds:6.2f} s  {_printable(row.photo)}"
    more = f"{row.error}. {row.hint}" if row.status == "failed" else warnings_about(row)
    say(f"{line}\n    {_printable(more)}" if more else line)


def _printable(text: str) -> str:
    """``text`` on one line: file names may hold line breaks and commands for the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
