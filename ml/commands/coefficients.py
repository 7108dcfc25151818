"""``python -m ml.cli FOLDER --write coefficients``: a file of coefficients instead of heads."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..assets.card import read_card
from ..batch import BatchOptions, failures, no_row, outcomes
from ..head.arkit import EXPRESSION_NAMES
from ..head.storage import EFFIGY_HEAD
from ..results.estimate import Estimate, about_of
from ..results.parquet import load_pyarrow
from ..results.plan import Task
from ..results.report import Row, failed_row, head_row, skipped_row
from ..results.shard import Shard, stem_of
from ..results.store import CoefficientStore
from ..settings import Settings

NAME = "coefficients"
Estimating = Callable[[Path, Settings], Sequence[Estimate]]
Found = tuple[Row, Sequence[Estimate]]


@dataclass(frozen=True)
class Coefficients:
    """The part of a batch that one run does.

    Attributes
    ----------
    tasks: its photos; nothing is written into their folders. names: their paths below the folder
        that they were found in. options: how they are done.
    """

    tasks: Sequence[Task]
    names: Mapping[Path, str]
    options: BatchOptions

    def rows(self, store: CoefficientStore, estimating: Estimating) -> Generator[Row, None, None]:
        """Rows in the order in which photos are finished; the coefficients go to ``store``.

        The file is written when all photos are done: before that there are its parts.

        Raises
        ------
        OSError: coefficients cannot be written.
        """
        options = replace(self.options, cluster=None)
        work = partial(_process, options=options, estimating=estimating)
        waiting = []
        for task in self.tasks:
            known = store.known(task.photo) if self.options.settings.skip_existing else None
            if known is not None:
                yield skipped_row(task.photo, known)
            else:
                store.forget(task.photo)
                waiting.append(task)
        try:
            for task, outcome in outcomes(waiting, self.options, work):
                if isinstance(outcome, BaseException):
                    yield failed_row(task.photo, no_row(task, outcome))
                    continue
                row, faces = outcome
                store.add(self.names[task.photo], faces)
                yield row
        finally:
            store.flush()
        store.finish([task.photo for task in self.tasks])


def store_for(out: Path, shard: Shard | None, settings: Settings, kind: str) -> CoefficientStore:
    """The store of a batch, or of a shard of one, as a file of ``kind``: npz or parquet.

    Raises
    ------
    EngineUnavailable: its package is not installed. WeightsMissing
    """
    if kind == "parquet":
        load_pyarrow()
    path = out / f"{stem_of(NAME, shard)}.{kind}"
    about = about_of(settings, EXPRESSION_NAMES, read_card(EFFIGY_HEAD).licence)
    return CoefficientStore(path, about, goes_on=settings.skip_existing)


def _process(task: Task, options: BatchOptions, estimating: Estimating) -> Found:
    """The coefficients of one photo. Never raises for what a photo can cause."""
    begun = time.perf_counter()
    with failures(task.photo) as errors:
        faces = estimating(task.photo, options.settings)
        return head_row(task.photo, faces[0], [], time.perf_counter() - begun), faces
    return failed_row(task.photo, errors[0], time.perf_counter() - begun), ()
