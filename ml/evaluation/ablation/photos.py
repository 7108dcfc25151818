"""How recognisable every variant of the method is on photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...errors import UsageError
from ...fitting.evidence import check_fit, evidence_of
from ...head.storage import load_head_model
from ...photo.read import read_photo
from ...pipeline.find import enhanced, observe
from ...results.plan import collect_photos
from ..benchmark import ONE_FACE
from ..likeness.clay import ClayHead
from ..likeness.command import title_of
from ..likeness.heads import MakeHeads, clay_head, made_now
from ..likeness.measure import Likeness, likeness_of, recogniser_of, sittings
from .variants import Fitter, detail_title


def likeness_on(
    folders: Sequence[Path],
    recogniser: Path | None,
    fitters: Mapping[str, Fitter],
    details: Sequence[str],
) -> dict[str, Likeness]:
    """The likeness of all variants on each folder of photos, by the folder's title.

    Raises
    ------
    UsageError: there are folders and no recogniser. EngineUnavailable: it cannot be run.
    """
    if not folders:
        return {}
    if recogniser is None:
        raise UsageError("Photos need a face recogniser", "Name its Python with --recogniser")
    embed, make, found = recogniser_of(recogniser), variant_heads(fitters, details), {}
    for folder in folders:
        left_out: dict[str, str] = {}
        sat = list(sittings(collect_photos([folder]), make, [1.0], left_out))
        found[title_of(folder)] = likeness_of(sat, left_out, embed)
    return found


def variant_heads(fitters: Mapping[str, Fitter], details: Sequence[str]) -> MakeHeads:
    """Makes the heads of all variants in a photo; those with detail by the pipeline itself."""
    model = load_head_model()
    makers = {detail_title(mode): made_now(mode) for mode in details}

    def heads(path: Path) -> Mapping[str, ClayHead]:
        photo = read_photo(path)
        observation = observe(photo, ONE_FACE)[0]
        shape, evidence = evidence_of(photo, observation, model)
        clear, found = enhanced(photo, observation.enhancement), {}
        for name, fitter in fitters.items():
            fit = check_fit(fitter(clear, shape, evidence), path)
            found[name] = clay_head(fit.coefficients, fit.camera)
        for name, make in makers.items():
            (found[name],) = make(path).values()
        return found

    return heads
