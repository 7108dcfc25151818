"""Writing a person of several photos, with a row a photo for the report."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from .batch import BatchOptions, Task, write_heads
from .errors import HeadError
from .results.person import PERSON_NAME, SamePerson, save_index
from .results.reconstruction import Reconstruction
from .results.report import Row
from .settings import Settings

logger = logging.getLogger(__name__)

PersonWalk = Callable[[Sequence[Path], Settings], SamePerson]


def write_person(
    person: SamePerson, tasks: Sequence[Task], out: Path, *, preview: bool = False
) -> list[Row]:
    """Write every head into its task's folder and ``person.json`` into ``out``.

    Returns a row a task, in their order. The folders of the tasks lie in ``out``.
    """
    # An earlier index must not vouch for heads that are being replaced.
    (out / PERSON_NAME).unlink(missing_ok=True)
    folder_of = {task.photo: task.folder for task in tasks}
    rows: dict[Path, Row] = {}
    for photo, head in zip(person.photos, person.heads, strict=True):
        begun = time.perf_counter()
        write_heads([head], folder_of[photo], preview=preview)
        seconds = sum(head.timings.rooms.values()) / 1000 + time.perf_counter() - begun
        rows[photo] = _row(photo, head, folder_of[photo], seconds)
    save_index(person, [folder_of[photo] for photo in person.photos], out)
    for item in person.left_out:
        rows[item.photo] = failed_row(item.photo, item.error)
    return [rows[task.photo] for task in tasks]


def process_person(
    tasks: Sequence[Task], out: Path, options: BatchOptions, walk: PersonWalk
) -> list[Row]:
    """Reconstruct one person and write the heads. Never raises for what photos can cause."""
    try:
        person = walk([task.photo for task in tasks], options.settings)
        return write_person(person, tasks, out, preview=options.preview)
    except HeadError as error:
        failure = error
    except OSError as error:
        hint = "Check that the folder can be written to and that the disk is not full"
        failure = HeadError(f"Cannot write {out} ({error})", hint)
    except Exception as error:
        logger.exception("unexpected error in photos of one person")
        hint = "Please report this with the photos' format and the log above"
        failure = HeadError(f"Unexpected error: {error!r}", hint)
    return [failed_row(task.photo, failure) for task in tasks]


def failed_row(photo: Path, error: HeadError) -> Row:
    """The row of a photo that gave no head."""
    return Row(str(photo), "failed", code=error.code, error=error.message, hint=error.hint)


def _row(photo: Path, head: Reconstruction, folder: Path, seconds: float) -> Row:
    return Row(
        str(photo), "ok", round(seconds, 3), (str(folder),), round(float(head.confidence), 4)
    )
