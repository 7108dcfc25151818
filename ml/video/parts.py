"""What is known of the frames so far, on disk: a run that was stopped goes on from there."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from ..data import FloatArray
from ..results.files import replacing, write_arrays
from .acquaintance import Acquaintance

ABOUT, CAST = "about.json", "cast.npz"
# Frames of a part.
LENGTH = 128


@dataclass(frozen=True)
class Rows:
    """F frames as the fit found them.

    Attributes
    ----------
    times: (F,) seconds after the first. shot: (F,). seen: (F,) bool, whether the others say
    anything. controls: (F, C) of the expression, see ml.fitting.coherence. variance: (F, C + 6) of
    controls, rotation vector and translation. rotation: (F, 3, 3), translation: (F, 3) head space
    -> camera space. place: (F, P) where the tracker stood after it; see ml.video.rows.
    """

    times: np.ndarray
    shot: np.ndarray
    seen: np.ndarray
    controls: FloatArray
    variance: FloatArray
    rotation: FloatArray
    translation: FloatArray
    place: np.ndarray

    def __len__(self) -> int:
        return len(self.times)


def joined(parts: Sequence[Rows]) -> Rows:
    """All frames of several parts, in their order."""
    names = [item.name for item in fields(Rows)]
    return Rows(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


class Parts:
    """The parts of one run in a folder.

    folder: that exists. key: what they depend on; parts of another are removed. Raises OSError.
    """

    def __init__(self, folder: Path, key: Mapping[str, object]) -> None:
        self.folder = folder
        text = json.dumps(key, sort_keys=True)
        if _text(folder / ABOUT) != text:
            for path in [folder / CAST, *folder.glob("frames-*.npz")]:
                path.unlink(missing_ok=True)
            with replacing(folder / ABOUT) as file:
                file.write(text)
        self._parts: list[Rows] = []
        for path in sorted(folder.glob("frames-*.npz")):
            rows = _rows(path, self.count)
            if rows is None:
                break
            self._parts.append(rows)

    @property
    def count(self) -> int:
        """How many frames are done."""
        return sum(len(part) for part in self._parts)

    @property
    def last(self) -> Rows | None:
        """The last part; None where nothing is done."""
        return self._parts[-1] if self._parts else None

    def add(self, rows: Rows) -> None:
        """Keep the next frames. Raises OSError."""
        names = [item.name for item in fields(Rows)]
        values = {name: getattr(rows, name) for name in names}
        _save(self.folder / f"frames-{self.count:08d}.npz", values)
        self._parts.append(rows)

    def rows(self) -> Rows:
        """All frames."""
        return joined(self._parts)

    def keep_cast(self, identity: FloatArray, focal: float, known: Acquaintance) -> None:
        """Keep who the clip shows. Raises OSError."""
        values = {"identity": identity, "focal": np.array(focal)}
        alone = {"identities": known.identities, "vagueness": known.vagueness}
        _save(self.folder / CAST, values | alone)

    def cast(self) -> tuple[FloatArray, float, Acquaintance] | None:
        """Who the clip shows, as kept; None where that is not known yet."""
        try:
            with np.load(self.folder / CAST, allow_pickle=False) as file:
                known = Acquaintance(file["identities"], file["vagueness"])
                return file["identity"], float(file["focal"]), known
        except (OSError, ValueError, KeyError, EOFError):
            return None

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _rows(path: Path, first: int) -> Rows | None:
    """The part that begins at frame ``first``; None where it is another, or damaged."""
    if path.stem != f"frames-{first:08d}":
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            return Rows(**{item.name: file[item.name] for item in fields(Rows)})
    except Exception:  # noqa: BLE001 - zip files fail in many ways; the frames are made again
        return None


def _save(path: Path, values: Mapping[str, np.ndarray]) -> None:
    aside = path.with_name(f".{path.name}")
    write_arrays(aside, values)
    os.replace(aside, path)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
