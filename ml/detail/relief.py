"""Relief: the face's folds and forms of 2 to 40 mm, from the light that the photo shows on them.

The logarithm of the skin's brightness is taken apart into the light on the fitted head, a piecewise
constant layer, and the shading of a height field; see ml.detail.layers and ml.detail.solve. Nothing
is learned, so there are no weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..data import Detail, FloatArray, HeadMesh
from ..head.model import HeadModel
from ..parsing.classes import Parse
from .band import COARSEST_MM, FINEST_MM, average
from .layers import NOISE, Problem, enlarged
from .light import LEAST, light_and_slopes_on
from .maps import bake
from .noise import noise_of
from .skin import matt_light
from .solve import Shading
from .unwrap import UnwrappedPhoto, unwrap_photo
from .view import PersonView
from .window import SIDE, TEXEL_MM, window_of

# Steps of the layer in each turn, on half as many texels a side and on all.
_COARSE_STEPS, _FINE_STEPS = (120, 40, 40), (12,)
# A feature must cover this many pixels of the photo.
_PIXELS = 1.5
# Scatter of the light's residual in soft and in hard light, and the coarsest feature in hard light.
_SOFT, _HARD, _COARSEST_HARD_MM = 0.3, 0.55, 20.0
# What counts as the face's own form. Brows are hair on a ridge of bone that the light does show.
_FORM = ("skin", "nose", "brows")
# What has sharp edges of its own, and how far round it they lie, in pixels of the parse.
_EDGED, _EDGE_REACH = ("brows", "eyes", "lips", "hair", "beard", "glasses"), 2
# A solution that is smooth and leaves the layer its part falls short of the forms: on portraits a
# face in clay is recognised best at 1.25 of it and more. In hard light, and of a face turned away,
# it is as often wrong as right: it is scaled down to these shares of that.
_GAIN, _HARD_SHARE, _TURNED_SHARE = 1.25, 0.4, 0.5
# Turned by these angles in degrees, a face counts fully and least.
_FACING, _TURNED = 30.0, 60.0


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


@dataclass(frozen=True)
class _Skin:
    """The skin that a photo shows on the window.

    Attributes
    ----------
    bright: (S, S) linear, without shine. weight: (S, S) 0..1. plain: (S, S) 0..1, see
    :meth:`ml.detail.layers.Problem.pieces`. noise: of the natural logarithm of a texel's light.
    """

    bright: FloatArray
    weight: FloatArray
    plain: FloatArray
    noise: float


def find_relief(view: PersonView, model: HeadModel, parse: Parse) -> Relief:
    """The relief of the face that ``view`` shows; zero where it shows too little.

    parse: what the photo's pixels show.

    Raises
    ------
    EngineUnavailable: the renderer is not installed.
    """
    photo = unwrap_photo(view, model)
    window = window_of(model)
    weight = photo.seen * window.allowed * window.skin
    edged = _shown(parse, photo, weight, _EDGED, _EDGE_REACH)
    weight = weight * _shown(parse, photo, weight, _FORM)
    if (weight > 0.3).sum() < 500:
        return Relief(np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32))
    bright, sure = matt_light(photo, weight)
    noise = noise_of(view.rgb, photo, weight > 0.3)
    weight = (weight * sure).astype(np.float32)
    skin = _Skin(bright, weight, np.maximum(1 - 2 * edged, 0), noise)
    problem, hard = _problem(photo, skin, model)
    share = _GAIN * (1 - (1 - _HARD_SHARE) * hard) * _turned_share(view)
    return Relief(np.float32(share) * _heights(problem, photo.pixels_per_mm), weight)


def _shown(
    parse: Parse, photo: UnwrappedPhoto, weight: FloatArray, names: tuple[str, ...], reach: int = 0
) -> FloatArray:
    """(S, S) 0..1: how likely the photo shows one of the classes ``names``, where it has weight.

    reach: see :meth:`ml.parsing.classes.Parse.at`.
    """
    shown = np.zeros_like(weight)
    some = weight > 0
    shown[some] = parse.at(photo.pixels[some], *names, reach=reach)
    return shown


def _turned_share(view: PersonView) -> float:
    """The share of the heights that is kept, by how far the face is turned from the camera."""
    place = view.camera.to_camera_space(view.person.expressed.mean(0))
    facing = -float(view.camera.rotation[:, 2] @ (place / np.linalg.norm(place)))
    angle = np.degrees(np.arccos(np.clip(facing, -1, 1)))
    return float(np.interp(angle, (_FACING, _TURNED), (1, _TURNED_SHARE)))


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


def _heights(problem: Problem, pixels_per_mm: float) -> FloatArray:
    """(S, S) mm. Most is found on half as many texels a side, in a quarter of the time."""
    half = problem.reduced()
    found = enlarged(half.solved(half.start(), _COARSE_STEPS))
    if pixels_per_mm * half.shading.texel_mm < _PIXELS:
        return found.height * problem.allowed
    return problem.solved(found, _FINE_STEPS).height


def _problem(photo: UnwrappedPhoto, skin: _Skin, model: HeadModel) -> tuple[Problem, float]:
    """The skin over the light on its head, and 0..1 how hard the light is."""
    window, weight = window_of(model), skin.weight
    known = (weight > 0.02).astype(np.float32)
    believed = np.float32(min(1.0, (NOISE / max(skin.noise, 1e-6)) ** 2))

    def lit(pieces: FloatArray | None) -> tuple[Problem, float]:
        even = skin.bright if pieces is None else skin.bright * np.exp(-pieces)
        even = np.maximum(even / max(float(np.median(even[weight > 0.05])), 1e-4), 0.04)
        shone = light_and_slopes_on(photo, even, weight, known)
        shown = known * (shone[0] > 0)
        residual = (np.log(even) - np.log(np.maximum(shone[0], LEAST))) * shown
        hard = _hardness(residual[weight > 0.3])
        problem = Problem(
            residual.astype(np.float32),
            weight * shown * believed,
            shown,
            window.skin.astype(np.float32),
            window.allowed,
            Shading(shone[1], shone[2], TEXEL_MM),
            _bounds(photo.pixels_per_mm, hard),
        )
        return problem, hard

    # A light that is fitted across the edge of a cast shadow tilts on either side of it: it is
    # fitted again without the pieces that sharp edges bound.
    first, hard = lit(None)
    return lit(first.pieces(skin.plain))[0], hard


def _hardness(residual: FloatArray) -> float:
    """0 in soft light, 1 in hard light: how far (N,) logarithms scatter round the smooth light."""
    if not len(residual):
        return 1.0
    scatter = 1.48 * float(np.median(np.abs(residual - np.median(residual))))
    return float(np.clip((scatter - _SOFT) / (_HARD - _SOFT), 0, 1))


def _bounds(pixels_per_mm: float, hard: float) -> tuple[float, float]:
    """Sizes in mm of the finest and the coarsest features to be found.

    hard: 0..1. Where light is hard, cast shadows are as wide as forms are, and are not told from
    them.
    """
    finest = max(FINEST_MM, _PIXELS / max(pixels_per_mm, 1e-3))
    coarsest = COARSEST_MM * (_COARSEST_HARD_MM / COARSEST_MM) ** hard
    return finest, max(coarsest, 2 * finest)
