"""Albedo on photos: seams, nose's shadow, brows and hue. Nobody knows these people's skin, but its
faults can be measured.

    python -m ml.evaluation skin --data DATA

Seams are steps of brightness in the albedo, on skin without features, where the photo has none;
where nothing of the skin is seen, every step there is one. Steps are differences of the logarithm
over STEP of the texture's side, after a blur that takes out pores.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from skimage.color import rgb2lab

from ...appearance.atlas import Atlas, atlas_of
from ...appearance.confidence import FACE, within
from ...appearance.projection import project, sample, visibility_of
from ...appearance.texture import make_albedo
from ...data import Camera, FloatArray, Photo
from ...errors import NoFaceFound
from ...geometry.colour import LUMINANCE, linear_of
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ...parsing.classes import Parse
from ..benchmark import ONE_FACE, Outcome, add_data_options
from .labels import PHOTO_SETS, read_labels

SIZE = 512
# Steps over this share of the side; the log step that the photo does not explain above which a
# texel lies on a seam; how much stronger than the photo's a step may be, as shine is taken off.
STEP, SEAM, ALLOWED = 3 / 512, 0.09, 1.3
# The photo shows skin from this visibility on.
SEEN = 0.3
# Metres from brows, lids and lips, and the nose's box on the mean head: features have steps.
FEATURE = 0.008
NOSE = ((-0.024, 0.024), (-0.02, 0.05), (0.08, 0.2))
# The skin between nose and upper lip, and the cheeks that it is compared with; x is for one side.
UPPER_LIP = ((0.004, 0.022), (-0.026, -0.012), (0.08, 0.2))
CHEEK = ((0.03, 0.05), (-0.01, 0.01), (0.06, 0.2))
# Probability of a beard, on the mean over the upper lip, from which it is no shadow.
BEARD = 0.25
# Hue angle (degrees) and chroma of skin in CIE Lab under D65, from measurements of populations.
HUE_RANGE, CHROMA_RANGE = (38.0, 70.0), (9.0, 30.0)
DARKEST = 0.003


@dataclass(frozen=True)
class Seen:
    """A face as a photo shows it: ``vertices`` (V, 3) with its expression, in head space."""

    photo: Photo
    camera: Camera
    vertices: FloatArray
    parse: Parse


@dataclass(frozen=True)
class SkinFigures:
    """One albedo.

    Attributes
    ----------
    seams_seen, seams_hidden: per mille of the plain skin, where the photo shows it and elsewhere.
    moustache: how much darker the darker side of the upper lip is than the cheeks, natural
        logarithm; nan if the parse shows a moustache.
    brows: difference of both brows' brightness, natural logarithm.
    hue: degrees of hue and units of chroma outside the ranges of skin, together.
    """

    seams_seen: float
    seams_hidden: float
    moustache: float
    brows: float
    hue: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_data_options(parser)
    parser.add_argument("--set", choices=sorted(PHOTO_SETS), default="wild")
    parser.add_argument("--photos", type=int, default=0, help="only the first; 0: all")


def run(arguments: argparse.Namespace) -> Outcome:
    labelled = read_labels(arguments.data, arguments.set)
    paths = [photo.path for photo in labelled][: arguments.photos or None]
    model = load_head_model()
    rows = {seen.photo.path.name: measure(seen, model) for seen in faces(paths)}
    summary = summarise(list(rows.values()))
    return Outcome(report(summary, len(rows)), {"summary": summary})


def faces(paths: Iterable[Path]) -> Iterator[Seen]:
    """The most prominent face of every photo that shows one."""
    from ...head.mesh import person_of
    from ...photo.read import read_photo
    from ...pipeline.fit import fit_photo
    from ...pipeline.sight import parse_face

    model = load_head_model()
    for path in paths:
        photo = read_photo(path)
        try:
            fit = fit_photo(photo, ONE_FACE, model).fit
        except NoFaceFound:
            continue
        person = person_of(model, fit.coefficients)
        parse = parse_face(photo, fit.camera, person)
        yield Seen(photo, fit.camera, person.expressed, parse)


def measure(seen: Seen, model: HeadModel) -> SkinFigures:
    """The figures of the albedo that Effigy makes of one photo."""
    known = (seen.photo, seen.camera, seen.vertices, model)
    albedo = make_albedo(*known, SIZE, parse=seen.parse)
    atlas, projection = atlas_of(model, SIZE), project(seen.camera, seen.vertices, model)
    visible = visibility_of(*known, atlas, projection)
    colours = sample(seen.photo.rgb, projection.pixels, atlas)
    own = atlas.of_image(albedo.astype(np.float32))
    beard = seen.parse.at(atlas.on(projection.pixels), "beard")
    shown = visible > SEEN
    seams = _seams(own, colours, shown, model, atlas)
    moustache = _moustache(own, model, atlas) if _bare_lip(beard, shown, model, atlas) else np.nan
    return SkinFigures(*seams, moustache, _brows(own, atlas), _off_hue(own, atlas))


def _seams(
    own: FloatArray, photo: FloatArray, shown: np.ndarray, model: HeadModel, atlas: Atlas
) -> tuple[float, float]:
    """Per mille of the plain skin on a seam, where it is seen and where it is not."""
    ears = atlas.on(model.masks["ears"][:, None])[:, 0] > 0.05
    contours = atlas.contours
    apart = np.minimum(np.minimum(contours.lids, contours.brows), contours.lips)
    plain = (atlas.part == model.part_names.index("skin")) & (apart > FEATURE) & ~ears
    plain &= ~within(atlas.mean, NOSE)
    inside = cv2.erode(atlas.image(plain.astype(np.float32), SIZE), np.ones((13, 13)))
    plain = atlas.of_image(inside) > 0
    # A step may lie a few texels beside the photo's own.
    there = atlas.of_image(cv2.dilate(steps(photo, atlas), np.ones((9, 9))))
    here = atlas.of_image(steps(own, atlas))
    seam = here - ALLOWED * there * shown > SEAM
    return tuple(  # type: ignore[return-value]
        1000 * float(seam[plain & where].mean()) if (plain & where).any() else 0.0
        for where in (shown, ~shown)
    )


def steps(colours: FloatArray, atlas: Atlas) -> FloatArray:
    """(S, S) size of the step in log brightness of (N, 3) sRGB colours over STEP of the side."""
    log, known = _log(colours), np.ones(len(colours), np.float32)
    sums = atlas.image(np.column_stack([log, known]).astype(np.float32), SIZE)
    sums = cv2.GaussianBlur(sums, (0, 0), 1.5)
    smooth = sums[..., 0] / np.maximum(sums[..., 1], 1e-3)
    reach = round(STEP * SIZE)
    across, down = (np.roll(smooth, -reach, axis) - np.roll(smooth, reach, axis) for axis in (1, 0))
    return np.asarray(np.hypot(across, down), np.float32)


def _log(colours: FloatArray) -> FloatArray:
    """(N, 3) sRGB 0..255 -> (N,) natural logarithm of the luminance."""
    return np.log(np.maximum(linear_of(colours) @ LUMINANCE, DARKEST))


def _sides(
    box: tuple[tuple[float, float], ...], model: HeadModel, atlas: Atlas
) -> tuple[np.ndarray, np.ndarray]:
    """(N,) bool each: the skin's texels in a box of the mean head, and in its mirror image."""
    flipped = atlas.mean * np.array([-1, 1, 1], np.float32)
    # Gums and teeth lie in the same boxes, behind the skin.
    skin = atlas.part == model.part_names.index("skin")
    return within(atlas.mean, box) & skin, within(flipped, box) & skin


def _bare_lip(beard: FloatArray, shown: np.ndarray, model: HeadModel, atlas: Atlas) -> bool:
    left, right = _sides(UPPER_LIP, model, atlas)
    lip = (left | right) & shown
    return bool(lip.any()) and float(beard[lip].mean()) < BEARD


def _moustache(own: FloatArray, model: HeadModel, atlas: Atlas) -> float:
    log = _log(own)
    lip = min(float(np.median(log[side])) for side in _sides(UPPER_LIP, model, atlas))
    cheeks = float(np.median(log[np.logical_or(*_sides(CHEEK, model, atlas))]))
    return cheeks - lip


def _brows(own: FloatArray, atlas: Atlas) -> float:
    """How much brighter one brow is than the other, natural logarithm."""
    log, inside = _log(own), atlas.contours.brows < -0.001
    left, right = (inside & (side * atlas.mean[:, 0] > 0) for side in (1, -1))
    return abs(float(log[left].mean()) - float(log[right].mean()))


def _off_hue(own: FloatArray, atlas: Atlas) -> float:
    """How far the face's median colour lies outside HUE_RANGE and CHROMA_RANGE."""
    middle = np.median(own[within(atlas.mean, FACE)], axis=0)
    _, a, b = rgb2lab(middle[None, None] / 255)[0, 0]
    hue, chroma = float(np.degrees(np.arctan2(b, a))), float(np.hypot(a, b))
    pairs = ((hue, HUE_RANGE), (chroma, CHROMA_RANGE))
    return sum(max(low - value, value - high, 0.0) for value, (low, high) in pairs)


def summarise(rows: Sequence[SkinFigures]) -> dict[str, dict[str, float]]:
    """Mean and largest of every figure."""
    summary = {}
    for field in fields(SkinFigures):
        values = np.array([getattr(row, field.name) for row in rows], float)
        values = values[np.isfinite(values)]
        if len(values):
            summary[field.name] = {"mean": float(values.mean()), "largest": float(values.max())}
    return summary


def report(summary: dict[str, dict[str, float]], count: int) -> str:
    """The summary as a table."""
    lines = [f"{count} photos{'':10} {'mean':>8} {'largest':>8}"]
    for name, row in summary.items():
        lines.append(f"{name:18} {row['mean']:8.3f} {row['largest']:8.3f}")
    return "\n".join(lines)
