"""Which photos a batch reads, and the folder that each gets. Results are never photos."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError, explained
from ..file_types import PHOTO_EXTENSIONS, PICTURE_EXTENSIONS
from .files import JSON_NAME, NPZ_NAME, PARTIAL, PERSON_NAME
from .folder import belongs_to_another, photo_digest
from .shard import OF_A_BATCH

logger = logging.getLogger(__name__)

# File systems take 255 bytes; "_face999" and what tells equal names apart need some.
LONGEST_STEM = 220
# Windows' devices: no file or folder there is called so, with or without an extension.
_RESERVED = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE
)
_FACE = re.compile(r"(.+)_face\d+")


@dataclass(frozen=True)
class Task:
    """One photo and the folder for its first head."""

    photo: Path
    folder: Path


def collect_photos(
    sources: Iterable[Path], *, recursive: bool = False, out: Path | None = None
) -> list[Path]:
    """Photos named directly, and those in named folders, sorted within each folder.

    A file named directly is taken whatever it is called: it may be an image all the same. Folders
    of results, and what lies in ``out`` where that is a folder within, are passed over.

    Raises
    ------
    UsageError: a path does not exist or cannot be read, or there is no photo at all.
    """
    photos: list[Path] = []
    for source in sources:
        try:
            if source.is_dir():
                photos += sorted(_photos_in(source, recursive, out))
            elif source.exists():
                photos.append(source)
            else:
                raise UsageError(f"{source} does not exist", "Check the path")
        except OSError as error:
            cause = explained(error, source)
            raise UsageError(cause.message, cause.hint) from error
    unique = _distinct(photos)
    if not unique:
        raise UsageError(
            "No photo was found in what was given",
            f"Name photos, or folders with {', '.join(PHOTO_EXTENSIONS)} files",
        )
    return unique


def _distinct(photos: Iterable[Path]) -> list[Path]:
    """Each photo once, however its path is spelled; a link to a photo is one of its own."""
    unique: dict[str, Path] = {}
    for photo in photos:
        unique.setdefault(os.path.join(os.path.realpath(photo.parent), photo.name), photo)
    return list(unique.values())


def _photos_in(source: Path, recursive: bool, out: Path | None) -> Iterator[Path]:
    results = out.resolve() if out is not None else None
    with os.scandir(source):
        # os.walk alone would pass over a folder that cannot be read.
        pass
    for name, folders, files in os.walk(source, onerror=_unreadable):
        folder = Path(name)
        folders[:] = [item for item in folders if not item.startswith(PARTIAL)] if recursive else []
        if folder != source and folder.resolve() == results:
            folders.clear()
        elif not {JSON_NAME, NPZ_NAME} & set(files):
            paths = (folder / item for item in files)
            yield from (p for p in paths if p.suffix.lower() in PICTURE_EXTENSIONS and p.is_file())


def _unreadable(error: OSError) -> None:
    logger.warning("%s cannot be read (%s)", error.filename, error.strerror)


def plan(photos: Sequence[Path], out: Path) -> list[Task]:
    """A folder for every photo: its stem; ``stem_png`` and then ``stem_2`` where that is taken.

    A folder is taken, too, where it or that of a further face holds a head of another photo. A
    photo that is given twice is planned once.
    """
    names = _Names(out)
    return [Task(photo, out / names.take(photo)) for photo in _distinct(photos)]


def plan_part(photos: Sequence[Path], out: Path, mine: Mapping[Path, str]) -> list[Task]:
    """The folders of the photos in ``mine``: as :func:`plan` chooses for all in an empty ``out``.

    What other shards write there meanwhile changes nothing. Where a folder holds a head of another
    photo, it gets the hash of the relative path after its name. mine: relative paths by photo.
    """
    names = _Names(out, empty=True)
    tasks = [Task(photo, out / names.take(photo)) for photo in _distinct(photos)]
    return [_apart(task, mine[task.photo], names) for task in tasks if task.photo in mine]


def _apart(task: Task, name: str, names: _Names) -> Task:
    if not names.hold_another(task.folder.name, task.photo):
        return task
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()
    return Task(task.photo, task.folder.with_name(f"{folder_stem(task.photo)}_{digest[:12]}"))


class _Names:
    """Names of folders in ``out`` that are free. empty: whatever ``out`` holds."""

    def __init__(self, out: Path, *, empty: bool = False) -> None:
        self._out = out
        self._empty = empty
        self._taken = {PERSON_NAME}
        # By stem, the number below which all are taken: the search must not begin anew each time.
        self._first: dict[str, int] = {}
        # Names whose further faces would get a folder that is taken.
        self._roots: set[str] = set()
        # Links may lead two names to one folder.
        self._places: set[str] = set()
        self._faces: dict[str, list[str]] = {}
        # Where nothing can be listed, writing says why.
        with contextlib.suppress(OSError):
            self._find_faces(os.listdir(out))

    def _find_faces(self, there: Iterable[str]) -> None:
        for name in there:
            if face := _FACE.fullmatch(name):
                self._faces.setdefault(_key(face[1]), []).append(name)

    def take(self, photo: Path) -> str:
        extension = photo.suffix.lower().lstrip(".")
        stem = folder_stem(photo)
        candidates = _names(stem, extension, self._first_number(stem))
        name = next(name for name in candidates if self._is_free(name, photo))
        self._taken.add(_key(name))
        self._places.add(os.path.realpath(self._out / name))
        if face := _FACE.fullmatch(_key(name)):
            self._roots.add(face[1])
        return name

    def _first_number(self, stem: str) -> int:
        key = _key(stem)
        number = self._first.get(key, 2)
        while f"{key}_{number}" in self._taken:
            number += 1
        self._first[key] = number
        return number

    def _is_free(self, name: str, photo: Path) -> bool:
        key = _key(name)
        face = _FACE.fullmatch(key)
        if key in self._taken or key in self._roots or (face and face[1] in self._taken):
            return False
        if OF_A_BATCH.fullmatch(key) or os.path.realpath(self._out / name) in self._places:
            return False
        return self._empty or not self.hold_another(name, photo)

    def hold_another(self, name: str, photo: Path) -> bool:
        """Whether the folder of this name, or of a further face, holds a head of another photo."""
        folders = [self._out / item for item in (name, *self._faces.get(_key(name), ()))]
        # Unlike Path.is_file, it raises nothing where the folder must not be entered.
        there = [folder for folder in folders if os.path.isfile(folder / JSON_NAME)]
        if not there:
            return False
        digest = photo_digest(photo)
        return any(belongs_to_another(folder, digest) for folder in there)


def folder_stem(photo: Path) -> str:
    """The stem of ``photo``, changed where no folder on some system can have that name."""
    # "...jpg" has the stem "..": a result must never leave its folder.
    stem = _short(photo.stem.strip(". ")) or "photo"
    return f"photo_{stem}" if _RESERVED.fullmatch(stem) else stem


def _key(name: str) -> str:
    """Some file systems do not tell A from a, or both ways to write an accent."""
    return unicodedata.normalize("NFC", name).casefold()


def _short(stem: str) -> str:
    """``stem`` of at most LONGEST_STEM bytes as a file system counts them."""
    while len(os.fsencode(stem)) > LONGEST_STEM:
        stem = stem[: -max(1, (len(os.fsencode(stem)) - LONGEST_STEM) // 4)]
    return stem.rstrip(". ")


def _names(stem: str, extension: str, number: int) -> Iterator[str]:
    yield stem
    yield f"{stem}_{extension[:10]}"
    while True:
        yield f"{stem}_{number}"
        number += 1
