"""Photos and clay renders of the heads in them, embedded and compared."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ...data import ByteArray, FaceBox, FloatArray
from ...errors import HeadError, UsageError
from ...photo.crop import crop_to_photo, warp_crop
from ...photo.read import read_photo
from ..peers import Peer, run_peer
from .clay import VIEWS, ClayHead, View, camera_of_view, draw_clay, in_crop
from .heads import MakeHeads, mean_face
from .ranks import Estimate, figures, ranks_of

SCRIPT = Path(__file__).parent / "dlib_peer.py"
REMEDY = "Name a Python with `pip install dlib-bin face-recognition-models` by --recogniser"
# Pixels of a crop, its side in extents of the landmarks, and how far above their middle its own is.
SIDE, MARGIN, ABOVE = 256, 1.9, 0.06
MEAN_FACE = "mean face"
FEWEST = 2


@dataclass(frozen=True)
class Sample:
    """A (SIDE, SIDE, 3) picture of a face and its (68, 2) landmarks in it, pixels."""

    picture: ByteArray
    points: FloatArray


# (N, D) embeddings of N samples.
Embed = Callable[[Sequence[Sample]], np.ndarray]


@dataclass(frozen=True)
class Sitting:
    """One photo: its crop by variant (fits differ), and the renders by variant and view."""

    photo: Path
    crops: dict[str, Sample]
    renders: dict[tuple[str, str], Sample]


@dataclass(frozen=True)
class Likeness:
    """Figures of a set of photos.

    Attributes
    ----------
    photos: how many have a head in every variant. left_out: why the others have none, by name.
    figures: by variant, view and name of the figure.
    """

    photos: int
    left_out: dict[str, str]
    figures: dict[str, dict[str, dict[str, Estimate]]] = field(default_factory=dict)


def recogniser_of(python: Path) -> Embed:
    """dlib's face recogniser in the environment of the interpreter ``python``.

    Raises
    ------
    EngineUnavailable: now, and not after all heads are drawn.
    """
    peer = Peer("dlib", SCRIPT, python, REMEDY)

    def embed(samples: Sequence[Sample]) -> np.ndarray:
        points = np.array([sample.points for sample in samples]).reshape(-1, 68, 2)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            np.save(folder / "points.npy", points)
            return run_peer(peer, [sample.picture for sample in samples], folder)["embeddings"]

    embed(())
    return embed


def sittings(
    photos: Sequence[Path], make: MakeHeads, strengths: Sequence[float], left_out: dict[str, str]
) -> Iterator[Sitting]:
    """Every photo in which heads are found; the others are added to ``left_out``."""
    for photo in tqdm(photos, desc="clay", leave=False):
        try:
            heads = make(photo)
        except HeadError as error:
            left_out[photo.name] = error.message
            continue
        yield sitting_of(photo, heads, strengths)


def sitting_of(photo: Path, heads: Mapping[str, ClayHead], strengths: Sequence[float]) -> Sitting:
    """The photo's crops, and all renders: the mean face's are in the first head's camera."""
    sitting, rgb = Sitting(photo, {}, {}), read_photo(photo).rgb
    first = next(iter(heads.values()))
    _sit(sitting, rgb, first, {MEAN_FACE: (mean_face(first), 0.0)})
    for name, head in heads.items():
        _sit(sitting, rgb, head, {title(name, s, strengths): (head, s) for s in strengths})
    return sitting


def _sit(
    sitting: Sitting, rgb: ByteArray, head: ClayHead, shown: Mapping[str, tuple[ClayHead, float]]
) -> None:
    """Add the photo, cropped round ``head``, and what is ``shown`` there, by variant."""
    points = head.camera.project(head.landmarks)
    to_photo = crop_round(points)
    placed = (points - to_photo[:, 2]) / to_photo[0, 0]
    crop = Sample(warp_crop(rgb, to_photo, SIDE), placed)
    for name, (clay, strength) in shown.items():
        sitting.crops[name] = crop
        for view in VIEWS:
            sitting.renders[name, view.name] = _render(clay, view, to_photo, strength)


def title(name: str, strength: float, strengths: Sequence[float]) -> str:
    """The variant's name; with its strength, if there are several."""
    return f"{name} x{strength:g}" if len(strengths) > 1 else name


def crop_round(points: FloatArray) -> FloatArray:
    """(2, 3) from the pixels of an upright crop to the photo's, for (68, 2) landmarks."""
    low, high = points.min(0), points.max(0)
    side = MARGIN * float((high - low).max())
    middle = (low + high) / 2
    box = FaceBox((float(middle[0]), float(middle[1]) - ABOVE * side), side)
    return crop_to_photo(box, SIDE)


def _render(head: ClayHead, view: View, to_photo: FloatArray, strength: float) -> Sample:
    camera = in_crop(camera_of_view(head, view), to_photo, SIDE)
    return Sample(draw_clay(head, camera, view, strength), camera.project(head.landmarks))


def likeness_of(sat: Sequence[Sitting], left_out: dict[str, str], embed: Embed) -> Likeness:
    """Ranks of every variant.

    Raises
    ------
    EngineUnavailable: the recogniser cannot be run. UsageError: there are fewer than two heads.
    """
    if len(sat) < FEWEST:
        raise UsageError(
            f"Heads were found in {len(sat)} photos, and one person cannot be taken for another",
            "Name a folder with photos of several people",
        )
    variants = list(sat[0].crops)
    samples = [one.crops[name] for one in sat for name in variants]
    samples += [sample for one in sat for sample in one.renders.values()]
    known = _embedded(samples, embed)
    found = Likeness(len(sat), left_out)
    for name in variants:
        photos = np.stack([known[id(one.crops[name])] for one in sat])
        found.figures[name] = {}
        for view in VIEWS:
            renders = np.stack([known[id(one.renders[name, view.name])] for one in sat])
            found.figures[name][view.name] = figures(ranks_of(renders, photos))
    return found


def _embedded(samples: Sequence[Sample], embed: Embed) -> dict[int, np.ndarray]:
    """Embeddings by the samples' ``id``; what is the same picture is embedded only once."""
    distinct: dict[bytes, Sample] = {}
    key_of: dict[int, bytes] = {}
    for sample in samples:
        key = hashlib.sha256(sample.picture.tobytes() + sample.points.tobytes()).digest()
        key_of[id(sample)] = key
        distinct.setdefault(key, sample)
    known = dict(zip(distinct, embed(list(distinct.values())), strict=True))
    return {number: known[key] for number, key in key_of.items()}
