"""Fit one person's identity, and expression and pose in each photo, to landmarks with sigma.

Minimises, over identity z and, in every photo, expression e, rotation R and translation t,

    sum_l rho(|pi(R x_l(z, e) + t) - mu_l|^2 / s_l^2)  +  |(z - z0) / a|^2  +  |(e - e0) / b|^2

with 0 <= e <= 1: ``mu`` and ``s`` are the network's points and their sigma, ``rho`` the
Geman–McClure loss that forgives points that lie (hands, hair), and the priors say that the
network's identity z0 and expression e0 are fair guesses (without one, z0 = 0 and a = 1: people are
normal). Dense Landmarks (Wood et al., ECCV 2022) minimises the same kind of energy; here it is
solved with Levenberg–Marquardt steps. What belongs to one photo alone is eliminated first (the
Schur complement of bundle adjustment), so that ten photos cost ten times one; bounds are kept by
freezing what presses against them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..data import Camera, FitResult, FloatArray, HeadCoefficients, Landmarks
from ..head.model import LinearShape
from .evidence import Evidence
from .view import POSE_NUMBERS, Blocks, Pose, View, stepped


@dataclass(frozen=True)
class FitSettings:
    """Weights of the energy.

    Attributes
    ----------
    iterations: at most this many steps; stops earlier when the energy settles.
    stride: only every so many-th landmark is looked at, and counts for those left out.
    sigma_scale: landmarks' sigma times this. Above 1 because the errors of neighbouring points
        go together: 722 points are worth far fewer independent ones. Measured on renders of random
        people, after two looks of the surface refinement: 3, 4 and 6 give the same shape within
        half a per cent.
    identity_weight: strength of the identity prior, 1 / a for a network without sigma.
    expression_sigma: b; how far an expression may stray from the first guess.
    outlier: in sigmas; residuals beyond it lose their influence.
    settled: stop when a step lowers the energy by less than this share.
    modes: how many identity modes are fitted; those after them, which hold half a per cent of the
        variance, keep the first guess and would double the time.
    """

    iterations: int = 12
    stride: int = 1
    sigma_scale: float = 4.0
    identity_weight: float = 1.0
    expression_sigma: float = 0.3
    outlier: float = 4.0
    settled: float = 1e-3
    modes: int = 80


def fit_head(
    shape: LinearShape,
    landmarks: Landmarks,
    camera: Camera,
    start: HeadCoefficients,
    settings: FitSettings | None = None,
    identity_sigma: FloatArray | None = None,
) -> FitResult:
    """Fit a model, restricted to its landmark set, to one photo; see :class:`Evidence`.

    shape: the model at the landmarks: mean (L, 3), identity (I, L, 3), expression (E, L, 3).
    """
    evidence = Evidence(landmarks, camera, start, identity_sigma)
    return fit_person(shape, [evidence], settings)[0]


def fit_person(
    shape: LinearShape, photos: Sequence[Evidence], settings: FitSettings | None = None
) -> list[FitResult]:
    """Fit one identity to several photos of a person; the results share it."""
    settings = settings or FitSettings()
    whole = np.mean([item.start.identity for item in photos], axis=0).astype(np.float64)
    fitted, rest = np.split(whole, [settings.modes])
    views = [
        View(
            shape,
            item,
            settings.sigma_scale,
            settings.expression_sigma,
            settings.outlier,
            settings.stride,
            rest,
        )
        for item in photos
    ]
    centre, precision = (values[: settings.modes] for values in _identity_prior(photos, settings))
    problem = _Problem(views, centre, precision, settings)
    poses = [view.start(item) for view, item in zip(views, photos, strict=True)]
    state = _minimise(problem, _State(fitted, poses))
    return [
        _result(view, state.identity, rest, pose)
        for view, pose in zip(views, state.poses, strict=True)
    ]


def _result(view: View, identity: np.ndarray, rest: np.ndarray, pose: Pose) -> FitResult:
    error = np.linalg.norm(view.residual(identity, pose), axis=1)
    extent = np.ptp(view.target, axis=0).max()
    identity = np.concatenate([identity, rest])
    coefficients = HeadCoefficients(identity.astype(np.float32), pose.expression)
    return FitResult(coefficients, pose.camera, float(error.mean() / extent))


def _identity_prior(
    photos: Sequence[Evidence], settings: FitSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Centre and precision (I,): what the network saw, knowing the population, on average.

    Its errors on photos of one person go together, so its guesses do not add up: taken as
    independent, three photos together were worse than each of them alone.
    """
    count = len(photos[0].start.identity)
    told = [item for item in photos if item.identity_sigma is not None]
    if not told:
        return np.zeros(count), np.full(count, settings.identity_weight**2)
    # A guess is never vaguer than the population.
    precisions = [
        np.maximum(np.maximum(np.asarray(item.identity_sigma, float), 1e-3) ** -2, 1)
        for item in told
    ]
    guesses = [item.start.identity for item in told]
    centre = np.average(guesses, axis=0, weights=precisions)
    return centre, np.mean(precisions, axis=0) * settings.identity_weight**2


@dataclass(frozen=True)
class _State:
    identity: np.ndarray
    poses: list[Pose]


@dataclass(frozen=True)
class _Problem:
    views: list[View]
    centre: np.ndarray
    precision: np.ndarray
    settings: FitSettings

    def energy(self, state: _State) -> float:
        prior = (self.precision * (state.identity - self.centre) ** 2).sum()
        pairs = zip(self.views, state.poses, strict=True)
        return float(prior) + sum(view.energy(state.identity, pose) for view, pose in pairs)


def _minimise(problem: _Problem, state: _State) -> _State:
    damping, energy = 1e-3, problem.energy(state)
    for _ in range(problem.settings.iterations):
        blocks = [
            view.blocks(state.identity, pose)
            for view, pose in zip(problem.views, state.poses, strict=True)
        ]
        before = energy
        for _ in range(6):
            trial = _step(problem, state, blocks, damping)
            trial_energy = problem.energy(trial)
            if trial_energy < energy:
                state, energy = trial, trial_energy
                damping = max(damping * 0.3, 1e-7)
                break
            damping *= 8
        if before - energy < problem.settings.settled * before:
            break
    return state


def _step(problem: _Problem, state: _State, blocks: Sequence[Blocks], damping: float) -> _State:
    """One damped step: identity by the Schur complement, then every photo's own unknowns."""
    stiff = 1 + damping
    system = np.diag(stiff * problem.precision)
    gradient = problem.precision * (state.identity - problem.centre)
    solved = []
    for part, pose in zip(blocks, state.poses, strict=True):
        free = ~_frozen(pose, part.o)
        own = part.oo[np.ix_(free, free)].astype(np.float64)
        own[np.diag_indices_from(own)] *= stiff
        across = part.io[:, free].astype(np.float64)
        inverse = np.linalg.solve(own, np.column_stack([across.T, part.o[free]]))
        solved.append((free, inverse))
        shared = part.ii.astype(np.float64)
        shared[np.diag_indices_from(shared)] *= stiff
        system += shared - across @ inverse[:, :-1]
        gradient = gradient + part.i - across @ inverse[:, -1]
    delta = np.linalg.solve(system, -gradient)
    poses = []
    for pose, (free, inverse) in zip(state.poses, solved, strict=True):
        move = np.zeros(len(free))
        move[free] = -inverse[:, -1] - inverse[:, :-1] @ delta
        poses.append(stepped(pose, move))
    return _State(state.identity + delta, poses)


def _frozen(pose: Pose, gradient: np.ndarray) -> np.ndarray:
    """(E + 6,) expressions at a bound that would be crossed stay there."""
    slope = gradient[:-POSE_NUMBERS]
    at_bound = ((pose.expression <= 0) & (slope > 0)) | ((pose.expression >= 1) & (slope < 0))
    return np.concatenate([at_bound, np.zeros(POSE_NUMBERS, bool)])
