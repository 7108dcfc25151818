"""From the file of a video to the files of its animation, in a folder with the person's head."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from ..data import Photo, Progress
from ..errors import NoFaceFound, UsageError
from ..head.storage import load_head_model
from ..performance.animation import (
    CSV_NAME,
    NPZ_NAME,
    PARTS_NAME,
    PREVIEW_NAME,
    Animation,
    save_animation,
)
from ..performance.columns import Layout
from ..performance.write import write_performance
from ..pipeline.fit import with_likeness
from ..pipeline.single import complete_head, ignore_progress, part_of, warm_up
from ..pipeline.timing import Clock
from ..results.files import locked, write_image
from ..results.folder import is_complete, photo_digest, write_heads
from ..results.provenance import current_model
from ..settings import OF_THE_RUN, Settings, check_settings
from .background import ahead
from .curves import curves_of
from .follow import Follower, Networks, Role
from .footage import Footage, open_footage
from .identity import find_person
from .parts import LENGTH, Parts
from .preview import Preview
from .rows import Result, place_of, rows_of
from .track import Finders, Sighting, Tracker

# The frame that the head's texture is from.
BEST_NAME = "best_frame.png"
# Frames that go through the networks at once, and bytes that they may take.
BATCH, BATCH_BYTES = 8, 64 << 20
# Of the whole work: until the person is known, until the head is made, until all is followed.
_KNOWN, _MADE, _FOLLOWED = 0.1, 0.15, 0.97


@dataclass(frozen=True)
class Animated:
    """What became of a video.

    Attributes
    ----------
    folder: of the head and the animation. animation: as written. speed: frames per second that
    were followed in this run; 0 if an earlier one had followed all.
    """

    folder: Path
    animation: Animation
    speed: float


def animate(
    path: Path,
    folder: Path,
    settings: Settings,
    progress: Progress | None = None,
    rate: float | None = None,
) -> Animated:
    """Animate the person of a video or sequence of images; the files are written into ``folder``.

    What an earlier run on the same video left unfinished is gone on with. rate: frames per second,
    instead of the video's own.

    Raises
    ------
    VideoUnreadable, ImageUnreadable, NoFaceFound, WeightsMissing, ModelUnreadable, UsageError
    OSError: nothing can be written there, or another run does.
    """
    progress = progress or ignore_progress
    which = _wanted_face(settings)
    progress(0.0, f"Reading {path.name}")
    footage = open_footage(path, rate)
    warm_up(settings)
    kept = folder / PARTS_NAME
    kept.mkdir(parents=True, exist_ok=True)
    with locked(kept):
        parts = Parts(kept, _key(footage, settings))
        clip = _Clip(footage, folder, settings, parts)
        role = clip.role(which, progress)
        speed = clip.follow(role, part_of(progress, _MADE, _FOLLOWED - _MADE))
        progress(_FOLLOWED, "Smoothing the curves")
        animation = clip.animation(role)
        save_animation(animation, folder / NPZ_NAME)
        write_performance(animation.performance(), folder / CSV_NAME, Layout.LIVE_LINK)
        parts.remove()
    progress(1.0, "Done")
    return Animated(folder, animation, speed)


def _wanted_face(settings: Settings) -> int:
    check_settings(settings)
    if settings.face == "all" or settings.landmarks == "face-alignment":
        raise UsageError(
            "A video is animated by one face, with the landmarks of Effigy's own network",
            "Choose the most prominent face or one by its number, and dense landmarks",
        )
    return 0 if settings.face == "prominent" else int(settings.face) - 1


def _key(footage: Footage, settings: Settings) -> dict[str, object]:
    """What the frames' results depend on."""
    return {
        "video": footage.digest,
        "rate": footage.rate,
        "model": list(current_model()),
        "settings": {k: v for k, v in asdict(settings).items() if k not in OF_THE_RUN},
    }


@dataclass(frozen=True)
class _Clip:
    """One run on one video."""

    footage: Footage
    folder: Path
    settings: Settings
    parts: Parts

    def role(self, which: int, progress: Progress) -> Role:
        """Who is followed; their head is written, unless an earlier run did."""
        size = self.footage.width, self.footage.height
        known = self.parts.cast()
        if known is not None and is_complete(self.folder):
            return Role(*known, size)
        share = part_of(progress, 0.0, _KNOWN)
        cast = find_person(self.footage, _finders(), which, share)
        photo, fitted = cast.best
        fitted = with_likeness(fitted, self.settings.likeness)
        photo = _kept(photo, self.folder / BEST_NAME)
        head = complete_head(
            photo, fitted, self.settings, Clock(), part_of(progress, _KNOWN, _MADE - _KNOWN)
        )
        write_heads([head], self.folder)
        who = fitted.fit.coefficients.identity, cast.focal, cast.known
        self.parts.keep_cast(*who)
        return Role(*who, size)

    def follow(self, role: Role, progress: Progress) -> float:
        """Follow the person through the frames that are not done; frames per second."""
        begun, first = time.perf_counter(), self.parts.count
        shape = load_head_model().points("dense")
        preview = Preview(self.parts.folder / PREVIEW_NAME, shape)
        waiting: list[Result] = []
        try:
            for found in self._found(role, first):
                waiting += found
                preview.show(found[-1])
                if len(waiting) >= LENGTH:
                    self.parts.add(rows_of(waiting))
                    waiting = []
                self._say(progress, first, self.parts.count + len(waiting), begun)
        finally:
            if waiting:
                self.parts.add(rows_of(waiting))
        done = self.parts.count - first
        return done / (time.perf_counter() - begun) if done else 0.0

    def animation(self, role: Role) -> Animation:
        """All frames, smoothed. NoFaceFound: none shows the face."""
        rows = self.parts.rows()
        if not rows.seen.any():
            raise NoFaceFound(
                f"The face of {self.footage.path} could not be followed in any frame",
                "Use a video where the face is larger, brighter or less turned away",
            )
        curves = curves_of(rows)
        start = self.footage.start
        return Animation(
            times=rows.times,
            expression=curves.expression.astype(np.float32),
            rotation=curves.rotation.astype(np.float32),
            translation=curves.translation.astype(np.float32),
            intrinsics=role.intrinsics,
            size=np.array(role.size),
            status=curves.status,
            shot=rows.shot,
            deviation=curves.deviation.astype(np.float32),
            rate=self.footage.rate,
            start=float("nan") if start is None else start,
            source=self.footage.path.name,
            drops=self.footage.drops,
        )

    def _found(self, role: Role, first: int) -> Iterator[list[Result]]:
        """What the frames from ``first`` on show, batch by batch."""
        finders, follower = _finders(), _follower(role)
        tracker = Tracker(finders, role.known.doubt)
        # The frame before says whether the first one is a cut.
        frames = self.footage.frames(max(first - 1, 0))
        size = max(1, min(BATCH, BATCH_BYTES // (3 * role.size[0] * role.size[1])))
        with _half_the_threads(), ahead(frames, size) as decoded:
            if last := self.parts.last:
                tracker.begin(place_of(last), next(decoded, None))
            with ahead(_batches(tracker.follow(decoded), size), 2) as batches:
                for batch in batches:
                    yield list(zip(batch, follower.find(batch), strict=True))

    def _say(self, progress: Progress, first: int, done: int, begun: float) -> None:
        speed = (done - first) / max(time.perf_counter() - begun, 1e-6)
        count = self.footage.count
        share = min(done / count, 1.0) if count else 0.5
        of = f" of {count}" if count else ""
        progress(share, f"Following the face: frame {done}{of}, {speed:.0f} frames/s")


def _finders() -> Finders:
    from ..photo.faces import propose_faces
    from ..regressor.regressor import load_regressor

    return Finders(load_regressor().predict, propose_faces)


def _follower(role: Role) -> Follower:
    from ..regressor.expressions import load_expressions
    from ..regressor.surface_refinement import load_surface_refinement

    networks = Networks(load_expressions(), load_surface_refinement())
    return Follower(load_head_model(), role, networks)


def _batches(items: Iterable[Sighting], size: int) -> Iterator[list[Sighting]]:
    batch: list[Sighting] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _kept(photo: Photo, path: Path) -> Photo:
    """The frame as a photo in a file, which may be fitted and dressed again later."""
    aside = path.with_name(f".{path.name}")
    write_image(photo.rgb, aside)
    os.replace(aside, path)
    return replace(photo, path=path, sha256=photo_digest(path))


@contextlib.contextmanager
def _half_the_threads() -> Iterator[None]:
    """Two stages run networks at the same time, each with half of the processors."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))
    try:
        yield
    finally:
        torch.set_num_threads(before)
