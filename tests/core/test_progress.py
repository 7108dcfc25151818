"""What the command line says of its progress: a bar on a terminal, lines elsewhere, or nothing."""

import contextlib
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from ml.cli import main
from ml.commands import animate, terminal
from ml.errors import HeadError
from tests.support.fake_pipeline import fake_heads

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def screen(monkeypatch, size):
    """A terminal of (lines, columns) as stderr; what was written there is in the list after it."""
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    reading, writing = pty.openpty()
    termios.tcsetwinsize(writing, size)
    found, chunks = [], []

    def read():
        # Linux says by an error that the other side is closed.
        with contextlib.suppress(OSError):
            while chunk := os.read(reading, 4096):
                chunks.append(chunk)

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(writing, "w", encoding="utf-8") as stderr, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stderr)
        yield found
    reader.join()
    os.close(reading)
    found.extend(re.split(r"[\r\n]+", b"".join(chunks).decode()))


@pytest.fixture
def album(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg", "noface.jpg", "z\x1b[2J.jpg"):
        (folder / name).write_bytes(name.encode())
    return folder


def run(album, out, *more):
    return main([str(album), "--out", str(out), *more], reconstruct=fake_heads)


@pytest.mark.parametrize("size", [(24, 100), (0, 0)])
def test_a_terminal_shows_one_bar_and_the_failures_in_words(album, tmp_path, monkeypatch, size):
    with screen(monkeypatch, size) as lines:
        assert run(album, tmp_path / "out") == 1
    bars = [line for line in lines if "photos/s" in line]
    assert bars[0].startswith("  0%|")
    assert re.search(r"100%\|.*4/4 photos, .* photos/s, .*left, 1 failed", bars[-1])
    assert any("noface.jpg" in line for line in lines)
    assert not any("a.jpg" in line for line in lines)
    assert sum("4 photos: 3 ok, 1 failed" in line for line in lines) == 1


@pytest.mark.parametrize("more", [[], ["--shard", "1/1"], ["--jobs", "2"]])
def test_elsewhere_there_is_a_plain_line_for_each_photo(album, tmp_path, capsys, more):
    run(album, tmp_path / "out", *more)
    said = capsys.readouterr().err
    assert "\r" not in said
    assert [line[:5] for line in said.splitlines() if line.startswith("[")] == [
        f"[{number}/4]" for number in range(1, 5)
    ]
    assert "\x1b" not in said


def test_quiet_says_nothing_but_what_fails(album, tmp_path, capsys, monkeypatch):
    run(album, tmp_path / "out", "--quiet")
    said = capsys.readouterr().err
    assert said.splitlines()[0].endswith("noface.jpg")
    assert len(said.splitlines()) == 2
    (album / "noface.jpg").unlink()
    with screen(monkeypatch, (24, 100)) as lines:
        assert run(album, tmp_path / "out", "--quiet") == 0
    assert [line for line in lines if line] == []


def test_without_tqdm_a_terminal_gets_plain_lines(album, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with screen(monkeypatch, (24, 100)) as lines:
        run(album, tmp_path / "out")
    assert any(line.startswith("[1/4] ok") for line in lines)


def test_a_warning_stands_above_the_bar_and_what_others_note_is_not_said():
    code = (
        "import logging; from ml.commands.terminal import say_warnings; say_warnings();"
        "log = logging.getLogger('distributed'); log.setLevel('INFO');"
        "log.info('Register worker'); log.warning('Lost')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == "WARNING Lost\n"


def animated(source, folder, settings, progress, rate):
    """Stands for ml.video.animate."""
    for number in range(101):
        progress(number / 100, f"Following the face: frame {number} of 100")
    if "bad" in source.name:
        raise HeadError("No face", "Use another")
    animation = SimpleNamespace(times=range(101), rate=24.0, spans=lambda status: [])
    return SimpleNamespace(animation=animation, speed=7.0, folder=folder)


def test_a_video_has_a_bar_or_a_line_for_every_tenth(tmp_path, monkeypatch, capsys):
    given = ["clip.mp4", "--animation", "--out", str(tmp_path)]
    with screen(monkeypatch, (24, 120)) as lines:
        assert animate.main(given, animated) == 0
    last = [line for line in lines if "left" in line][-1]
    assert re.match(r"100%\|.*Following the face: frame 100 of 100, .* left", last)
    assert any("101 frames at 24 per second, 7.0 frames/s" in line for line in lines)
    assert animate.main(given, animated) == 0
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if "%" in line] == [
        f"{number:3}% Following the face: frame {number} of 100" for number in range(0, 101, 10)
    ]
    assert animate.main([*given, "--quiet"], animated) == 0
    assert capsys.readouterr().err == ""
    assert animate.main(["bad.mp4", *given[1:], "--quiet"], animated) == 1
    assert capsys.readouterr().err == "error: No face. Use another\n"


def test_a_terminal_that_is_gone_ends_no_work(monkeypatch):
    class Gone:
        def isatty(self):
            return False

        def write(self, text):
            raise BrokenPipeError

        flush = write

    monkeypatch.setattr(sys, "stderr", Gone())
    terminal.say("nobody reads it")
    with terminal.Photos(1):
        terminal.say("nor this")
