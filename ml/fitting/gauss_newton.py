"""Fit one identity per person, and expression and pose per photo, to landmarks with sigma.

Minimises, over identity z and, per photo, expression e, rotation R and translation t,

    sum_l rho(|pi(R x_l(z, e) + t) - mu_l|^2 / s_l^2)  +  |(z - z0) / a|^2  +  |(e - e0) / b|^2

with 0 <= e <= 1 and opposed expressions excluding each other (``coherence.py``: what is moved are
controls, and the prior is on these). ``mu`` and ``s`` are the landmarks and their sigma, ``pi`` is
the projection, ``rho`` is the Geman–McClure loss, which limits the influence of outliers (points
on hands or hair), and z0 and e0 are the means of Gaussian priors: the network's identity and
expression (without an identity sigma z0 = 0 and a = 1, the population). Dense Landmarks (Wood et
al., ECCV 2022) minimises the same kind of energy. Here it is solved with Levenberg–Marquardt
steps. The unknowns of each photo are eliminated first (the Schur complement of bundle adjustment),
so that the time is linear in the number of photos. Bounds are active sets: a control at a bound
whose gradient points beyond it is not moved. Where depths or normals of the landmarks are known
(``surface_terms.py``), their errors over sigma are added in the same loss. A focal length that is a
guess is moved too, and the distance with it, so that the face stays as large; the prior is on its
logarithm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..data import Camera, FitResult, FloatArray, HeadCoefficients, Landmarks
from ..head.model import LinearShape
from .evidence import Evidence
from .photo_energy import Blocks, PhotoEnergy
from .posed_points import ExpressedPose


@dataclass(frozen=True)
class FitSettings:
    """Weights of the energy.

    Attributes
    ----------
    iterations: largest number of steps.
    stride: every stride-th landmark is used, with this weight.
    sigma_scale: factor on the landmarks' sigma. Above 1 because the errors of neighbouring points
        are correlated: 722 points are worth far fewer independent ones. Measured on renders of
        random people after two surface refinements: 3, 4 and 6 give the same shape within half a
        per cent.
    identity_weight: strength of the identity prior; 1 / a without an identity sigma.
    expression_sigma: b, the standard deviation of the expression prior.
    outlier: scale of the Geman–McClure loss, in sigmas.
    settled: stop when a step lowers the energy by less than this share.
    modes: number of identity modes that are fitted. The remaining modes hold half a per cent of
        the variance and would double the time; they keep their initial values.
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
    """Fit a model to one photo; for the parameters see :class:`Evidence`.

    shape: the model at the landmarks: mean (L, 3), identity (I, L, 3), expression (E, L, 3).
    """
    evidence = Evidence(landmarks, camera, start, identity_sigma)
    return fit_person(shape, [evidence], settings)[0]


def fit_person(
    shape: LinearShape, photos: Sequence[Evidence], settings: FitSettings | None = None
) -> list[FitResult]:
    """Fit one identity to several photos of a person; one result per photo, in their order.

    shape: the model at the landmarks, as for :func:`fit_head`.
    """
    settings = settings or FitSettings()
    whole = np.mean([item.start.identity for item in photos], axis=0).astype(np.float64)
    fitted, rest = np.split(whole, [settings.modes])
    views = [_view(shape, item, settings, rest) for item in photos]
    centre, precision = (values[: settings.modes] for values in _identity_prior(photos, settings))
    problem = _Problem(views, centre, precision, settings)
    poses = [view.start(item) for view, item in zip(views, photos, strict=True)]
    state = _minimise(problem, _State(fitted, poses))
    return [
        _result(view, state.identity, rest, pose)
        for view, pose in zip(views, state.poses, strict=True)
    ]


@dataclass(frozen=True)
class PoseFit:
    """The expression and the camera of a person who is known.

    Attributes
    ----------
    fit: the solution. controls: (C,) of its expression (``coherence.py``).
    variance: (C + 6,) of controls, rotation vector and translation, as far as the energy knows.
    """

    fit: FitResult
    controls: FloatArray
    variance: FloatArray


def fit_pose(shape: LinearShape, photo: Evidence, settings: FitSettings) -> PoseFit:
    """Fit expression and camera; the identity stays that of ``photo.start``, the lens that of
    ``photo.camera``."""
    settings = replace(settings, modes=0)
    rest = photo.start.identity.astype(np.float64)
    view = _view(shape, replace(photo, focal_sigma=0.0), settings, rest)
    none = np.zeros(0)
    start = _State(none, [view.start(photo)])
    state = _minimise(_Problem([view], none, none, settings), start)
    pose = state.poses[0]
    known = view.blocks(none, pose).oo[:-1, :-1].astype(np.float64)
    variance = np.diag(np.linalg.inv(known)).astype(np.float32)
    return PoseFit(_result(view, none, rest, pose), pose.controls, variance)


def _view(
    shape: LinearShape, photo: Evidence, settings: FitSettings, rest: np.ndarray
) -> PhotoEnergy:
    return PhotoEnergy(
        shape,
        photo,
        settings.sigma_scale,
        settings.expression_sigma,
        settings.outlier,
        settings.stride,
        rest,
    )


def _result(
    view: PhotoEnergy, identity: np.ndarray, rest: np.ndarray, pose: ExpressedPose
) -> FitResult:
    error = np.linalg.norm(view.residual(identity, pose), axis=1)
    extent = np.ptp(view.target, axis=0).max()
    identity = np.concatenate([identity, rest])
    expression = view.controls.expression(pose.controls)
    coefficients = HeadCoefficients(identity.astype(np.float32), expression)
    return FitResult(coefficients, pose.camera, float(error.mean() / extent))


def _identity_prior(
    photos: Sequence[Evidence], settings: FitSettings
) -> tuple[np.ndarray, np.ndarray]:
    """(I,) mean and (I,) precision of the identity prior, averaged over the photos.

    The network's errors on photos of one person are correlated, so precisions are not added up:
    with independent errors assumed, three photos together were worse than each of them alone.
    """
    count = len(photos[0].start.identity)
    with_sigma = [item for item in photos if item.identity_sigma is not None]
    if not with_sigma:
        return np.zeros(count), np.full(count, settings.identity_weight**2)
    # The precision is at least the population's.
    precisions = [
        np.maximum(np.maximum(np.asarray(item.identity_sigma, float), 1e-3) ** -2, 1)
        for item in with_sigma
    ]
    guesses = [item.start.identity for item in with_sigma]
    centre = np.average(guesses, axis=0, weights=precisions)
    return centre, np.mean(precisions, axis=0) * settings.identity_weight**2


@dataclass(frozen=True)
class _State:
    identity: np.ndarray
    poses: list[ExpressedPose]


@dataclass(frozen=True)
class _Problem:
    views: list[PhotoEnergy]
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
    """One damped step: the identity by the Schur complement, then the unknowns of each photo."""
    stiff = 1 + damping
    system = np.diag(stiff * problem.precision)
    gradient = problem.precision * (state.identity - problem.centre)
    solved = []
    for view, part, pose in zip(problem.views, blocks, state.poses, strict=True):
        free = ~view.frozen(pose, part.o)
        own = part.oo[np.ix_(free, free)].astype(np.float64)
        np.einsum("ii->i", own)[:] *= stiff
        across = part.io[:, free].astype(np.float64)
        inverse = np.linalg.solve(own, np.column_stack([across.T, part.o[free]]))
        solved.append((free, inverse))
        shared = part.ii.astype(np.float64)
        np.einsum("ii->i", shared)[:] *= stiff
        system += shared - across @ inverse[:, :-1]
        gradient = gradient + part.i - across @ inverse[:, -1]
    delta = np.linalg.solve(system, -gradient)
    poses = []
    for view, pose, (free, inverse) in zip(problem.views, state.poses, solved, strict=True):
        move = np.zeros(len(free))
        move[free] = -inverse[:, -1] - inverse[:, :-1] @ delta
        poses.append(view.stepped(pose, move))
    return _State(state.identity + delta, poses)
