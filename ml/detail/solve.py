"""The linear system that a relief solves: preconditioned conjugate gradients on a square grid.

A height field d in mm along the normal changes the logarithm of the light on the skin by

    F d = -c . grad d + KAPPA * Lambda d

where c is how the light's logarithm follows slopes, and Lambda = sqrt(-Laplacian): creases are dark
and ridges bright whatever the light. d minimises

    sum w (h - F d)^2 + STIFFNESS |grad d|^2 + DECAY d^2

F is linear and its adjoint exact: central differences are antisymmetric, Lambda is symmetric.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import fft

from ..data import FloatArray
from .kernels import predict, predict_adjoint

KAPPA, STIFFNESS, DECAY = 0.3, 0.3, 0.002
# Mean square of c where light comes from one side; it only makes the solver faster.
_SLOPES = 0.2
# Conjugate gradients end at this residual, relative to the right-hand side.
_RESIDUAL = 1e-3


class _Spectra(NamedTuple):
    """Factors on the spectrum of (S, S) heights.

    crease: KAPPA * Lambda. prior: STIFFNESS and DECAY. half: the system is solved for v where
    d = half v, with ``half`` the root of the preconditioner: all terms grow as the square of the
    wave number, so that few iterations are enough.
    """

    crease: FloatArray
    prior: FloatArray
    half: FloatArray


@lru_cache(maxsize=4)
def _spectra(side: int, texel_mm: float) -> _Spectra:
    across = 2 * np.pi * np.fft.rfftfreq(side, texel_mm)
    down = 2 * np.pi * np.fft.fftfreq(side, texel_mm)
    waves = np.hypot(down[:, None], across[None]).astype(np.float32)
    system = (STIFFNESS + 0.5 * (KAPPA**2 + _SLOPES)) * waves**2 + DECAY
    return _Spectra(KAPPA * waves, STIFFNESS * waves**2 + DECAY, 1 / np.sqrt(system))


@dataclass(frozen=True)
class Shading:
    """The linear map F of a surface in its light.

    Attributes
    ----------
    along_u, along_v: (S, S) float32, what slopes of 1 along columns and rows subtract from the
        light's logarithm; 0 where nothing is seen.
    texel_mm: width of a texel.
    """

    along_u: FloatArray
    along_v: FloatArray
    texel_mm: float

    def of(self, height: FloatArray) -> FloatArray:
        """(S, S) F d, of (S, S) heights d in mm."""
        crease = self._back(self._factors.crease * fft.rfft2(height))
        return self._predicted(height, crease, np.ones_like(height))

    def solve(
        self, wanted: FloatArray, weight: FloatArray, start: FloatArray, iterations: int
    ) -> FloatArray:
        """(S, S) heights that explain ``wanted``, each texel by its ``weight``."""
        half = self._factors.half
        right = self._back(half * self._from_error(weight * wanted))
        found = self._back(fft.rfft2(start) / half)
        residual = right - self._normal(found, weight)
        way = residual.copy()
        left, enough = _dot(residual, residual), _RESIDUAL**2 * _dot(right, right)
        for _ in range(iterations):
            if left <= enough:
                break
            image = self._normal(way, weight)
            step = np.float32(left / max(_dot(way, image), 1e-20))
            found += step * way
            residual -= step * image
            rest = _dot(residual, residual)
            way *= np.float32(rest / left)
            way += residual
            left = rest
        return self._back(half * fft.rfft2(found))

    @property
    def _factors(self) -> _Spectra:
        return _spectra(len(self.along_u), self.texel_mm)

    @property
    def _per_step(self) -> np.float32:
        return np.float32(0.5 / self.texel_mm)

    def _normal(self, values: FloatArray, weight: FloatArray) -> FloatArray:
        """The system's matrix, between both roots of the preconditioner, times ``values``."""
        crease, prior, half = self._factors
        spectrum = half * fft.rfft2(values)
        height, dark = self._back(spectrum), self._back(crease * spectrum)
        error = self._predicted(height, dark, weight)
        return self._back(half * (self._from_error(error) + prior * spectrum))

    def _predicted(self, height: FloatArray, crease: FloatArray, weight: FloatArray) -> FloatArray:
        out = np.empty_like(height)
        predict(height, crease, self.along_u, self.along_v, weight, self._per_step, out)
        return out

    def _from_error(self, error: FloatArray) -> np.ndarray:
        """The spectrum of the adjoint of F, applied to (S, S)."""
        out = np.empty_like(error)
        predict_adjoint(error, self.along_u, self.along_v, self._per_step, out)
        return np.asarray(fft.rfft2(out) + self._factors.crease * fft.rfft2(error))

    def _back(self, spectrum: np.ndarray) -> FloatArray:
        return np.asarray(fft.irfft2(spectrum, s=self.along_u.shape), dtype=np.float32)


def _dot(one: FloatArray, other: FloatArray) -> float:
    return float(np.vdot(one, other))
