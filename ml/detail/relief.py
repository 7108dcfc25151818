"""Relief: the face's folds and forms of 2 to 40 mm, from the light that the photo shows on them.

The logarithm of the skin's brightness is taken apart into the light on the fitted head, a piecewise
constant layer, and the shading of a height field; see ml.detail.layers and ml.detail.solve. Nothing
is learned, so there are no weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..data import Detail, FloatArray, HeadMesh
from ..head.model import HeadModel
from ..parsing.classes import Parse
from .band import COARSEST_MM, FINEST_MM, average
from .layers import NOISE, Problem, enlarged
from .light import LEAST, light_and_slopes_on
from .maps import bake
from .noise import noise_of
from .skin import off_brows, skin_light
from .solve import Shading
from .unwrap import UnwrappedPhoto, unwrap_photo
from .view import PersonView
from .window import SIDE, TEXEL_MM, window_of

# Steps of the layer in each turn, on half as many texels a side and on all.
_COARSE_STEPS, _FINE_STEPS = (120, 40, 40), (12,)
# A feature must cover this many pixels of the photo.
_PIXELS = 1.5
# Scatter of the light's residual in soft and in hard light, and the coarsest feature in each.
_SOFT, _HARD, _COARSEST_HARD_MM = 0.25, 0.5, 20.0


@dataclass(frozen=True)
class Relief:
    """Heights on the window, and how well they are known.

    Attributes
    ----------
    height: (S, S) mm along the head's normals, in the band; 0 at lids, lips, nostrils and border.
    weight: (S, S) 0..1, how well the photo shows the skin.
    """

    height: FloatArray
    weight: FloatArray

    def times(self, strength: float) -> Relief:
        """The same with all heights multiplied by ``strength``."""
        return Relief(self.height * np.float32(strength), self.weight)


def find_relief(view: PersonView, model: HeadModel, parse: Parse | None = None) -> Relief:
    """The relief of the face that ``view`` shows; zero where it shows too little.

    parse: what the photo's pixels show; None: colours alone tell skin from what covers it.

    Raises
    ------
    EngineUnavailable: the renderer is not installed.
    """
    photo = unwrap_photo(view, model)
    weight = photo.seen * _usable(model)
    if parse is not None:
        weight = weight * _bare(parse, photo, weight)
    if (weight > 0.3).sum() < 500:
        return Relief(np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32))
    bright, sure = skin_light(photo, weight)
    noise = noise_of(view.rgb, photo, weight > 0.3)
    weight = (weight * sure).astype(np.float32)
    problem = _problem(photo, bright, weight, noise, model)
    return Relief(_heights(problem, photo.pixels_per_mm), weight)


def _bare(parse: Parse, photo: UnwrappedPhoto, weight: FloatArray) -> FloatArray:
    """(S, S) 0..1: how likely the photo shows bare skin of the face."""
    bare = np.zeros_like(weight)
    some = weight > 0
    bare[some] = parse.at(photo.pixels[some], "skin", "nose")
    return bare


def make_detail(relief: Relief, mesh: HeadMesh, model: HeadModel, mode: str = "relief") -> Detail:
    """The detail of ``mesh``, the person's at any level; ``mode`` names it, see ml.settings."""
    return bake(relief.height, mode, mesh, model)


def combined(reliefs: Sequence[Relief]) -> Relief:
    """One person's relief from several photos: what stays across them.

    Folds of one expression appear in some photos only, and are averaged down.
    """
    total = np.sum([relief.weight for relief in reliefs], axis=0)
    shares = [average(relief.weight, np.ones_like(relief.weight), 2.0) + 1e-4 for relief in reliefs]
    height = sum(s * r.height for s, r in zip(shares, reliefs, strict=True))
    return Relief((height / np.sum(shares, axis=0)).astype(np.float32), np.minimum(total, 1))


@lru_cache(maxsize=2)
def _usable(model: HeadModel) -> FloatArray:
    """(S, S) 0..1: where the face's skin may show relief, whoever it is."""
    window = window_of(model)
    return np.asarray(window.allowed * window.skin * off_brows(model), dtype=np.float32)


def _heights(problem: Problem, pixels_per_mm: float) -> FloatArray:
    """(S, S) mm. Most is found on half as many texels a side, in a quarter of the time."""
    half = problem.reduced()
    found = enlarged(half.solved(half.start(), _COARSE_STEPS))
    if pixels_per_mm * half.shading.texel_mm < _PIXELS:
        return found.height * problem.allowed
    return problem.solved(found, _FINE_STEPS).height


def _problem(
    photo: UnwrappedPhoto,
    bright: FloatArray,
    weight: FloatArray,
    noise: float,
    model: HeadModel,
) -> Problem:
    """The photo over the light on its head. ``noise``: of the logarithm of a texel's light."""
    window = window_of(model)
    known = (weight > 0.02).astype(np.float32)
    believed = np.float32(min(1.0, (NOISE / max(noise, 1e-6)) ** 2))

    def lit(pieces: FloatArray | None) -> Problem:
        even = bright if pieces is None else bright * np.exp(-pieces)
        even = np.maximum(even / max(float(np.median(even[weight > 0.05])), 1e-4), 0.04)
        shone = light_and_slopes_on(photo, even, weight, known)
        shown = known * (shone[0] > 0)
        residual = (np.log(even) - np.log(np.maximum(shone[0], LEAST))) * shown
        return Problem(
            residual.astype(np.float32),
            weight * shown * believed,
            shown,
            window.skin.astype(np.float32),
            window.allowed,
            Shading(shone[1], shone[2], TEXEL_MM),
            _bounds(photo.pixels_per_mm, residual[weight > 0.3]),
        )

    # A light that is fitted across the edge of a cast shadow tilts on either side of it: it is
    # fitted again without the pieces that sharp edges bound.
    return lit(lit(None).pieces())


def _bounds(pixels_per_mm: float, residual: FloatArray) -> tuple[float, float]:
    """Sizes in mm of the finest and the coarsest features to be found.

    residual: (N,) of the skin that is seen well. Where light is hard, cast shadows are as wide as
    forms are, and are not told from them.
    """
    finest = max(FINEST_MM, _PIXELS / max(pixels_per_mm, 1e-3))
    scatter = _HARD
    if len(residual):
        scatter = 1.48 * float(np.median(np.abs(residual - np.median(residual))))
    hard = float(np.clip((scatter - _SOFT) / (_HARD - _SOFT), 0, 1))
    coarsest = COARSEST_MM * (_COARSEST_HARD_MM / COARSEST_MM) ** hard
    return finest, max(coarsest, 2 * finest)
