"""``blender -b --command effigy``: photos become heads without a window."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import bpy

from ..ml.batch import collect_photos, plan
from ..ml.errors import HeadError, UsageError
from ..ml.results.report import Row, summary, write_report
from ..ml.settings import DETAIL_MODES, LEVELS, Settings
from .export import WRITERS
from .jobs.job import ReconstructionJob
from .jobs.person import PersonJob
from .reporting import call
from .runtime import engine, engine_python

NAME = "effigy"
OK, SOME_FAILED, WRONG_USAGE = 0, 1, 2
_FORMATS = ("blend", "glb", "fbx", "usd")


def run(arguments: Sequence[str]) -> int:
    """Entry point of the command; returns its exit status.

    0: every photo succeeded. 1: some failed, or the engine is not there. 2: wrong usage.
    """
    try:
        options = _parser().parse_args(list(arguments))
    except SystemExit as stop:  # argparse exits; inside Blender that would skip its own end
        return int(stop.code or OK)
    try:
        return _reconstruct(options)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USAGE
    except HeadError as error:
        print(f"error: {error}", file=sys.stderr)
        return SOME_FAILED
    finally:
        engine.stop()


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--output", type=Path, required=True, help="folder for the results")
    shared.add_argument(
        "--face",
        default="prominent",
        type=_face,
        help='"prominent" (default), "all", or a number counted from the most prominent',
    )
    shared.add_argument(
        "--level", default="base", choices=LEVELS, help="how fine the mesh is (default: base)"
    )
    shared.add_argument(
        "--detail",
        default=Settings().detail,
        choices=DETAIL_MODES,
        help="folds and lumps (default: %(default)s)",
    )
    shared.add_argument(
        "--same-person",
        action="store_true",
        help="all photos show one person: one head, a camera and an expression for each photo",
    )
    for name in _FORMATS:
        shared.add_argument(f"--{name}", action="store_true", help=f"also write a .{name} file")
    parser = argparse.ArgumentParser(
        prog=f"blender -b --command {NAME}", description="Portrait photos become 3D heads."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("reconstruct", parents=[shared], help="reconstruct these photos")
    one.add_argument("photos", nargs="+", metavar="PHOTO")
    many = commands.add_parser("batch", parents=[shared], help="reconstruct a folder of photos")
    many.add_argument("folder", metavar="FOLDER")
    many.add_argument("--recursive", action="store_true", help="also the folders below")
    return parser


def _face(text: str) -> str:
    if text in ("prominent", "all") or (text.isdecimal() and int(text) > 0):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is neither prominent, all nor a number from 1")


def _reconstruct(options: argparse.Namespace) -> int:
    formats = [name for name in _FORMATS if getattr(options, name)]
    settings = bpy.context.scene.effigy.as_request()
    settings |= {"face": options.face, "level": options.level, "detail": options.detail}
    job = _job(options, settings, lambda directory: _write_files(directory, formats))
    while not job.step():
        time.sleep(0.02)
    if options.same_person:
        for row in job.rows:
            _print_row(row)
    report = write_report(job.rows, options.output)
    print(f"{summary(job.rows)} ({report})")
    return OK if all(row.status == "ok" for row in job.rows) else SOME_FAILED


def _job(
    options: argparse.Namespace, settings: dict[str, Any], on_head: Callable[[Path], None]
) -> ReconstructionJob | PersonJob:
    executable = engine_python().executable
    photos, output, request = _photos(options), options.output.absolute(), {"settings": settings}
    if not options.same_person:
        return ReconstructionJob(
            lambda data: engine.submit(executable, "reconstruct", data),
            plan(photos, output),
            request,
            on_head,
            _print_row,
        )
    if options.face == "all":
        raise UsageError(
            "--same-person does not go with --face all", "One face of each photo is the person's"
        )
    return PersonJob(
        lambda data: engine.submit(executable, "person", data), photos, output, request, on_head
    )


def _photos(options: argparse.Namespace) -> list[Path]:
    if options.command == "batch":
        return collect_photos([Path(options.folder).absolute()], recursive=options.recursive)
    # A photo that is not there is one failed photo, not a wrong command: the others go on.
    return [Path(photo).absolute() for photo in options.photos]


def _print_row(row: Row) -> None:
    told = f"{row.error}. {row.hint}" if row.error else ", ".join(row.heads)
    print(f"{row.photo}: {row.status} ({row.seconds:.1f} s) {told}", flush=True)


def _write_files(directory: Path, formats: Sequence[str]) -> None:
    """Build the head alone in an empty file and write it in every wanted format."""
    if not formats:
        return
    bpy.ops.wm.read_homefile(use_empty=True)
    call(bpy.ops.effigy.build, directory=str(directory), match_render=True)
    for name in formats:
        if name == "blend":
            path = str(directory / f"{directory.name}.blend")
            call(bpy.ops.wm.save_as_mainfile, filepath=path, check_existing=False)
        else:
            path = str(directory / (directory.name + WRITERS[name.upper()].suffix))
            call(bpy.ops.effigy.export, filepath=path, format=name.upper())
