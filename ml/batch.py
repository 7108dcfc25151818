"""Many photos: what to read, where to write, and going on when one of them fails."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from .errors import HeadError, UsageError
from .results.files import PERSON_NAME
from .results.folder import Wanted, finished_heads, stage, write_failure, write_heads
from .results.person import SamePerson, save_index
from .results.reconstruction import Reconstruction
from .results.report import Row, failed_row, head_row
from .settings import PHOTO_EXTENSIONS, PICTURE_EXTENSIONS, Settings

logger = logging.getLogger(__name__)

Reconstruct = Callable[[Path, Settings], Sequence[Reconstruction]]
ReconstructPerson = Callable[[Sequence[Path], Settings], SamePerson]


@dataclass(frozen=True)
class Task:
    """One photo and the folder for its first head."""

    photo: Path
    folder: Path


@dataclass(frozen=True)
class BatchOptions:
    """How a batch is run.

    Attributes
    ----------
    jobs: processes at a time; 1 works in this process.
    skip_existing: leave photos alone whose result is complete and of this head model.
    preview: also write preview.png beside every head.
    """

    settings: Settings
    jobs: int = 1
    skip_existing: bool = False
    preview: bool = False


def collect_photos(sources: Iterable[Path], *, recursive: bool = False) -> list[Path]:
    """Photos named directly, and those in named folders, sorted within each folder.

    A file named directly is taken whatever it is called: it may be an image all the same.

    Raises
    ------
    UsageError: a path does not exist, or there is no photo at all.
    """
    photos: list[Path] = []
    for source in sources:
        if source.is_dir():
            entries = source.rglob("*") if recursive else source.iterdir()
            photos += sorted(
                p for p in entries if p.suffix.lower() in PICTURE_EXTENSIONS and p.is_file()
            )
        elif source.exists():
            photos.append(source)
        else:
            raise UsageError(f"{source} does not exist", "Check the path")
    unique = list(dict.fromkeys(photos))
    if not unique:
        raise UsageError(
            "No photo was found in what was given",
            f"Name photos, or folders with {', '.join(PHOTO_EXTENSIONS)} files",
        )
    return unique


def plan(photos: Sequence[Path], out: Path) -> list[Task]:
    """A folder for every photo: its stem; ``stem_png`` and then ``stem_2`` where that is taken."""
    taken = {"report.json", "report.csv", PERSON_NAME}
    tasks = []
    for photo in photos:
        extension = photo.suffix.lower().lstrip(".")
        # "...jpg" has the stem "..": a result must never leave its folder.
        for name in _names(photo.stem.strip(". ") or "photo", extension):
            # Some file systems do not tell A from a.
            if name.lower() not in taken:
                taken.add(name.lower())
                tasks.append(Task(photo, out / name))
                break
    return tasks


def _names(stem: str, extension: str) -> Iterator[str]:
    yield stem
    yield f"{stem}_{extension}"
    number = 2
    while True:
        yield f"{stem}_{number}"
        number += 1


def process(task: Task, options: BatchOptions, reconstruct: Reconstruct) -> Row:
    """Reconstruct one photo and write its heads. Never raises for what a photo can cause."""
    begun = time.perf_counter()
    with _failures(task.folder) as failed:
        if options.skip_existing:
            wanted = Wanted(task.photo, options.settings, options.preview)
            if finished := finished_heads(task.folder, wanted):
                return Row(str(task.photo), "skipped", heads=tuple(map(str, finished)))
        heads = reconstruct(task.photo, options.settings)
        folders = write_heads(heads, task.folder, preview=options.preview)
        return head_row(task.photo, heads[0], folders, time.perf_counter() - begun)
    return _failed(task, failed[0], time.perf_counter() - begun)


def process_person(
    tasks: Sequence[Task], out: Path, options: BatchOptions, reconstruct: ReconstructPerson
) -> list[Row]:
    """Reconstruct one person and write the heads. Never raises for what photos can cause."""
    with _failures(out) as failed:
        person = reconstruct([task.photo for task in tasks], options.settings)
        return write_person(person, tasks, out, preview=options.preview)
    return [failed_row(task.photo, failed[0]) for task in tasks]


def write_person(
    person: SamePerson, tasks: Sequence[Task], out: Path, *, preview: bool = False
) -> list[Row]:
    """Write every head into its task's folder and ``person.json`` into ``out``.

    Returns one row per task, in their order. The folders of the tasks lie in ``out``.
    """
    folder_of = {task.photo: task.folder for task in tasks}
    folders = [folder_of[photo] for photo in person.photos]
    begun = time.perf_counter()
    with contextlib.ExitStack() as stack:
        waiting = stage(person.heads, folders, stack, preview=preview)
        # The earlier index must not vouch for heads that are being replaced.
        (out / PERSON_NAME).unlink(missing_ok=True)
        for replacement in waiting:
            replacement.commit()
    save_index(person, folders, out)
    writing = (time.perf_counter() - begun) / len(folders)
    rows: dict[Path, Row] = {}
    for photo, head, folder in zip(person.photos, person.heads, folders, strict=True):
        seconds = sum(head.timings.steps.values()) / 1000 + writing
        rows[photo] = head_row(photo, head, [folder], seconds)
    for item in person.left_out:
        rows[item.photo] = failed_row(item.photo, item.error)
    return [rows[task.photo] for task in tasks]


@contextlib.contextmanager
def _failures(target: Path) -> Iterator[list[HeadError]]:
    """Collect, as errors with a remedy, what goes wrong while ``target`` is made and written."""
    failed: list[HeadError] = []
    try:
        yield failed
    except HeadError as error:
        failed.append(error)
    except OSError as error:
        hint = "Check that the folder can be written to and that the disk is not full"
        failed.append(HeadError(f"Cannot write {target} ({error})", hint))
    except Exception as error:
        # A fault in one photo must not cost the others; the log has its traceback.
        logger.exception("unexpected error while making %s", target)
        hint = "Please report this with the photo's format and the log above"
        failed.append(HeadError(f"Unexpected error: {error!r}", hint))


def _failed(task: Task, error: HeadError, seconds: float) -> Row:
    """The row of a failed photo; its folder says so too."""
    # Where nothing can be written the report alone says what happened.
    with contextlib.suppress(OSError):
        write_failure(task.photo, error, task.folder)
    return failed_row(task.photo, error, seconds)


def run_batch(
    tasks: Sequence[Task], options: BatchOptions, reconstruct: Reconstruct
) -> Iterator[Row]:
    """Rows in the order in which photos are finished."""
    if options.jobs == 1:
        for task in tasks:
            yield process(task, options, reconstruct)
        return
    yield from _run_parallel(tasks, options, reconstruct)


def _run_parallel(
    tasks: Sequence[Task], options: BatchOptions, reconstruct: Reconstruct
) -> Iterator[Row]:
    """One thread per process, each feeding its own: a process that is killed takes only the photo
    it was working on with it."""
    waiting: queue.SimpleQueue[Task] = queue.SimpleQueue()
    done: queue.SimpleQueue[Row] = queue.SimpleQueue()
    stopped = threading.Event()
    for task in tasks:
        waiting.put(task)
    lanes = [
        threading.Thread(
            target=_lane, args=(waiting, done, stopped, options, reconstruct), daemon=True
        )
        for _ in range(min(options.jobs, len(tasks)))
    ]
    for lane in lanes:
        lane.start()
    try:
        for _ in tasks:
            yield done.get()
    finally:
        stopped.set()


def _lane(
    waiting: queue.SimpleQueue[Task],
    done: queue.SimpleQueue[Row],
    stopped: threading.Event,
    options: BatchOptions,
    reconstruct: Reconstruct,
) -> None:
    threads = max(1, (os.cpu_count() or 1) // options.jobs)
    pool = _one_process(threads)
    try:
        while not stopped.is_set():
            try:
                task = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put(pool.submit(process, task, options, reconstruct).result())
            except BrokenProcessPool:
                pool = _one_process(threads)
                hint = "It may have run out of memory: use fewer --jobs, or a smaller photo"
                killed = HeadError(f"The process working on {task.photo} was killed", hint)
                done.put(_failed(task, killed, 0.0))
            except Exception as error:
                # Whoever waits for rows counts on one for every task.
                logger.exception("no answer for %s", task.photo)
                done.put(_failed(task, HeadError(repr(error), "See the log"), 0.0))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _one_process(threads: int) -> ProcessPoolExecutor:
    # Forked processes would inherit locks of torch's and OpenCV's threads.
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, spawn, _limit_threads, (threads,))


def _limit_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
