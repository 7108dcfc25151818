"""Fine-tune the surface refinement end to end, through the renderer.

    python -m ml.training.surface.consistency --start out/train/surface/checkpoint.pt \
        --samples out/data/shape out/data/v3 --out out/train/consistency

Beside the supervised losses, the head drawn as the update says should look like the picture:
photometrically, and to the face CLIP (FaceCLIP's feature consistency, geometric and semantic).
``--off NAME ...`` switches terms off; runs of as many steps see the same pictures, so that what a
term brings can be told from what more training brings. Run it again to go on from its own
checkpoint.
"""

from __future__ import annotations

import argparse
import time
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from ...head.mirror import make_mirror
from ...head.storage import load_head_model
from ...perception.consistency import FeatureConsistency
from ...perception.views import ViewSettings
from ...regressor.surface_network import Update
from ..steps import descend, follow, log_figures, rate_at, set_rate
from .batches import Labels, Samples, batches_ahead, load, open_folders
from .drawn import Artist, Drawing, mean_texture
from .estimates import Estimates
from .train import CONFIG as BASE
from .train import Run, Task, losses, make_task, measure, start_run

CONFIG = Path(__file__).parent / "consistency.toml"
TERMS = ("photometric", "geometric", "semantic", "prior")


@dataclass(frozen=True)
class Terms:
    """What is added to the supervised losses. weights: by name of TERMS, 0 is off.

    loss: the feature consistency; None if both its halves are off. side: of drawn pictures.
    photos_only: whether renders, whose shape is known, are left to the supervised losses.
    """

    artist: Artist
    loss: FeatureConsistency | None
    weights: dict[str, float]
    side: int
    photos_only: bool = False

    def seen(
        self, update: Update, estimates: Estimates, labels: Labels, random: torch.Generator
    ) -> dict[str, Tensor]:
        """The weighted terms of a batch; none if it has no picture that they are for."""
        if self.photos_only:
            rows = torch.nonzero(labels.drawn == 0)[:, 0]
            if not len(rows):
                return {}
            update, estimates, labels = (_rows(part, rows) for part in (update, estimates, labels))
        return self.of(self.artist.draw(update, estimates, labels, self.side), random)

    def of(self, drawing: Drawing, random: torch.Generator) -> dict[str, Tensor]:
        """The weighted terms; those that are off are left out."""
        weights, found = self.weights, {}
        if weights["photometric"]:
            found["photometric"] = weights["photometric"] * drawing.photometric
        if self.loss is not None:
            target = self.loss.target(drawing.photo, drawing.mask, random)
            seen = self.loss.compare(drawing.drawn, target)
            for name in ("geometric", "semantic"):
                if weights[name]:
                    found[name] = weights[name] * getattr(seen, name)
        if weights["prior"]:
            found["prior"] = weights["prior"] * drawing.identity.square().mean()
        return found


def _rows(part: Any, rows: Tensor) -> Any:
    """The same dataclass of tensors with some rows of each."""
    if isinstance(part, Tensor):
        return part[rows]
    return replace(part, **{one.name: _rows(getattr(part, one.name), rows) for one in fields(part)})


def make_terms(
    task: Task, samples: Samples, config: dict[str, Any], loss: FeatureConsistency | None
) -> Terms:
    """``loss``: see :func:`face_loss`. The mean texture comes from the first training samples."""
    rows = samples.rows(training=True)[: config["texture_samples"]]
    labels = load(samples, rows, None)
    plain = replace(task.wrong, most_known=0.0, expression=0.0, turn=0.0, roll=0.0, shift=0.0)
    random = torch.Generator().manual_seed(0)
    estimates, _ = replace(task, wrong=plain).see(labels, random)
    texture = mean_texture(task.unwrap, labels, estimates)
    artist = Artist(load_head_model(), task.basis, texture, config["contrast"])
    return Terms(artist, loss, config["terms"], config["side"], config["photos_only"])


def face_loss(config: dict[str, Any]) -> FeatureConsistency | None:
    """The shipped face CLIP's loss, if a half of it is on. Raises WeightsMissing."""
    if not (config["terms"]["geometric"] or config["terms"]["semantic"]):
        return None
    from ...perception.face_clip import face_config, face_consistency

    return face_consistency(face_config(ViewSettings(**config["views"])))


def take_step(
    run: Run, task: Task, terms: Terms, labels: Labels, rate: float, random: torch.Generator
) -> dict[str, float]:
    """One optimizer step; returns the parts of the loss."""
    set_rate(run.optimizer, rate)
    estimates, texels = task.see(labels, random)
    texels = texels.contiguous(memory_format=torch.channels_last)
    update = run.network(texels, estimates.identity, estimates.expression)
    parts = losses(update, estimates, labels, run.offset, task)
    parts |= terms.seen(update, estimates, labels, random)
    descend(run.optimizer, run.network, torch.stack(list(parts.values())).sum())
    return {name: float(value.detach()) for name, value in parts.items()}


def train(arguments: argparse.Namespace) -> None:
    """Until so many steps have been taken."""
    base = tomllib.loads(BASE.read_text())
    config = tomllib.loads(arguments.config.read_text())
    for name in arguments.off:
        config["terms"][name] = 0.0
    config["photos_only"] = config["photos_only"] or arguments.photos_only
    model = load_head_model()
    task, run = make_task(model, base), start_run(model, base)
    arguments.out.mkdir(parents=True, exist_ok=True)
    checkpoint = arguments.out / "checkpoint.pt"
    run.load(checkpoint if checkpoint.exists() else arguments.start)
    if not checkpoint.exists():
        # The averaged weights are what shipped; a fresh run starts from them.
        run.network.load_state_dict(run.average.state_dict())
        run.step, run.seconds = 0, 0.0
    mirror = make_mirror(load_head_model(arguments.reference))
    samples = open_folders(arguments.samples, mirror, base["kept_out"])
    terms = make_terms(task, samples, config, face_loss(config))
    run.network.train()
    run.average.eval()
    _loop(arguments, config, base["seed"], run, task, terms, samples)


def _loop(arguments, config, seed, run, task, terms, samples) -> None:  # type: ignore[no-untyped-def]
    """Steps until there are enough, saving and measuring on the way."""
    steps, every = arguments.steps or config["steps"], config["checkpoint_steps"]
    smooth: dict[str, float] = {}
    stream = batches_ahead(samples, config["batch"], seed, run.step)
    random = torch.Generator().manual_seed(seed + run.step)
    with tqdm(total=steps, initial=run.step, unit="step", mininterval=5) as bar:
        while run.step < steps:
            begun = time.monotonic()
            rate = rate_at(run.step / steps, config["peak_rate"], config["warm_up"])
            parts = take_step(run, task, terms, next(stream), rate, random)
            run.step += 1
            follow(run.average, run.network, config["average_decay"])
            for name, value in parts.items():
                smooth[name] = 0.97 * smooth.get(name, value) + 0.03 * value
            run.seconds += time.monotonic() - begun
            bar.update()
            if run.step % 10 == 0:
                bar.set_postfix({k: f"{v:.3f}" for k, v in smooth.items()})
            if run.step % every == 0 or run.step == steps:
                run.save(arguments.out / "checkpoint.pt")
                figures = smooth | measure(run.average, task, samples)
                line = {"step": run.step, "minutes": run.seconds / 60, **figures}
                log_figures(arguments.out, line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", type=Path, default=Path("out/train/surface/checkpoint.pt"))
    parser.add_argument("--samples", type=Path, nargs="+", default=[Path("out/data/shape")])
    parser.add_argument("--reference", type=Path, default=Path("out/head/reference.npz"))
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--out", type=Path, default=Path("out/train/consistency"))
    parser.add_argument("--steps", type=int, help="instead of the configuration's")
    parser.add_argument("--off", nargs="*", choices=TERMS, default=[])
    parser.add_argument("--photos-only", action="store_true", help="no terms on renders")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
