"""What true depths and normals of the landmarks are worth to the fit, on rendered people.

    python -m ml.evaluation oracle --data DATA

The surface refinement that ships says where the landmarks are; how deep they lie and how the
surface is inclined there comes from the truth, with noise of a known size, where the surface faces
the camera. This bounds what a network that says them can reach.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ...data import Camera, FaceCrop, FloatArray, HeadCoefficients
from ...errors import NoFaceFound
from ...fitting.evidence import evidence_of
from ...head.model import SurfacePoints
from ...head.storage import load_head_model
from ...pipeline.find import observe
from ...pipeline.fit import fit_refined
from ...regressor.surface_refinement import (
    SurfaceEstimate,
    SurfaceRefinement,
    load_surface_refinement,
)
from ...training.data.picture.scene import load_stage
from ...training.skin import vertices_on
from ..benchmark import ONE_FACE, Outcome
from .kept_out import KeptOut, add_kept_out_options
from .people import RenderedView, by_pose, rendered_views
from .reference import Reference, make_reference
from .shape import ShapeError, shape_error, shape_means
from .texture import camera_of

# Cosine between normal and line of sight from which a landmark counts as seen.
FACING = 0.15


class Knowledge(NamedTuple):
    """What is known beside the landmarks: standard deviations of its noise; 0: not known.

    depth: metres. normal: of each component of the unit normals.
    """

    name: str
    depth: float = 0.0
    normal: float = 0.0


KNOWLEDGE = (
    Knowledge("as shipped"),
    Knowledge("depth, 2 mm", 0.002),
    Knowledge("depth, 1 mm", 0.001),
    Knowledge("depth, 0.5 mm", 0.0005),
    Knowledge("normals, 0.15", 0, 0.15),
    Knowledge("both, 2 mm and 0.15", 0.002, 0.15),
    Knowledge("both, 1 mm and 0.15", 0.001, 0.15),
)


@dataclass(frozen=True)
class OracleRow:
    """One view with some knowledge; yaw in degrees."""

    knowledge: str
    yaw: float
    shape: ShapeError


@dataclass(frozen=True)
class TrueSurface:
    """The dense landmarks of a picture in its camera: places (L, 3) metres, unit normals (L, 3)."""

    places: FloatArray
    normals: FloatArray

    @classmethod
    def of(cls, head: FloatArray, camera: Camera) -> TrueSurface:
        """Of the (V, 3) vertices of the shipped head's mesh as the picture shows it, metres."""
        corners = head[load_head_model().landmark_sets["dense"].corners]
        first, second, third = corners.swapaxes(0, 1)
        normals = np.cross(second - first, third - first) @ camera.rotation.T
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        points = load_head_model().landmark_sets["dense"].on(head)
        return cls(camera.to_camera_space(points), normals.astype(np.float32))

    @property
    def seen(self) -> np.ndarray:
        """(L,) bool: facing the camera."""
        rays = self.places / np.linalg.norm(self.places, axis=1, keepdims=True)
        return np.asarray(-(rays * self.normals).sum(1) > FACING)


class Oracle(SurfaceRefinement):
    """The shipped refinement of one picture, with the truth's depths and normals."""

    def __init__(self, surface: TrueSurface, knowledge: Knowledge, seed: int) -> None:
        noise = np.random.default_rng(seed).normal(size=surface.places.shape)
        self._known = dict[str, FloatArray]()
        for name, values, size in (
            ("depth", surface.places[:, 2] + knowledge.depth * noise[:, 0], knowledge.depth),
            ("normal", surface.normals[:, :2] + knowledge.normal * noise[:, 1:], knowledge.normal),
        ):
            if size:
                sigma = np.where(surface.seen, size, np.inf).astype(np.float32)
                self._known |= {name: values.astype(np.float32), f"{name}_sigma": sigma}

    def predict(
        self,
        crops: Sequence[FaceCrop],
        fits: Sequence[tuple[HeadCoefficients, Camera]],
        mirrored: bool = False,
    ) -> list[SurfaceEstimate]:
        """As the shipped one; ``crops``: of the picture that the truth is of."""
        known = self._known.get
        return [
            replace(
                estimate,
                depth=known("depth"),
                depth_sigma=known("depth_sigma"),
                normal=known("normal"),
                normal_sigma=known("normal_sigma"),
            )
            for estimate in load_surface_refinement().predict(crops, fits, mirrored)
        ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_out_options(parser, people=20)


def run(arguments: argparse.Namespace) -> Outcome:
    kept_out = KeptOut.of(arguments)
    views = rendered_views(kept_out)
    on_mesh = vertices_on(load_head_model(), load_stage(kept_out.reference))
    summary = summarise(list(measure(views, make_reference(kept_out.head), on_mesh)))
    return Outcome(report(summary), {"summary": summary})


def measure(
    views: Iterable[RenderedView], reference: Reference, on_mesh: tuple[SurfacePoints, FloatArray]
) -> Iterator[OracleRow]:
    """A row for each of KNOWLEDGE of every view whose face is found; on_mesh: vertices_on."""
    shape, model = reference.head.shape, load_head_model()
    for number, view in enumerate(views):
        try:
            observation = observe(view.photo, ONE_FACE)[0]
        except NoFaceFound:
            continue
        assert view.rendering is not None
        points_on, offset = on_mesh
        head = points_on.on(view.rendering.figure.vertices) + offset
        surface = TrueSurface.of(head.astype(np.float32), camera_of(view.rendering))
        points, evidence = evidence_of(view.photo, observation, model)
        for knowledge in KNOWLEDGE:
            oracle = Oracle(surface, knowledge, number)
            _, fit = fit_refined(view.photo, points, evidence, oracle)
            found = shape.neutral(fit.coefficients.identity)
            error = shape_error(found, view.neutral, shape.mean, reference.regions)
            yield OracleRow(knowledge.name, view.yaw, error)


def summarise(rows: Sequence[OracleRow]) -> dict[str, Any]:
    """Means by pose and knowledge."""
    summary: dict[str, Any] = {}
    for pose, posed in by_pose(rows).items():
        for knowledge in KNOWLEDGE:
            errors = [row.shape for row in posed if row.knowledge == knowledge.name]
            if errors:
                summary[f"{knowledge.name}, {pose}"] = {"views": len(errors), **shape_means(errors)}
    return summary


def report(summary: dict[str, Any]) -> str:
    """The summary as a table."""
    lines = [f"{'':38} {'views':>5} {'regions':>8} {'ratio':>6} {'recovered':>9}"]
    for name, figures in summary.items():
        lines.append(
            f"{name:38} {figures['views']:5} {figures['regions_mm']:6.2f}mm "
            f"{figures['ratio']:6.2f} {figures['recovered']:9.2f}"
        )
    return "\n".join(lines)
