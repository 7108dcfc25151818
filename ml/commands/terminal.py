"""What a command says on the terminal, and how it takes Ctrl-C there."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from ..version import COMMAND

if TYPE_CHECKING:
    from ..results.report import Row

_IN_A_CLONE = "python -m ml.cli"
_PHOTOS = (
    "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} photos, {rate_noinv_fmt}, "
    "{elapsed} gone, {remaining} left{postfix}"
)
_STEPS = "{percentage:3.0f}%|{bar:24}| {desc}, {elapsed} gone, {remaining} left"


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
    """Print a line to stderr, above a bar that stands there.

    Where nobody reads it (``| head``), the work goes on all the same.
    """
    if sys.stderr is None:
        return
    try:
        if (tqdm := _tqdm()) is None:
            print(text, file=sys.stderr, flush=True)
        else:
            tqdm.write(text, file=sys.stderr)
            sys.stderr.flush()
    except (OSError, ValueError):
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - until the process ends


class _Said(logging.Handler):
    """Says what is logged, so that it leaves a bar in one piece."""

    def emit(self, record: logging.LogRecord) -> None:
        say(self.format(record))


def say_warnings() -> None:
    """From now on warnings of the log are said."""
    handler = _Said(logging.WARNING)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def _tqdm() -> Any:
    """The class of bars; None where there is no terminal to show them on, or no tqdm."""
    try:
        if sys.stderr is None or not sys.stderr.isatty():
            return None
        from tqdm import tqdm
    except (ImportError, ValueError):
        return None
    return tqdm


def _size() -> dict[str, int]:
    """The size of bars for tqdm, which draws none on a terminal that does not know its own."""
    with contextlib.suppress(OSError, ValueError):
        if min(os.get_terminal_size(sys.stderr.fileno())) > 0:
            return {"dynamic_ncols": True}
    return {"ncols": 80, "nrows": 24}


class _Shown:
    """A bar on a terminal; no bar elsewhere, or where ``quiet``. A context manager."""

    def __init__(self, *, quiet: bool, **how: Any) -> None:
        self._quiet = quiet
        tqdm = None if quiet else _tqdm()
        self._bar: Any = tqdm and tqdm(file=sys.stderr, **_size(), **how)

    def __enter__(self: Any) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            with contextlib.suppress(OSError, ValueError):
                self._bar.close()

    def _to(self, done: float) -> None:
        """Move the bar. The terminal may be gone."""
        with contextlib.suppress(OSError, ValueError):
            self._bar.update(done - self._bar.n)


class Photos(_Shown):
    """Says what becomes of ``total`` photos: of each in a line, on a terminal by a bar.

    Failures and warnings are said in words there, too; ``quiet``: nothing but failures is.
    """

    def __init__(self, total: int, *, quiet: bool = False) -> None:
        super().__init__(quiet=quiet, total=total, unit=" photos", bar_format=_PHOTOS)
        self._total, self._done, self._failed = total, 0, 0

    def add(self, row: Row) -> None:
        """Say what became of a photo."""
        from ..results.report import warnings_about

        self._done += 1
        failed = row.status == "failed"
        self._failed += failed
        # What was done before was said then.
        more = "" if row.status == "skipped" else warnings_about(row)
        if failed:
            more = f"{row.error}. {row.hint}"
        if failed or (not self._quiet and (more or self._bar is None)):
            line = f"[{self._done}/{self._total}] {row.status:9} {row.seconds:6.2f} s  "
            line += _printable(row.photo)
            say(f"{line}\n    {_printable(more)}" if more else line)
        if self._bar is not None:
            if self._failed:
                self._bar.set_postfix_str(f"{self._failed} failed", refresh=False)
            self._to(self._done)


class Steps(_Shown):
    """Says how far one long piece of work is: a ``Progress`` of ml.data.

    Elsewhere than on a terminal in a line for every tenth of it.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        super().__init__(quiet=quiet, total=1.0, bar_format=_STEPS)
        self._said = -1

    def __call__(self, fraction: float, message: str) -> None:
        if self._bar is not None:
            self._bar.set_description_str(f"{message:.60}", refresh=False)
            self._to(fraction)
        elif not self._quiet and (tenth := round(fraction * 1000) // 100) > self._said:
            self._said = tenth
            say(f"{fraction:4.0%} {message}")


def _printable(text: str) -> str:
    """``text`` on one line: file names may hold line breaks and commands for the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
