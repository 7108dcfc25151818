"""Write the files of a result aside and swap them in; see whether they are whole.

A reader sees the earlier files, the new ones, or no ``reconstruction.json``: it is taken away
first and put back last. Standard library and NumPy only, so that Blender's own Python can use it;
writing images needs Pillow and OpenCV.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

import numpy as np

# Part of this interface: what writes results need not know where archives are written.
from ..assets.archive import write_arrays as write_arrays
from ..data import ByteArray, Detail, FloatArray, HeadMesh
from ..hair.strands import HAIR_NAME
from .detail import DISPLACEMENT_NAME, NORMAL_NAME
from .images import ALBEDO_NAME, PHOTO_NAME
from .png import write_png

NPZ_NAME = "reconstruction.npz"
JSON_NAME = "reconstruction.json"
PREVIEW_NAME = "preview.png"
TURNTABLE_NAME = "turntable.js"
PERSON_NAME = "person.json"
PINS_NAME = "pins.json"
ANIMATION_NAMES = ("animation.npz", "animation.csv")
IMAGE_NAMES = (ALBEDO_NAME, PHOTO_NAME, NORMAL_NAME, DISPLACEMENT_NAME, PREVIEW_NAME)
# All that one run may leave in a folder: what the next one does not make must not stay. Blender
# would build the person of an earlier run instead of the head, or wear an earlier texture.
_OTHER_NAMES = (PERSON_NAME, NPZ_NAME, PINS_NAME, HAIR_NAME, *ANIMATION_NAMES, TURNTABLE_NAME)
RESULT_NAMES = (*_OTHER_NAMES, *IMAGE_NAMES)
PARTIAL = ".partial-"
LOCK_SECONDS = 60.0
# What writes one file.
Writer = Callable[[], object]
# Files that are compressed at a time: the longest takes about half of the time of all.
WRITERS = 3
_BUSY = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
# The last bytes of a whole file of each kind.
_ENDS = {".png": b"IEND\xaeB`\x82", ".jpg": b"\xff\xd9"}


class Replacement:
    """New files for ``folder``, written into :attr:`aside` and swapped in by :meth:`commit`.

    A context manager: the folder is locked in it, and what was not committed is removed. Everything
    in the folder that no result writes is left alone.

    Raises
    ------
    OSError: the folder cannot be written to, or another run holds it for a minute.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.aside = folder
        self._exit = contextlib.ExitStack()

    def __enter__(self) -> Replacement:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._exit.enter_context(locked(self.folder)):
            _remove_partial(self.folder)
        try:
            self.aside = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=self.folder))
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        shutil.rmtree(self.aside, ignore_errors=True)
        self._exit.close()
        if isinstance(error, OSError):
            _name_lasting(error, self.folder)

    def commit(self) -> None:
        """Swap the new files in. If that fails, the earlier ones are put back."""
        earlier = self.aside / "earlier"
        earlier.mkdir()
        moved: list[tuple[Path, Path]] = []
        try:
            for name in (JSON_NAME, *RESULT_NAMES):
                _move(self.folder / name, earlier / name, moved)
            for name in (*RESULT_NAMES, JSON_NAME):
                _move(self.aside / name, self.folder / name, moved)
        except BaseException:
            for source, target in reversed(moved):
                with contextlib.suppress(FileNotFoundError):
                    os.replace(target, source)
            raise


def _name_lasting(error: OSError, folder: Path) -> None:
    """Let ``error`` name ``folder`` instead of a file aside in it, which is gone by then."""
    path = error.filename
    if isinstance(path, str) and Path(path).is_relative_to(folder) and PARTIAL in path:
        error.filename = str(folder)


def sweep(folder: Path) -> None:
    """Remove what a killed run left half written for ``folder`` and its further faces."""
    for path in [folder, *folder.parent.glob(f"{glob.escape(folder.name)}_face*")]:
        # Where another run writes, or nothing may be removed, nothing is.
        with contextlib.suppress(OSError):
            with locked(path, seconds=0) as certain:
                found = certain and any(path.glob(f"{PARTIAL}*"))
                if found:
                    _remove_partial(path)
            if found and not any(path.iterdir()):
                path.rmdir()


def _remove_partial(folder: Path) -> None:
    """Remove what killed runs left; whoever is alive holds the lock."""
    for path in folder.glob(f"{PARTIAL}*"):
        shutil.rmtree(path, ignore_errors=True)


def _move(source: Path, target: Path, moved: list[tuple[Path, Path]]) -> None:
    moved.append((source, target))
    with contextlib.suppress(FileNotFoundError):
        os.replace(source, target)


@contextlib.contextmanager
def locked(folder: Path, seconds: float | None = None) -> Iterator[bool]:
    """Keep other processes from writing a result into ``folder``.

    Yields whether that is certain: some network drives have no locks. The lock ends with the
    process that holds it, however it ends. seconds: to wait for it; by default a minute.

    Raises
    ------
    OSError: another process holds the lock for longer.
    """
    with _lock_file(folder) as number:
        until = time.monotonic() + (LOCK_SECONDS if seconds is None else seconds)
        while True:
            try:
                _lock(number)
            except OSError as error:
                if error.errno not in _BUSY:
                    yield False
                    return
                if time.monotonic() > until:
                    raise OSError(
                        errno.EAGAIN, "another run is writing here", str(folder)
                    ) from None
                time.sleep(0.02)
            else:
                yield True
                return


if sys.platform == "win32":
    import msvcrt

    @contextlib.contextmanager
    def _lock_file(folder: Path) -> Iterator[int]:
        path = folder / ".lock"
        with path.open("ab") as file:
            yield file.fileno()
        with contextlib.suppress(OSError):
            path.unlink()

    def _lock(number: int) -> None:
        msvcrt.locking(number, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    @contextlib.contextmanager
    def _lock_file(folder: Path) -> Iterator[int]:
        number = os.open(folder, os.O_RDONLY)
        try:
            yield number
        finally:
            os.close(number)

    def _lock(number: int) -> None:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def replacing(path: Path, **how: Any) -> Iterator[IO[str]]:
    """A text file that takes the place of ``path`` when all of it is written, and else never.

    how: as for :func:`open`; the encoding is UTF-8.

    Raises
    ------
    OSError: it cannot be written.
    """
    aside = path.with_name(f"{PARTIAL}{uuid.uuid4().hex}")
    try:
        with aside.open("x", encoding="utf-8", **how) as file:
            yield file
        os.replace(aside, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            aside.unlink()
        if isinstance(error, OSError) and error.filename == str(aside):
            error.filename = str(path)
        raise


def arrays_of(mesh: HeadMesh, detail: Detail | None) -> dict[str, np.ndarray]:
    """The arrays of a result by their names in the ``.npz``."""
    return {
        "vertices": mesh.vertices,
        "vertices_expressed": mesh.vertices_expressed,
        "quads": mesh.quads,
        "uv": mesh.uv,
        "uv_quads": mesh.uv_quads,
        "part": mesh.part,
        "part_names": np.array(mesh.part_names),
        "landmarks_68": mesh.landmarks_68,
        "landmarks_478": mesh.landmarks_478,
        "shape_keys": mesh.shape_keys,
        "shape_key_names": np.array(mesh.expression_names),
        "mask_names": np.array(list(mesh.masks), dtype=str),
        "masks": np.round(255 * _stacked(mesh.masks, (0, len(mesh.vertices)))).astype(np.uint8),
        "joint_names": np.array(list(mesh.joints), dtype=str),
        "joints": _stacked(mesh.joints, (0, 3)),
        **({"detail_offsets": detail.offsets} if detail else {}),
    }


def _stacked(named: Mapping[str, FloatArray], empty: tuple[int, int]) -> FloatArray:
    return np.stack(list(named.values())) if named else np.zeros(empty, np.float32)


def side_by_side(writers: Sequence[Writer]) -> None:
    """Call all ``writers``, some at a time: compressing does not hold up Python's other threads.

    Raises what the first of them that failed raised, when none is at work any more.
    """
    with ThreadPoolExecutor(WRITERS) as pool:
        tasks = [pool.submit(writer) for writer in writers]
        try:
            for task in tasks:
                task.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def write_image(image: ByteArray, path: Path) -> None:
    """Write an image of a result, as the ending of ``path`` says."""
    if path.suffix == ".png":
        write_png(image, path)
        return
    from PIL import Image

    Image.fromarray(image).save(path, quality=92)


def is_whole(path: Path) -> bool:
    """Whether a file of a result is there to its end; its contents are not decoded."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            if path.suffix != ".npz":
                end = _ENDS[path.suffix]
                file.seek(max(0, size - len(end)))
                return file.read() == end
            with ZipFile(file) as archive:
                members = archive.infolist()
                return bool(members) and all(
                    item.header_offset + item.compress_size < size for item in members
                )
    except (OSError, ValueError, BadZipFile, NotImplementedError):
        return False
