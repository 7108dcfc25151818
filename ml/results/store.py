"""The coefficients of a batch while it runs: kept in parts, and put together in the end.

Parts lie in a folder beside the file and are whole or not there at all, whatever ends the run; the
next one goes on with them. The file has its rows in the order of the photos, as if nothing had
happened.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import HeadError, UsageError
from .columns import Columns, Layout, NpzColumns, blocks, write_npz
from .estimate import Estimate, columns_of, consent_in
from .files import locked
from .folder import photo_digest
from .joined import Joined, open_columns, write_joined
from .origin import now

# Photos that a killed run loses at most, beside those that were worked on.
PART = 128
# What is being written.
_NEW, _JOINED = "new", "joined"


def _made_by(about: dict[str, Any]) -> dict[str, Any]:
    """What rows depend on: all but who noted what, and when."""
    return {name: value for name, value in about.items() if name != "provenance"}


class _Place(NamedTuple):
    """Where a photo's rows are: of ``source`` those from ``start`` to ``end``; and its hash.

    The rest is of its first face.
    """

    digest: str
    source: int
    start: int
    end: int
    confidence: float
    quality: float
    quality_reason: str


_TRUST = ("confidence", "quality", "quality_reason")
_INDEXED = ("path", "sha256", "face", "faces", *_TRUST)


class CoefficientStore:
    """The rows of a batch, for the file ``path``; a context manager, in which no other run has it.

    about: what is the same in all rows. goes_on: rows of earlier runs are kept if they have the
    same ``about``.

    Raises
    ------
    OSError: the folder cannot be written to. UsageError: another run is writing there.
    """

    def __init__(self, path: Path, about: dict[str, Any], *, goes_on: bool) -> None:
        self.path, self.about = path, about
        self._goes_on = goes_on
        self._folder = path.with_suffix(".parts")
        self._sources: list[Columns] = []
        # By the photo's path.
        self._places: dict[str, _Place] = {}
        self._waiting: list[tuple[str, Estimate]] = []
        self._exit = contextlib.ExitStack()
        self._next = 0

    def __enter__(self) -> CoefficientStore:
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._exit.enter_context(locked(self._folder, seconds=0))
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise
            raise UsageError(
                f"Another run is writing {self.path}",
                "Wait until it has ended, or use another --out",
            ) from error
        for name in (_NEW, _JOINED):
            (self._folder / name).unlink(missing_ok=True)
        parts = sorted(self._folder.glob("*.npz"))
        for path in [self.path, *parts] if self._goes_on else []:
            self._take(path)
        if not self._goes_on:
            for path in parts:
                path.unlink()
        self._next = 1 + max((int(path.stem) for path in parts if path.stem.isdecimal()), default=0)
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    def _take(self, path: Path) -> None:
        """Know the rows of a file of an earlier run, unless it is damaged or of other settings."""
        with contextlib.suppress(HeadError):
            source = open_columns(path)
            if _made_by(source.about) == _made_by(self.about):
                self._index(source)

    def _index(self, source: Columns) -> None:
        number = len(self._sources)
        self._sources.append(source)
        for rows in blocks(source.count):
            known = (source.read(name, rows) for name in _INDEXED)
            for row, path, digest, face, faces, *trust in zip(rows, *known, strict=True):
                if face == 1:
                    place = _Place(str(digest), number, int(row), int(row) + int(faces), *trust)
                    self._places[str(path)] = place

    def known(self, photo: Path) -> dict[str, Any] | None:
        """How far the photo's first face can be trusted; None: there are no rows of this photo.

        It is told by its path and bytes. See ml.results.report.skipped_row.
        """
        place = self._places.get(str(photo.absolute()))
        if place is None or place.digest != photo_digest(photo):
            return None
        known = {name: getattr(place, name) for name in _TRUST}
        return known | {"photo_sha256": place.digest}

    def forget(self, photo: Path) -> None:
        """Leave out what earlier runs know of a photo that is done anew."""
        self._places.pop(str(photo.absolute()), None)

    def add(self, name: str, faces: Sequence[Estimate]) -> None:
        """Keep the faces of a photo.

        name: its path below the folder that it was found in. Raises OSError: they cannot be
        written.
        """
        self._waiting += [(name, face) for face in faces]
        if len(self._waiting) >= PART:
            self.flush()

    def flush(self) -> None:
        """Write what is only in memory. Raises OSError."""
        if not self._waiting:
            return
        columns = columns_of(self._waiting)
        given = {
            name: (Layout(values.dtype, values.shape[1:]), [values])
            for name, values in columns.items()
        }
        path = self._folder / f"{self._next:08d}.npz"
        with self._replacing(_NEW, path) as aside:
            write_npz(aside, given, len(self._waiting), self.about)
        self._next += 1
        self._waiting = []
        self._index(NpzColumns(path))

    @contextlib.contextmanager
    def _replacing(self, name: str, path: Path) -> Iterator[Path]:
        """Where a file is written that then takes the place of ``path``."""
        aside = self._folder / name
        try:
            yield aside
        except BaseException:
            # What did not fit must not keep a full disk full.
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)
            raise
        os.replace(aside, path)

    def _statement(self) -> dict[str, Any]:
        """``about`` with the date, and with the note of an earlier run where this one has none."""
        notes = (consent_in(about) for about in (self.about, *(s.about for s in self._sources)))
        said = {"date": now(), "consent": next(filter(None, notes), "")}
        return self.about | {"provenance": self.about["provenance"] | said}

    def finish(self, photos: Sequence[Path]) -> int:
        """Write the file, with the rows of the photos in this order, and return their number.

        Raises
        ------
        OSError: it cannot be written; the parts and the earlier file stay.
        """
        self.flush()
        paths = [str(photo.absolute()) for photo in photos]
        places = [self._places[path] for path in paths if path in self._places]
        faces = [place.end - place.start for place in places]
        if places:
            source = np.repeat([place.source for place in places], faces)
            rows = np.concatenate([np.arange(place.start, place.end) for place in places])
            joined = Joined(self._sources, np.stack([source, rows], axis=1), self._statement())
            with self._replacing(_JOINED, self.path) as aside:
                write_joined(aside, joined, self.path.suffix)
        else:
            self.path.unlink(missing_ok=True)
        for path in self._folder.glob("*.npz"):
            path.unlink()
        return sum(faces)
