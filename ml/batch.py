"""Many photos: what to read, where to write, and going on when one of them fails."""

from __future__ import annotations

import contextlib
import json
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
from typing import Any

from .errors import HeadError, UsageError
from .results.compatibility import current_model
from .results.person import PERSON_NAME
from .results.reconstruction import JSON_NAME, Reconstruction, save_reconstruction
from .results.report import Row
from .settings import Settings

logger = logging.getLogger(__name__)

Walk = Callable[[Path, Settings], Sequence[Reconstruction]]
EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})
PREVIEW_NAME = "preview.png"


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
            photos += sorted(p for p in entries if p.suffix.lower() in EXTENSIONS and p.is_file())
        elif source.exists():
            photos.append(source)
        else:
            raise UsageError(f"{source} does not exist", "Check the path")
    unique = list(dict.fromkeys(photos))
    if not unique:
        raise UsageError(
            "No photo was found in what was given",
            f"Name photos, or folders with {', '.join(sorted(EXTENSIONS))} files",
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


def process(task: Task, options: BatchOptions, walk: Walk) -> Row:
    """Reconstruct one photo and write its heads. Never raises for what a photo can cause."""
    begun = time.perf_counter()
    if options.skip_existing and holds_current(task.folder):
        return Row(str(task.photo), "skipped", heads=(str(task.folder),))
    try:
        heads = walk(task.photo, options.settings)
        folders = write_heads(heads, task.folder, preview=options.preview)
    except HeadError as error:
        return _failed(task, error, begun)
    except OSError as error:
        hint = "Check that the folder can be written to and that the disk is not full"
        return _failed(task, HeadError(f"Cannot write {task.folder} ({error})", hint), begun)
    except Exception as error:
        # A fault in one photo must not cost the others; the log has its traceback.
        logger.exception("unexpected error in %s", task.photo)
        hint = "Please report this with the photo's format and the log above"
        return _failed(task, HeadError(f"Unexpected error: {error!r}", hint), begun)
    return Row(
        str(task.photo),
        "ok",
        round(time.perf_counter() - begun, 3),
        tuple(str(folder) for folder in folders),
        round(heads[0].confidence, 4),
    )


def write_heads(
    heads: Sequence[Reconstruction], folder: Path, *, preview: bool = False
) -> list[Path]:
    """Write the first head to ``folder``, others to ``folder_face2``, ``folder_face3`` ..."""
    folders = []
    for number, head in enumerate(heads, start=1):
        target = folder if number == 1 else folder.with_name(f"{folder.name}_face{number}")
        # A person who was there before would be built instead.
        (target / PERSON_NAME).unlink(missing_ok=True)
        save_reconstruction(head, target)
        if preview:
            from .appearance.preview import save_preview

            save_preview(head, target / PREVIEW_NAME)
        folders.append(target)
    return folders


def is_complete(folder: Path) -> bool:
    """Whether ``folder`` holds a finished head."""
    return _finished(folder) is not None


def holds_current(folder: Path) -> bool:
    """Whether ``folder`` holds a finished head of the head model that this Effigy has."""
    about = _finished(folder) or {}
    model = about.get("model", {})
    return (model.get("id"), model.get("version")) == current_model()


def _finished(folder: Path) -> dict[str, Any] | None:
    try:
        about = json.loads((folder / JSON_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return about if isinstance(about, dict) and about.get("status") == "ok" else None


def _failed(task: Task, error: HeadError, begun: float) -> Row:
    """The row of a failed photo; its folder says so too, unless it holds an earlier head."""
    if not is_complete(task.folder):
        about = {
            "status": "failed",
            "photo": {"name": task.photo.name},
            "error": {"code": error.code, "message": error.message, "hint": error.hint},
        }
        # Where nothing can be written the report alone says what happened.
        with contextlib.suppress(OSError):
            task.folder.mkdir(parents=True, exist_ok=True)
            (task.folder / JSON_NAME).write_text(json.dumps(about, indent=1), encoding="utf-8")
    return Row(
        str(task.photo),
        "failed",
        round(time.perf_counter() - begun, 3),
        code=error.code,
        error=error.message,
        hint=error.hint,
    )


def run_batch(tasks: Sequence[Task], options: BatchOptions, walk: Walk) -> Iterator[Row]:
    """Rows in the order in which photos are finished."""
    if options.jobs == 1:
        for task in tasks:
            yield process(task, options, walk)
        return
    yield from _run_parallel(tasks, options, walk)


def _run_parallel(tasks: Sequence[Task], options: BatchOptions, walk: Walk) -> Iterator[Row]:
    """One thread a lane, each feeding a process of its own: a process that is killed takes only
    the photo it was working on with it."""
    waiting: queue.SimpleQueue[Task] = queue.SimpleQueue()
    done: queue.SimpleQueue[Row] = queue.SimpleQueue()
    stopped = threading.Event()
    for task in tasks:
        waiting.put(task)
    lanes = [
        threading.Thread(target=_lane, args=(waiting, done, stopped, options, walk), daemon=True)
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
    walk: Walk,
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
                done.put(pool.submit(process, task, options, walk).result())
            except BrokenProcessPool:
                pool = _one_process(threads)
                hint = "It may have run out of memory: use fewer --jobs, or a smaller photo"
                killed = HeadError(f"The process working on {task.photo} was killed", hint)
                done.put(_failed(task, killed, time.perf_counter()))
            except Exception as error:
                # Whoever waits for rows counts on one for every task.
                logger.exception("no answer for %s", task.photo)
                done.put(_failed(task, HeadError(repr(error), "See the log"), time.perf_counter()))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _one_process(threads: int) -> ProcessPoolExecutor:
    # Forked processes would inherit locks of torch's and OpenCV's threads.
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, spawn, _limit_threads, (threads,))


def _limit_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
