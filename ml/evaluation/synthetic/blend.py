"""One texture from three photos of a person, beside the textures of single photos.

    python -m ml.evaluation blend --data DATA

Rendered people with one skin and one light are seen in three views. Errors are those of
:mod:`.texture`: over the skin that any view shows, and over the rest. Beside the blend stand each
view alone, the most frontal one, and the best one, which only the truth can name.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from ...appearance.blend import blend_textures
from ...appearance.texture import View, make_texture, see_skin
from ...data import FloatArray
from ...errors import NoFaceFound
from ...training.data.picture.scene import load_stage
from ..benchmark import ONE_FACE, Outcome
from .kept_out import KeptOut, add_kept_out_options
from .people import Crowd, RenderedView, rendered_views
from .texture import LEAST_VISIBLE, TextureReference, Truth

CROWD = Crowd(same_dress=True)
WAYS = ("each view alone", "most frontal view", "best view", "blended")
FIGURES = ("visible", "hidden", "visible_equal", "hidden_equal")


@dataclass(frozen=True)
class BlendRow:
    """One person in one geometry, "true" or "fitted".

    Attributes
    ----------
    alone: the errors of a TextureRow of each view's texture, the most frontal view first.
    blended: those of the texture of all.
    """

    geometry: str
    alone: tuple[dict[str, float], ...]
    blended: dict[str, float]

    def by_way(self) -> dict[str, list[dict[str, float]]]:
        """The errors that each of WAYS makes."""
        best = min(self.alone, key=lambda errors: errors["visible"])
        ways = ([*self.alone], [self.alone[0]], [best], [self.blended])
        return dict(zip(WAYS, ways, strict=True))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kept_out_options(parser, people=12)


def run(arguments: argparse.Namespace) -> Outcome:
    kept_out = KeptOut.of(arguments)
    reference = TextureReference(load_stage(kept_out.reference))
    summary = summarise(list(measure(rendered_views(kept_out, CROWD), reference)))
    return Outcome(report(summary), {"summary": summary})


def measure(views: Iterable[RenderedView], reference: TextureReference) -> Iterator[BlendRow]:
    """A row of each person in the true geometry, and one in the fitted, if faces are found."""
    for _, group in groupby(views, key=lambda view: view.person):
        seen, truths = list[RenderedView](), list[Truth]()
        for view in sorted(group, key=lambda view: abs(view.yaw)):
            assert view.rendering is not None
            truth = reference.truth(view.rendering)
            if truth.visible.mean() >= LEAST_VISIBLE:
                seen.append(view)
                truths.append(truth)
        if len(seen) < 2:
            continue
        shown = replace(truths[0], visible=np.any([truth.visible for truth in truths], axis=0))
        pairs = zip(seen, truths, strict=True)
        true = [View(view.photo, truth.camera, truth.vertices) for view, truth in pairs]
        yield _row("true", true, shown, reference)
        fitted = fitted_views(seen, reference)
        if fitted:
            yield _row("fitted", fitted, shown, reference)


def fitted_views(seen: Sequence[RenderedView], reference: TextureReference) -> list[View]:
    """The geometry that the pipeline finds for all views; none if it finds no face in one."""
    from ...pipeline.same_person import fit_alone, fit_together
    from ...pipeline.timing import Clock

    try:
        alone = [fit_alone(view.photo, ONE_FACE, Clock()) for view in seen]
    except NoFaceFound:
        return []
    shape = reference.model.shape
    together = fit_together(alone, lambda place: seen[place].photo)
    return [
        View(view.photo, fitted.fit.camera, shape.at(fitted.fit.coefficients))
        for view, fitted in zip(seen, together, strict=True)
    ]


def _row(
    geometry: str, views: Sequence[View], truth: Truth, reference: TextureReference
) -> BlendRow:
    model, size = reference.model, reference.size

    def errors(albedo: np.ndarray) -> dict[str, float]:
        found: FloatArray = reference.on_skin(albedo)
        return reference.errors(found, truth)

    textures = [make_texture(v.photo, v.camera, v.vertices, model, size) for v in views]
    blended = blend_textures([see_skin(view, model, size) for view in views], model, size)[0]
    alone = tuple(errors(texture.albedo) for texture in textures)
    return BlendRow(geometry, alone, errors(blended.albedo))


def summarise(rows: Sequence[BlendRow]) -> dict[str, Any]:
    """Means by geometry and way."""
    summary: dict[str, Any] = {}
    for geometry in dict.fromkeys(row.geometry for row in rows):
        some = [row for row in rows if row.geometry == geometry]
        for way in WAYS:
            errors = [each for row in some for each in row.by_way()[way]]
            means = {key: float(np.mean([each[key] for each in errors])) for key in FIGURES}
            summary[f"{way}, {geometry} geometry"] = {"people": len(some), **means}
    return summary


def report(summary: dict[str, Any]) -> str:
    """The summary as a table."""
    lines = [
        f"{'CIEDE2000 of the albedo':40} {'people':>6} {'as it is':>16}   equal brightness",
        f"{'':47} {'shown':>8} {'hidden':>7} {'shown':>9} {'hidden':>8}",
    ]
    for name, row in summary.items():
        lines.append(
            f"{name:40} {row['people']:6.0f} {row['visible']:8.2f} {row['hidden']:7.2f} "
            f"{row['visible_equal']:9.2f} {row['hidden_equal']:8.2f}"
        )
    return "\n".join(lines)
