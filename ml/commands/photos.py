"""What the command line does with photos: the plan of a run, its rows, and the reports."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..batch import BatchOptions, Reconstruct, ReconstructPerson, process_person, run_batch
from ..errors import HeadError, UsageError, explained
from ..pins.pins import Pins
from ..pipeline.cluster import Cluster, check_address
from ..results.plan import Task, collect_photos, plan, plan_part
from ..results.report import Row, RowLog, Share, all_done, conclusion, write_report
from ..results.shard import relative_names, shard_of
from ..settings import settings_of
from .coefficients import Coefficients, Estimating, store_for
from .pipelines import estimate_photo, reconstruct_person, reconstruct_photo
from .terminal import Interrupts, Photos, say, say_warnings

OK, SOME_FAILED, WRONG_USAGE = 0, 1, 2
HEADS, COEFFICIENTS = "heads", "coefficients"
KINDS = ("npz", "parquet")


@dataclass(frozen=True)
class Work:
    """What this run has to do.

    Attributes
    ----------
    tasks: its photos, with the folders of their heads.
    names: of all photos of the batch, their paths below the folders that they were found in.
    share: which part of the batch they are. out: where the reports are kept.
    """

    tasks: Sequence[Task]
    names: Mapping[Path, str]
    share: Share
    out: Path


@dataclass(frozen=True)
class Pipelines:
    """What makes heads, or only coefficients, of photos; tests replace them."""

    one: Reconstruct
    person: ReconstructPerson
    estimating: Estimating


def run(
    parsed: argparse.Namespace,
    reconstruct: Reconstruct | None = None,
    of_a_person: ReconstructPerson | None = None,
    estimating: Estimating | None = None,
) -> int:
    """Do what the command line in ``parsed`` says; return the exit status."""
    pipelines = Pipelines(
        reconstruct or reconstruct_photo,
        of_a_person or reconstruct_person,
        estimating or estimate_photo,
    )
    with contextlib.ExitStack() as stack:
        interrupts = stack.enter_context(Interrupts())
        say_warnings()
        try:
            options = _options(parsed)
            work = _work(parsed)
            results = stack.enter_context(_results(parsed, work, options, pipelines))
        except (HeadError, OSError) as error:
            say(f"error: {explained(error, parsed.out)}")
            return WRONG_USAGE if isinstance(error, UsageError) else SOME_FAILED
        except KeyboardInterrupt:
            say("Cancelled before the first photo")
            return SOME_FAILED
        rows, written = _collect(results, work, interrupts, parsed)
        report = write_report(rows, work.out, work.share.shard, parsed.consent)
    if not (parsed.quiet and report):
        say(conclusion(rows, report, work.out))
    done = written and all_done(rows, accept_failures=parsed.accept_failures)
    return OK if done else SOME_FAILED


@contextlib.contextmanager
def _results(
    parsed: argparse.Namespace, work: Work, options: BatchOptions, pipelines: Pipelines
) -> Iterator[Iterable[Row]]:
    """The rows to come. UsageError: the pins cannot be read, or another run writes there."""
    pins = _pins(parsed, [*work.names])
    if parsed.write == COEFFICIENTS:
        batch = Coefficients(work.tasks, work.names, options)
        with store_for(work.out, work.share.shard, options.settings, parsed.columns) as store:
            yield batch.rows(store, pipelines.estimating)
        return
    one: Any = pipelines.one
    person: Any = pipelines.person
    if pins is not None:
        one, person = partial(one, pins=pins), partial(person, pins=pins)
    if parsed.same_person:
        yield _person_rows(work, options, person)
    else:
        yield run_batch(work.tasks, options, one)


def _work(parsed: argparse.Namespace) -> Work:
    """The photos of this run. UsageError: there are none, or ``--out`` cannot be used."""
    out = parsed.out
    shard = None if parsed.shard is None else shard_of(parsed.shard)
    photos = collect_photos(parsed.sources, recursive=parsed.recursive, out=out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError((cause := explained(error, out)).message, cause.hint) from error
    names = dict(zip(photos, relative_names(photos, parsed.sources), strict=True))
    if shard is None:
        return Work(plan(photos, out), names, Share(), out)
    mine = {photo: name for photo, name in names.items() if shard.holds(name)}
    places = {str(photo): place for place, photo in enumerate(photos) if photo in mine}
    return Work(plan_part(photos, out, mine), names, Share(shard, places), out)


def _collect(
    results: Iterable[Row], work: Work, interrupts: Interrupts, parsed: argparse.Namespace
) -> tuple[list[Row], bool]:
    """A row for every photo, in the order of the photos; those that were not done are cancelled.

    Also whether all that the rows say was written.
    """
    written = True
    log, rows = RowLog(work.out, work.share, goes_on=parsed.skip_existing), dict[str, Row]()
    photos = [str(task.photo) for task in work.tasks]
    try:
        with Photos(len(photos), quiet=parsed.quiet) as shown:
            for row in results:
                rows[row.photo] = row
                log.add(row)
                shown.add(row)
                if interrupts.happened:
                    break
    except KeyboardInterrupt:
        pass
    except (HeadError, OSError) as error:
        written = False
        say(f"error: {explained(error, work.out)}")
    finally:
        if isinstance(results, Generator):
            _end(results, work.out)
    for photo in photos:
        if photo not in rows:
            rows[photo] = Row(photo, "cancelled")
            log.add(rows[photo])
    return [rows[photo] for photo in photos], written


def _end(results: Generator[Row, None, None], out: Path) -> None:
    """End the processes, and let them write what they have."""
    try:
        results.close()
    except (HeadError, OSError) as error:
        say(f"error: {explained(error, out)}")


def _options(parsed: argparse.Namespace) -> BatchOptions:
    if parsed.jobs < 1:
        raise UsageError(f"--jobs {parsed.jobs} is not possible", "Use 1 or more")
    alone = parsed.jobs == 1 and not parsed.skip_existing and parsed.shard is None
    alone = alone and parsed.cluster is None
    if parsed.same_person and not (alone and parsed.face != "all"):
        raise UsageError(
            "--same-person does not go with --jobs, --cluster, --skip-existing, --shard or "
            "--face all",
            "All photos are fitted together, one face in each",
        )
    for name, values in (("write", (HEADS, COEFFICIENTS)), ("columns", KINDS)):
        if getattr(parsed, name) not in values:
            raise UsageError(
                f"Unknown --{name} {getattr(parsed, name)!r}", f"Use one of {', '.join(values)}"
            )
    if parsed.write == COEFFICIENTS and (parsed.same_person or parsed.pins or parsed.preview):
        raise UsageError(
            "--write coefficients does not go with --same-person, --pins or --preview",
            "Leave it out, or those",
        )
    cluster = None
    if parsed.cluster is not None:
        check_address(parsed.cluster)
        told = {} if parsed.quiet else {"say": say}
        cluster = Cluster(parsed.cluster, parsed.jobs, **told)
    settings = settings_of(parsed)
    if cluster is None and settings.device in ("cuda", "mps"):
        # A device that is not there is said once, not of every photo. A cluster's is elsewhere.
        from ..assets.device import place_of

        place_of(settings.device)
    return BatchOptions(settings, parsed.jobs, parsed.preview, cluster)


def _pins(parsed: argparse.Namespace, photos: Sequence[Path]) -> Pins | None:
    """The pins that were named. UsageError: they cannot be read, or are of no named photo."""
    if parsed.pins is None:
        return None
    from ..pins.shipped import pins_for_photos

    return pins_for_photos(parsed.pins, photos, settings_of(parsed))


def _person_rows(
    work: Work, options: BatchOptions, reconstruct: ReconstructPerson
) -> Generator[Row, None, None]:
    yield from process_person(work.tasks, work.out, options, reconstruct)
