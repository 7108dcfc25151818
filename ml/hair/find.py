"""Find a person's hair in a photo: what it looks like, and strands of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data import ByteArray, Camera, FloatArray, Photo
from ..head.mesh import Person
from ..head.model import HeadModel
from ..parsing.classes import Parse
from .colour import Dye, greyed, middle_of, unmixed
from .facial import FacialRead, beard_strands, brow_strands, read_facial
from .flow import Flow, strokes_of
from .ground import Roots, ground_of
from .growth import grown, wishes
from .look import Hair, HairLook
from .read import HairRead, read_hair
from .solid import Solid, solid_of
from .strands import KINDS, Strands
from .view import view_of

# Metres at the root, by kind; hair is about that thick, strands stand for several.
WIDTHS = {"scalp": 1.3e-4, "brow": 8e-5, "beard": 1.1e-4, "moustache": 1.1e-4}
# No point of a strand is nearer to the skin than this, metres, but its root.
CLEAR = 0.0004


@dataclass(frozen=True)
class Shown:
    """A person in a photo. light: (9, 3) harmonics of the light in camera space, or None."""

    photo: Photo
    camera: Camera
    person: Person
    parse: Parse
    light: FloatArray | None = None


def find_hair(shown: Shown, model: HeadModel) -> Hair:
    """The hair of the person in a photo; the same photo gives the same strands."""
    ground, person = ground_of(model), shown.person
    view = view_of(shown.photo, shown.camera, person.expressed, ground.triangles, shown.parse)
    solid = solid_of(person.expressed, model)
    found = _Found(
        Dye(view, solid, shown.light),
        read_hair(view, model, solid),
        read_facial(view, model, solid),
        np.random.default_rng(int(shown.photo.sha256[:16] or "0", 16)),
    )
    rest, parts = solid_of(person.rest, model), list[tuple[FloatArray, FloatArray, ByteArray]]()
    for kind in KINDS:
        roots = _chosen(ground.roots[kind], found.kept(kind, ground.roots[kind]), found.rng)
        points, mask = _grown(kind, roots, found, model)
        colours = found.dye.of(kind, points, mask, found.rng)
        colours = found.cleared(kind, colours, parts[0][2] if parts else colours)
        parts.append((_at_rest(points, roots, (solid, rest)), roots.uv, colours))
    read, facial = found.read, found.facial
    colour = middle_of(parts[0][2] if len(parts[0][2]) else parts[1][2])
    look = HairLook(
        read.length, colour, read.hat, facial.beard, facial.moustache, facial.brows,
        tied=read.knot is not None,
    )  # fmt: skip
    return Hair(look, _joined(parts))


@dataclass(frozen=True)
class _Found:
    """What was found before any strand grows."""

    dye: Dye
    read: HairRead
    facial: FacialRead
    rng: np.random.Generator

    def kept(self, kind: str, roots: Roots) -> FloatArray:
        """(N,) 0..1 how surely a strand grows at each root."""
        if kind == "scalp":
            return roots.points.on(self.read.rooted[:, None])[:, 0]
        return self.facial.kept[kind]

    def cleared(self, kind: str, colours: ByteArray, hair: ByteArray) -> ByteArray:
        """(N, 3) sRGB of strands without the skin that shows through; hair: of the scalp's."""
        if kind == "scalp" and self.read.length == "shaved":
            return greyed(colours)
        if kind == "brow" or (kind == "moustache" and self.facial.thin):
            return unmixed(colours, hair)
        return colours


def _grown(
    kind: str, roots: Roots, found: _Found, model: HeadModel
) -> tuple[FloatArray, FloatArray]:
    """(N, POINTS, 3) strands, and (S, S) 0..1 where the photo shows hair of their kind."""
    view, solid, rng = found.dye.view, found.dye.solid, found.rng
    if kind == "scalp":
        flow = Flow(view, strokes_of(view), solid, found.read)
        wish = wishes(roots, roots.points.on(solid.vertices), found.read, rng)
        return grown(roots, flow, wish, rng), view.hair
    if kind == "brow":
        return brow_strands(solid, model, roots, rng), view.parse.of("brows")
    upper = kind == "moustache"
    strands = beard_strands(solid, roots, found.facial.length, rng, upper=upper)
    return strands, found.facial.lip if upper else view.beard


def _chosen(roots: Roots, kept: FloatArray, rng: np.random.Generator) -> Roots:
    """The roots that the photo keeps, each as likely as ``kept`` (N,) says."""
    return roots.take(np.flatnonzero(kept > 0.05 + 0.9 * rng.random(len(kept))))


def _at_rest(points: FloatArray, roots: Roots, heads: tuple[Solid, Solid]) -> FloatArray:
    """Strands carried by their roots from the first of two heads to the second, outside it."""
    root = roots.points.on(heads[1].vertices)
    moved = points + (root - roots.points.on(heads[0].vertices))[:, None]
    free = moved[:, 1:].reshape(-1, 3)
    # Moved out of one fold of the skin, a point may lie in the next.
    for _ in range(3):
        free = heads[1].pushed_out(free, CLEAR)
    return np.concatenate([root[:, None], free.reshape(moved[:, 1:].shape)], 1)


def _joined(parts: list[tuple[FloatArray, FloatArray, ByteArray]]) -> Strands:
    count = [len(part[0]) for part in parts]
    kind = np.repeat(np.arange(len(KINDS)), count).astype(np.uint8)
    widths = np.array([WIDTHS[name] for name in KINDS], np.float32)
    points, uv, colour = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Strands(points.astype(np.float32), uv, kind, colour, widths[kind])
