"""Train the face CLIP.

    python -m ml.training.perception.train --samples out/data/shape --out out/train/face_clip

Run it again to go on from the last checkpoint; the processor time already spent counts.
"""

from __future__ import annotations

import argparse
import math
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from ...head.storage import load_head_model
from ...perception.clip import open_clip_module
from ...perception.face_clip import FaceWords
from ...regressor.network import SUMMARY_CHANNELS
from ..steps import (
    descend,
    follow,
    load_checkpoint,
    log_figures,
    rate_at,
    save_checkpoint,
    set_rate,
)
from .attributes import HeadMeasures
from .captions import vocabulary
from .encoded import at_cells
from .people import TOPICS, Batch, batches_ahead, load_people

CONFIG = Path(__file__).parent / "config.toml"
# The parts of open_clip's CLIP that are its text encoder.
TEXT = (
    "transformer",
    "token_embedding",
    "positional_embedding",
    "ln_final",
    "text_projection",
)
# Sharper than this, a temperature only grows (Radford et al., 2021).
_SHARPEST = 4.6052


def face_words(config: dict[str, Any]) -> FaceWords:
    """All words of captions."""
    return FaceWords(vocabulary(), config["clip"]["text_cfg"]["context_length"])


def model_config(config: dict[str, Any], which: str) -> dict[str, Any]:
    """open_clip's config of "resnet" or "vit"."""
    text = {**config["clip"]["text_cfg"], "vocab_size": face_words(config).size}
    vision = {"patch_size": None, **config[which]}
    return {**config["clip"], "text_cfg": text, "vision_cfg": vision}


class Lessons(nn.Module):
    """What an image encoder is taught beside captions, by layers that do not ship: to answer every
    topic without the text encoder, and to see at every place what the regressor's encoder sees.

    From captions alone it learns slowly: prompts that share most words lie close together, and
    only their difference says what to look for.
    """

    def __init__(self, model: Any, layer: str, channels: int, config: dict[str, Any]) -> None:
        super().__init__()
        self._model = (model,)  # in a tuple, for it is no part of the lessons
        model.visual.get_submodule(layer).register_forward_hook(self._keep)
        self.answer = nn.Linear(config["clip"]["embed_dim"], len(TOPICS.prompts))
        self.places = nn.Conv2d(channels, SUMMARY_CHANNELS, 1)
        self._weights = config["answers"], config["places"]
        self._seen = torch.empty(0)

    def forward(self, seen: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """(B, 3, S, S) normalised pictures -> (B, D) embeddings and the lessons' loss."""
        plain: Tensor = self._model[0].encode_image(seen)
        answers = TOPICS.loss(self.answer(plain), batch.answers, batch.weights)
        places = self.places(self._seen)
        wanted = at_cells(batch.encoded, batch.boxes, (places.shape[2], places.shape[3]))
        answered, placed = self._weights
        return plain, answered * answers + placed * functional.mse_loss(places, wanted)

    def _keep(self, _module: nn.Module, _inputs: Any, output: Tensor) -> None:
        if output.dim() == 3:  # a transformer's tokens, the class token first
            patches = output[:, 1:].transpose(1, 2)
            side = math.isqrt(patches.shape[2])
            output = patches.unflatten(2, (side, side))
        self._seen = output


class FacePair(nn.Module):
    """Two of open_clip's CLIPs with one text encoder, so that both learn one language."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        open_clip = open_clip_module()
        kind = open_clip.CLIP
        self.resnet: Any = kind(**model_config(config, "resnet"))
        self.vit: Any = kind(**model_config(config, "vit"))
        for name in TEXT:
            setattr(self.vit, name, getattr(self.resnet, name))
        self.resnet.visual.to(memory_format=torch.channels_last)
        self.mean: Tensor
        self.std: Tensor
        for name, of in (
            ("mean", open_clip.OPENAI_DATASET_MEAN),
            ("std", open_clip.OPENAI_DATASET_STD),
        ):
            self.register_buffer(name, torch.tensor(of).view(1, 3, 1, 1), persistent=False)
        self.prompts: Tensor
        asked = face_words(config).encode(TOPICS.prompts)
        self.register_buffer("prompts", asked, persistent=False)
        self.lessons = nn.ModuleDict(
            {
                "resnet": Lessons(self.resnet, "layer3", 16 * config["resnet"]["width"], config),
                "vit": Lessons(self.vit, "transformer.resblocks.4", config["vit"]["width"], config),
            }
        )
        self._topics = config["topics"]

    def forward(self, batch: Batch, captioned: bool = True) -> tuple[Tensor, Tensor]:
        """The loss of both: their lessons and, if ``captioned``, open_clip's contrastive loss,
        averaged over the captions of every picture, and that of every topic's prompts."""
        seen = ((batch.pictures - self.mean) / self.std).contiguous(
            memory_format=torch.channels_last
        )
        if captioned:
            count, size = batch.tokens.shape[:2]
            said = self.resnet.encode_text(batch.tokens.flatten(0, 1), normalize=True)
            said = said.view(count, size, -1)
            asked = self.resnet.encode_text(self.prompts, normalize=True)
        losses = []
        for name, model in (("resnet", self.resnet), ("vit", self.vit)):
            lessons: Any = self.lessons[name]
            plain, loss = lessons(seen, batch)
            if captioned:
                pictures = functional.normalize(plain, dim=-1)
                loss = loss + self._of_captions(model, pictures, said, asked, batch)
            losses.append(loss)
        return losses[0], losses[1]

    def _of_captions(
        self, model: Any, pictures: Tensor, said: Tensor, asked: Tensor, batch: Batch
    ) -> Tensor:
        """said: (K, B, D) captions' embeddings. asked: (P, D) prompts'."""
        contrast = open_clip_module().ClipLoss()
        sharp = model.logit_scale.clamp(max=_SHARPEST).exp()
        parts = [contrast(pictures, text, sharp) for text in said]
        topics = TOPICS.loss(sharp * pictures @ asked.T, batch.answers, batch.weights)
        return torch.stack(parts).mean() + self._topics * topics


@dataclass
class Run:
    """All that a checkpoint holds. seconds: of processor time."""

    pair: FacePair
    average: FacePair
    optimizer: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0

    def save(self, path: Path) -> None:
        """See save_checkpoint."""
        save_checkpoint(path, self._parts(), step=self.step, seconds=self.seconds)

    def load(self, path: Path) -> None:
        """Go on from where :meth:`save` was."""
        state = load_checkpoint(path, self._parts())
        self.step, self.seconds = state["step"], state["seconds"]

    def _parts(self) -> dict[str, Any]:
        return {n: getattr(self, n) for n in ("pair", "average", "optimizer")}


def start_run(config: dict[str, Any]) -> Run:
    """Models and optimizer with fixed random weights."""
    torch.manual_seed(config["seed"])
    pair, average = FacePair(config), FacePair(config)
    average.load_state_dict(pair.state_dict())
    parameters = list(pair.parameters())
    optimizer = torch.optim.AdamW(
        [
            {
                "params": [p for p in parameters if p.ndim > 1],
                "weight_decay": config["weight_decay"],
            },
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=config["peak_rate"],
        betas=(0.9, 0.98),
    )
    pair.train()
    average.eval()
    return Run(pair, average, optimizer)


def take_step(
    run: Run, batch: Batch, rate: float, decay: float, captioned: bool = True
) -> tuple[float, float]:
    """One optimizer step; returns the losses of the convolutional model and the transformer."""
    set_rate(run.optimizer, rate)
    resnet, vit = run.pair(batch, captioned)
    descend(run.optimizer, run.pair, resnet + vit)
    run.step += 1
    # Young averages would remember the random start: let the decay grow with the steps.
    follow(run.average, run.pair, min(decay, (1 + run.step) / (10 + run.step)))
    return float(resnet.detach()), float(vit.detach())


def train(arguments: argparse.Namespace) -> None:
    """Until the budget is spent."""
    config = tomllib.loads(arguments.config.read_text())
    budget = 60 * (arguments.max_minutes or config["budget_minutes"])
    measures = HeadMeasures(load_head_model(arguments.reference))
    run = start_run(config)
    arguments.out.mkdir(parents=True, exist_ok=True)
    checkpoint = arguments.out / "checkpoint.pt"
    if checkpoint.exists():
        run.load(checkpoint)

    people = load_people(arguments.samples, measures, config["kept_out"])
    stream = batches_ahead(people, face_words(config), config, run.step)
    saved, smooth = run.seconds, [0.0, 0.0]
    with tqdm(total=round(budget), initial=round(run.seconds), unit="s", mininterval=5) as bar:
        while run.seconds < budget:
            begun = time.process_time()
            rate = rate_at(run.seconds / budget, config["peak_rate"], config["warm_up"])
            captioned = run.seconds >= config["lessons_first"] * budget
            found = take_step(run, next(stream), rate, config["average_decay"], captioned)
            smooth = [
                0.98 * (old or new) + 0.02 * new for old, new in zip(smooth, found, strict=True)
            ]
            run.seconds += time.process_time() - begun
            bar.update(round(run.seconds) - bar.n)
            if run.step % 20 == 0:
                bar.set_postfix(resnet=f"{smooth[0]:.3f}", vit=f"{smooth[1]:.3f}", step=run.step)
            if run.seconds - saved > 60 * config["checkpoint_minutes"]:
                run.save(checkpoint)
                saved = run.seconds
    run.save(checkpoint)
    resnet, vit = smooth
    line = {"step": run.step, "minutes": run.seconds / 60, "resnet": resnet, "vit": vit}
    log_figures(arguments.out, line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=Path, default=Path("out/data/shape"))
    parser.add_argument("--reference", type=Path, default=Path("out/head/reference.npz"))
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--out", type=Path, default=Path("out/train/face_clip"))
    parser.add_argument(
        "--max-minutes", type=float, help="of processor time, instead of the configuration's"
    )
    train(parser.parse_args())


if __name__ == "__main__":
    main()
