"""Retrieval: how often a render finds the photo of its person among all photos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RESAMPLES, SEED = 2000, 0
# Of the bootstrap distribution, in per cent.
LOW, HIGH = 2.5, 97.5


@dataclass(frozen=True)
class Ranks:
    """N renders, each compared with the N photos.

    Attributes
    ----------
    rank: (N,) number of wrong photos that are at least as similar as the right one.
    above: (N,) share of the wrong photos that are less similar; equal ones count half. Its mean is
        the area under the ROC curve, photo by photo.
    """

    rank: np.ndarray
    above: np.ndarray


@dataclass(frozen=True)
class Estimate:
    """A mean over photos and its 95 % bootstrap interval; the photos compared with stay."""

    value: float
    low: float
    high: float

    def text(self, digits: int = 2) -> str:
        return f"{self.value:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


def ranks_of(renders: np.ndarray, photos: np.ndarray) -> Ranks:
    """Rank the photos by the cosine of (N, D) embeddings; row i of both is the same person.

    The mean of all renders and that of all photos are subtracted first: what all renders share is
    that they are grey and bald, not who they are.
    """
    similar = _centred(renders) @ _centred(photos).T
    right, wrong = np.diag(similar)[:, None], ~np.eye(len(similar), dtype=bool)
    less, equal = ((similar < right) & wrong).sum(1), ((similar == right) & wrong).sum(1)
    others = len(similar) - 1
    return Ranks(others - less, (less + equal / 2) / others)


def _centred(embeddings: np.ndarray) -> np.ndarray:
    """Unit rows without the mean; a row that is the mean becomes zero."""
    off = embeddings - embeddings.mean(0)
    return np.asarray(off / np.maximum(np.linalg.norm(off, axis=1, keepdims=True), 1e-12))


def figures(ranks: Ranks) -> dict[str, Estimate]:
    """Rank 1 and rank 5 (shares of renders), and the AUC."""
    values = {
        "rank 1": ranks.rank < 1,
        "rank 5": ranks.rank < 5,
        "AUC": ranks.above,
    }
    return {name: estimate(np.asarray(some, np.float64)) for name, some in values.items()}


def estimate(values: np.ndarray) -> Estimate:
    """The mean of (N,) values, one per photo."""
    drawn = np.random.default_rng(SEED).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.percentile(values[drawn].mean(1), (LOW, HIGH))
    return Estimate(float(values.mean()), float(low), float(high))
