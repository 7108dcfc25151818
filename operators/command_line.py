"""``blender -b --command effigy``: photos become heads without a window."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from ..ml.errors import HeadError, UsageError, explained
from ..ml.pins.shipped import pins_for_photos, pins_in_json
from ..ml.results.plan import collect_photos, plan
from ..ml.results.report import Row, conclusion, warnings_about
from ..ml.settings import add_options, settings_of
from .export_formats import WRITERS
from .export_profiles import PROFILES
from .jobs.reconstruction import Order, make_job
from .reporting import KNOWN, call_operator
from .runtime import check_online, engine
from .scene.bone_names import EFFIGY, SCHEMES

NAME = "effigy"
OK, SOME_FAILED, WRONG_USAGE = 0, 1, 2
# Suffix by flag. A .blend is the whole file, the other formats hold the head alone.
_PROFILE = "profile"
_FORMATS = {"blend": ".blend"} | {kind.lower(): writer.suffix for kind, writer in WRITERS.items()}


def run(arguments: Sequence[str]) -> int:
    """Entry point of the command; returns its exit status.

    0: every photo succeeded. 1: some failed, or there is no engine. 2: wrong usage.
    """
    try:
        parsed = make_parser().parse_args(list(arguments))
    except SystemExit as stop:  # argparse exits; inside Blender that would skip its own end
        return int(stop.code or OK)
    try:
        return _reconstruct(parsed)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USAGE
    except KNOWN as error:
        print(f"error: {explained(error)}", file=sys.stderr)
        return SOME_FAILED
    finally:
        engine.stop()


def make_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    shared = argparse.ArgumentParser(add_help=False)
    add = shared.add_argument
    add("--out", "--output", type=Path, required=True, metavar="DIR", help="folder for the results")
    add_options(shared)
    add("--same-person", action="store_true", help="all photos show one person: one head")
    add("--pins", type=Path, metavar="PINS", help="pins.json: what the heads are to follow")
    for name, suffix in _FORMATS.items():
        add(f"--{name}", action="store_true", help=f"also write the head as a {suffix} file")
    add(
        "--bone-names",
        choices=[scheme.lower() for scheme in SCHEMES],
        help="give the head its rig, with these names of bones",
    )
    for name, given in _export_options().items():
        add(f"--{name.replace('_', '-')}", **given)
    parser = argparse.ArgumentParser(
        prog=f"blender -b --command {NAME}", description="Portrait photos become 3D heads."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("reconstruct", parents=[shared], help="reconstruct these photos")
    one.add_argument("photos", nargs="+", metavar="PHOTO")
    many = commands.add_parser("batch", parents=[shared], help="reconstruct a folder of photos")
    many.add_argument("folder", metavar="FOLDER")
    many.add_argument("--recursive", action="store_true", help="also look into folders within it")
    return parser


def _export_options() -> dict[str, dict[str, Any]]:
    """The options of the exporter by name, for the parser; new heads have no animation to write."""
    found: dict[str, dict[str, Any]] = {}
    for each in bpy.ops.effigy.export.get_rna_type().properties:
        if each.is_hidden or each.is_skip_save or each.identifier == "animation":
            continue
        if each.type == "BOOLEAN":
            found[each.identifier] = {"action": "store_true", "help": each.description}
        elif each.type == "ENUM":
            choices = [item.identifier.lower() for item in each.enum_items]
            default = each.default.lower()
            found[each.identifier] = {
                "choices": choices,
                "default": default,
                "help": each.description,
            }
    for name in ("root_bone", _PROFILE):
        found[name]["help"] += "; the head gets its rig"
    return found


def _reconstruct(parsed: argparse.Namespace) -> int:
    formats = [name for name in _FORMATS if getattr(parsed, name)]
    if parsed.profile != "none":
        formats.append(_PROFILE)
    out, settings = parsed.out.absolute(), settings_of(parsed)
    if settings.allow_download:
        check_online("nothing can be downloaded", "leave out --allow-download")
    if parsed.same_person and settings.skip_existing:
        raise UsageError(
            "--same-person does not go with --skip-existing", "All photos are fitted together"
        )
    photos = _photos(parsed)
    order = Order(plan(photos, out), settings, out, parsed.same_person, pins=_pins(parsed, photos))
    options = {name: _given(parsed, name) for name in _export_options()}
    bones = parsed.bone_names.upper() if parsed.bone_names else ""
    unwritten: list[Path] = []

    def write(folder: Path) -> None:
        unwritten.extend(_write(folder, formats, options, bones))

    job = make_job(order, write, _print_row)
    while not job.step():
        time.sleep(0.02)
    print(conclusion(job.rows, job.write_report(), out))
    if unwritten:
        print(f"Not written: {', '.join(map(str, unwritten))}", file=sys.stderr)
        return SOME_FAILED
    return OK if all(row.status in ("ok", "skipped") for row in job.rows) else SOME_FAILED


def _given(parsed: argparse.Namespace, name: str) -> Any:
    """An option of the exporter, as its operator takes it."""
    value = getattr(parsed, name)
    return value.upper() if isinstance(value, str) else value


def _photos(parsed: argparse.Namespace) -> list[Path]:
    if parsed.command == "batch":
        return collect_photos([Path(parsed.folder).absolute()], recursive=parsed.recursive)
    # A photo that is not there is one failed photo, not a wrong command: the others go on.
    return [Path(photo).absolute() for photo in parsed.photos]


def _pins(parsed: argparse.Namespace, photos: Sequence[Path]) -> dict[str, Any] | None:
    if parsed.pins is None:
        return None
    return pins_in_json(pins_for_photos(parsed.pins.absolute(), photos, settings_of(parsed)))


def _print_row(row: Row) -> None:
    result = f"{row.error}. {row.hint}" if row.error else ", ".join(row.heads)
    print(f"{row.photo}: {row.status} ({row.seconds:.1f} s) {result}", flush=True)
    if warnings := warnings_about(row):
        print(f"    {warnings}", flush=True)


def _write(
    directory: Path, formats: Sequence[str], options: dict[str, Any], bones: str = ""
) -> list[Path]:
    """Build the head alone in an empty file and write it in every wanted format.

    bones: the rig's names of bones; empty: a rig only where an option needs it.
    Returns the files that could not be written, and says why: the photo itself has not failed.
    """
    if not formats:
        return []
    bpy.ops.wm.read_homefile(use_empty=True)
    call_operator(bpy.ops.effigy.build, directory=str(directory), match_render=True)
    if bones or options["root_bone"] or _PROFILE in formats:
        call_operator(bpy.ops.effigy.rig, add=True, names=bones or EFFIGY)
    unwritten = []
    for name in formats:
        path = directory / (directory.name + _suffix(name, options))
        try:
            _write_file(path, name, options)
        except HeadError as error:
            print(f"{path} was not written: {error}", file=sys.stderr, flush=True)
            unwritten.append(path)
    return unwritten


def _suffix(name: str, options: dict[str, Any]) -> str:
    if name != _PROFILE:
        return _FORMATS[name]
    profile = PROFILES[options[_PROFILE]]
    return f"-{options[_PROFILE].lower()}{profile.suffix or WRITERS[profile.format].suffix}"


def _write_file(path: Path, name: str, options: dict[str, Any]) -> None:
    if name == "blend":
        call_operator(bpy.ops.wm.save_as_mainfile, filepath=str(path), check_existing=False)
    elif name == _PROFILE:
        call_operator(bpy.ops.effigy.export, filepath=str(path), **options)
    else:
        plain = options | {_PROFILE: "NONE", "levels": False}
        call_operator(bpy.ops.effigy.export, filepath=str(path), format=name.upper(), **plain)
