"""``python -m ml.cli VIDEO --out DIR --animation``: the person of a video, animated.

VIDEO is a video, or a folder with a sequence of images. Writes the person's head into
``DIR/<video>``, as of a photo, and beside it ``animation.npz`` and ``animation.csv``, a table of
Live Link Face. A run that was stopped is gone on with by the same command. Exit status: 0 it
succeeded, 1 it failed or was stopped, 2 wrong usage.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import UsageError, explained
from ..performance.animation import BRIDGED, CSV_NAME, LOST, NPZ_NAME, Animation
from ..results.plan import folder_stem
from ..settings import add_options, settings_of
from ..video.animate import Animated, animate
from .terminal import Interrupts, Steps, say, say_warnings

OK, FAILED, WRONG_USAGE = 0, 1, 2
# Frames that a message about the face's loss names.
_NAMED = 3


def make_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(prog="python -m ml.cli", description=__doc__)
    add = parser.add_argument
    add("source", type=Path, metavar="VIDEO", help="a video, or a folder of images")
    add("--animation", action="store_true", required=True, help="animate the person of a video")
    add("--out", "--output", type=Path, required=True, metavar="DIR", help="folder for the results")
    add("--rate", type=float, metavar="N", help="frames per second (a video's own; 24 of images)")
    add("--quiet", action="store_true", help="say nothing but what fails")
    add_options(parser)
    return parser


def main(arguments: Sequence[str], work: Callable[..., Animated] = animate) -> int:
    """Run the command; tests replace what does the work."""
    parsed = make_parser().parse_args(arguments)
    say_warnings()
    folder = parsed.out / folder_stem(parsed.source)
    with Interrupts():
        try:
            if parsed.rate is not None and not 0 < parsed.rate <= 1000:
                raise UsageError(f"--rate {parsed.rate:g} is not possible", "Use 1 to 1000")
            with Steps(quiet=parsed.quiet) as shown:
                done = work(parsed.source, folder, settings_of(parsed), shown, parsed.rate)
        except KeyboardInterrupt:
            say("Stopped: the same command goes on from there")
            return FAILED
        except Exception as error:  # noqa: BLE001 - whatever it is, it is said in words
            say(f"error: {explained(error, folder)}")
            return WRONG_USAGE if isinstance(error, UsageError) else FAILED
    if not parsed.quiet:
        say(summary(done))
    return OK


def summary(done: Animated) -> str:
    """What was made, and where the face was lost."""
    animation = done.animation
    speed = f", {done.speed:.1f} frames/s" if done.speed else ""
    lines = [
        f"{len(animation.times)} frames at {animation.rate:.4g} per second{speed}",
        f"{done.folder / NPZ_NAME} and {CSV_NAME}",
    ]
    for status, what in ((BRIDGED, "Bridged"), (LOST, "Without the face")):
        if spans := animation.spans(status):
            lines.append(f"{what}: {_frames(animation, spans)}")
    return "\n".join(lines)


def _frames(animation: Animation, spans: Sequence[tuple[int, int]]) -> str:
    named = [f"{first}-{last}" if last > first else f"{first}" for first, last in spans[:_NAMED]]
    more = f" and {len(spans) - _NAMED} more" if len(spans) > _NAMED else ""
    return f"frames {', '.join(named)}{more}"
