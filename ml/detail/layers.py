"""What the light's model leaves of a photo, taken apart into a layer and heights, on one grid.

The layer is piecewise constant: brows, beards, glasses, make-up and cast shadows, whose edges are
sharp. The heights are smooth, and in a band. Both are found in turns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy import fft

from ..data import FloatArray
from .band import FINEST_MM, average, in_band
from .kernels import flatten
from .solve import Shading

# What a millimetre of edge costs the layer for a natural logarithm of contrast, relative to a
# square millimetre's squared error.
LAYER_PRICE = 1.1
# Edges steeper than this (natural logarithm per mm) bound pieces that are lit or painted in another
# way.
_JUMP = 0.15
# Where nothing is known, the layer is continued by averages this wide.
_AROUND_MM = 8.0
# Heights are found again with residuals weighted down; iterations of each solution.
_REWEIGHTED, _ITERATIONS = 2, 7
# Residuals (natural logarithm) of a good photo, and the largest that are taken for shading.
NOISE, _MOST = 0.05, 0.5


@dataclass(frozen=True)
class Parts:
    """What is found.

    Attributes
    ----------
    layer: (S, S) natural logarithm. flow: (2, S, S) its dual variable, without which a solver that
    continues would first follow the photo. height: (S, S) mm.
    """

    layer: FloatArray
    flow: FloatArray
    height: FloatArray


@dataclass(frozen=True)
class Problem:
    """The photo over the light on its smooth head, on a grid of S texels a side.

    Attributes
    ----------
    residual: (S, S) natural logarithm, 0 where nothing is known. weight: (S, S) 0..1.
    known: (S, S) 0 or 1, where there is any weight. skin: (S, S) 0 or 1, where the head has skin.
    allowed: (S, S) 0..1 factor on heights. bounds: sizes in mm of the finest and the coarsest
    features.
    """

    residual: FloatArray
    weight: FloatArray
    known: FloatArray
    skin: FloatArray
    allowed: FloatArray
    shading: Shading
    bounds: tuple[float, float]

    def reduced(self) -> Problem:
        """The same on half as many texels a side."""
        weight = _half(self.weight)
        shading, seen = self.shading, np.maximum(_half(self.known), 1e-3)
        residual = _half(self.residual * self.weight) / np.maximum(weight, 1e-3)
        known = (weight > 0.02 * max(float(weight.max()), 1e-6)).astype(np.float32)
        return replace(
            self,
            residual=residual * known,
            weight=weight,
            known=known,
            skin=(_half(self.skin) > 0.5).astype(np.float32),
            allowed=_half(self.allowed),
            shading=Shading(
                _half(shading.along_u) / seen, _half(shading.along_v) / seen, 2 * shading.texel_mm
            ),
        )

    def pieces(self, plain: FloatArray) -> FloatArray:
        """(S, S) natural logarithm: what differs across sharp edges only (Horn, 1974).

        The field whose gradient is nearest to the residual's on its sharp edges, and 0 off them.
        plain: (S, S) 0..1, where the face has no sharp edges of its own, as brows are: there they
        are of cast shadows or paint.
        """
        across, down = self._differences()
        texel = self.shading.texel_mm
        steep = cv2.GaussianBlur(np.hypot(across, down), (0, 0), 0.9 / texel) / texel
        sharp = (steep / _JUMP) ** 4
        sharp *= plain / (1 + sharp)
        across, down = across * sharp, down * sharp
        into = across.copy()
        into[:, 1:] -= across[:, :-1]
        into += down
        into[1:] -= down[:-1]
        turns = [2 - 2 * np.cos(2 * np.pi * np.fft.fftfreq(len(into)))] * 2
        waves = turns[0][:, None] + turns[1][None, : len(into) // 2 + 1]
        waves[0, 0] = 1
        return np.asarray(fft.irfft2(-fft.rfft2(into) / waves, s=into.shape), dtype=np.float32)

    def start(self) -> Parts:
        """No heights, and the residual itself as the layer."""
        layer = self._filled(self.residual)
        return Parts(layer, np.zeros((2, *layer.shape), np.float32), np.zeros_like(layer))

    def solved(self, parts: Parts, steps: tuple[int, ...]) -> Parts:
        """Layer and heights in turns, from ``parts``; ``steps`` of the layer in each turn."""
        layer, flow, height = parts.layer.copy(), parts.flow.copy(), parts.height
        ahead = layer.copy()
        price = np.float32(LAYER_PRICE / self.shading.texel_mm)
        for count in steps:
            left = self._filled(self.residual - self.shading.of(height))
            flatten(left, price, count, layer, ahead, flow)
            height = self._heights(layer, height)
        return Parts(layer, flow, height)

    def _filled(self, values: FloatArray) -> FloatArray:
        """(S, S) ``values``, continued from around where nothing is known."""
        around = average(values, self.known, _AROUND_MM)
        return np.where(self.known > 0, values, around).astype(np.float32)

    def _differences(self) -> tuple[FloatArray, FloatArray]:
        """Two (S, S): the residual's differences to the next column and row, 0 where unknown."""
        across, down = np.zeros_like(self.residual), np.zeros_like(self.residual)
        across[:, :-1] = np.diff(self.residual, axis=1) * self.known[:, 1:] * self.known[:, :-1]
        down[:-1] = np.diff(self.residual, axis=0) * self.known[1:] * self.known[:-1]
        return across, down

    def _heights(self, layer: FloatArray, height: FloatArray) -> FloatArray:
        wanted = in_band(self.residual - layer, self.known, *self.bounds)
        wanted = np.clip(wanted, -_MOST, _MOST) * self.known
        trust = self.weight
        for _ in range(_REWEIGHTED):
            height = self.shading.solve(wanted, trust, height, _ITERATIONS)
            off = (wanted - self.shading.of(height)) / (3 * NOISE)
            trust = self.weight / (1 + off**2)
        return in_band(height, self.skin, FINEST_MM, self.bounds[1]) * self.allowed


def enlarged(parts: Parts) -> Parts:
    """The same on twice as many texels a side."""
    layer, across, down = (
        _twice(part, cv2.INTER_LINEAR) for part in (parts.layer, parts.flow[0], parts.flow[1])
    )
    # Differences between texels are half as large, and their price is twice as high.
    flow = 2 * np.stack([across, down])
    return Parts(layer, flow, _twice(parts.height, cv2.INTER_CUBIC))


def _twice(values: FloatArray, way: int) -> FloatArray:
    side = 2 * len(values)
    return np.asarray(cv2.resize(values, (side, side), interpolation=way), dtype=np.float32)


def _half(values: FloatArray) -> FloatArray:
    side = len(values) // 2
    return np.asarray(cv2.resize(values, (side, side), interpolation=cv2.INTER_AREA))
