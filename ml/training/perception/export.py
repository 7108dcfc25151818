"""Turn a checkpoint into the face CLIP that ships: two models, each with its config and card.

    python -m ml.training.perception.export --checkpoint out/train/face_clip/checkpoint.pt \
        --samples out/data/shape

Zero-shot figures, and how far apart people are in every layer of the loss, are measured with the
very files that were written, on people kept out of training.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from ...assets.card import AssetCard, write_card
from ...perception.clip import open_clip_module
from ...perception.consistency import ConsistencyConfig, FeatureConsistency
from ...perception.face_clip import ASSETS, BLOCKS, RESNET, STAGES, VIT, load_face_clip
from ...perception.tower import ImageTower
from ...perception.views import ViewSettings
from .encoded import SHOWN
from .people import People, middle_crops
from .train import CONFIG, FacePair, face_words, model_config
from .zero_shot import figures_of, kept_out_people

SOURCES = (
    "renders of Effigy Head with MakeHuman skins (CC0), skin detail of 699 official portraits of "
    "members of the US Congress (public domain), HDRI Haven (CC0) and ICT-FaceKit (MIT) "
    "environment maps",
    "captions written from how those people were drawn",
    "what the encoder of Effigy's regressor (see its card) sees of those pictures",
)
COMMAND = (
    "python -m ml.training.data.generate --data DATA --config ml/training/data/shape.toml"
    " --out out/data/shape && "
    "python -m ml.training.perception.train --samples out/data/shape --out out/train/face_clip"
    " --max-minutes {minutes:.0f} && "
    "python -m ml.training.perception.export --checkpoint out/train/face_clip/checkpoint.pt"
    " --samples out/data/shape"
)
# Pairs of people whose distance in every layer is measured.
PAIRS = 128


def write_weights(model: nn.Module, path: Path) -> None:
    """Half precision, under open_clip's names; integers as they are, for open_clip wants them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {
        name: (value.half() if value.is_floating_point() else value).contiguous().clone()
        for name, value in model.state_dict().items()
    }
    save_file(state, path)


def write_model_config(config: dict[str, Any], which: str, weights: Path) -> None:
    """Beside the weights: what open_clip builds, how pictures are normalised, the known words."""
    open_clip = open_clip_module()
    stored = {
        "model_cfg": model_config(config, which),
        "preprocess_cfg": {
            "mean": open_clip.OPENAI_DATASET_MEAN,
            "std": open_clip.OPENAI_DATASET_STD,
        },
        "words": face_words(config).words,
    }
    weights.with_suffix(".json").write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


def layers_apart(resnet: ImageTower, vit: ImageTower, pictures: Tensor) -> dict[str, float]:
    """What every layer of the loss says, unweighted, of pictures of two different people.

    pictures: (2 P, 3, S, S) in 0..1; the first half is compared with the second.
    """
    config = ConsistencyConfig(
        stages=tuple((name, 1.0) for name in STAGES),
        blocks=tuple((number, 1.0) for number in BLOCKS),
        views=ViewSettings(count=1),
    )
    one, other = pictures.chunk(2)
    with torch.no_grad():
        found = FeatureConsistency(resnet, vit, config)(
            one, other, torch.ones_like(one[:, :1]), torch.Generator().manual_seed(0)
        )
    return {name: round(float(value), 5) for name, value in found.layers.items()}


def export(
    checkpoint: Path, people: People, config: dict[str, Any], assets: Path = ASSETS
) -> list[AssetCard]:
    """Write the averaged weights of ``checkpoint``, their configs and their cards."""
    state = torch.load(checkpoint, weights_only=True)
    pair = FacePair(config)
    pair.load_state_dict(state["average"])
    targets = {"resnet": assets / RESNET.name, "vit": assets / VIT.name}
    for which, target in targets.items():
        write_weights(getattr(pair, which), target)
        write_model_config(config, which, target)
        _card(target, config, state, {})
    clips = {which: load_face_clip(target) for which, target in targets.items()}
    size = config["resnet"]["image_size"]
    pictures = middle_crops(people.images, people.rows, SHOWN, size)
    half = min(PAIRS, len(pictures) // 2)
    apart = layers_apart(clips["resnet"].tower, clips["vit"].tower, pictures[: 2 * half])
    cards = []
    for which, target in targets.items():
        has = dict(clips[which].model.visual.named_modules())
        measured = {
            "kept_out_people": len(pictures),
            "zero_shot": figures_of(clips[which], pictures, people.known),
            "apart": {name: value for name, value in apart.items() if name in has},
        }
        cards.append(_card(target, config, state, measured))
    return cards


def _card(
    target: Path, config: dict[str, Any], state: dict[str, Any], measured: dict[str, Any]
) -> AssetCard:
    minutes = state["seconds"] / 60
    return write_card(
        target,
        name=f"Effigy face CLIP ({target.stem})",
        licence="CC0-1.0",
        commercial_use=True,
        sources=SOURCES,
        command=COMMAND.format(minutes=minutes),
        details={
            "input": "RGB crop, 0..1; open_clip's own normalisation",
            "training": {**config, "steps": state["step"], "minutes": round(minutes, 1)},
            **measured,
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--checkpoint", type=Path, default=Path("out/train/face_clip/checkpoint.pt")
    )
    parser.add_argument("--samples", type=Path, default=Path("out/data/shape"))
    parser.add_argument("--reference", type=Path, default=Path("out/head/reference.npz"))
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--assets", type=Path, default=ASSETS)
    arguments = parser.parse_args()
    config = tomllib.loads(arguments.config.read_text())
    people = kept_out_people(arguments.samples, arguments.reference, config)
    for card in export(arguments.checkpoint, people, config, arguments.assets):
        print(f"{card.file}: {card.size / 1e6:.1f} MB, sha256 {card.sha256}")
        for name, found in card.details["zero_shot"].items():
            print(f"  {name}: {found['accuracy']:.3f} (chance {found['chance']:.3f})")


if __name__ == "__main__":
    main()
