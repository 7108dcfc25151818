"""Turn a checkpoint into the face CLIP that ships: two models, each with its config and card.

    python -m ml.training.perception.export --samples out/data/shape

Zero-shot accuracies, and the distance between two people in every layer of the loss, are measured
with the written files, on people kept out of training.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from ...assets.card import AssetCard
from ...perception.clip import CONFIG_DIGEST, open_clip_module
from ...perception.consistency import ConsistencyConfig, FeatureConsistency
from ...perception.face_clip import ASSETS, BLOCKS, RESNET, STAGES, VIT, load_face_clip
from ...perception.tower import ImageTower
from ...perception.views import ViewSettings
from ..arguments import SHAPE_SAMPLES, export_parser
from ..export import CardText, Trained, read_trained, write_trained_card
from .config import FaceClipConfig, face_words, model_config
from .encoded import SHOWN
from .network import FacePair
from .people import People, middle_crops
from .zero_shot import figures_of, kept_out_people

TEXT = CardText(
    name="Effigy face CLIP",
    sources=(
        "renders of Effigy Head with MakeHuman skins (CC0), skin detail of 699 official portraits "
        "of members of the US Congress (public domain), HDRI Haven (CC0) and ICT-FaceKit (MIT) "
        "environment maps",
        "captions written from how those people were drawn",
        "features of those pictures by the encoder of Effigy's regressor (see its card)",
    ),
    before=(
        "python -m ml.training.data.generate --data DATA --config ml/training/data/shape.toml"
        " --out out/data/shape",
    ),
    after=(
        "python -m ml.training.perception.export --checkpoint {checkpoint}"
        " --samples out/data/shape",
    ),
)
# Pairs of people whose distance in every layer is measured.
PAIRS = 128


def write_weights(model: nn.Module, path: Path) -> None:
    """Write half precision weights under open_clip's names, with the integers it requires."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {
        name: (value.half() if value.is_floating_point() else value).contiguous().clone()
        for name, value in model.state_dict().items()
    }
    save_file(state, path)


def write_model_config(config: FaceClipConfig, which: str, weights: Path) -> None:
    """Write open_clip's configuration, the normalisation and the words, beside the weights."""
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
    """The unweighted loss between pictures of two different people, by layer.

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
    trained: Trained[FaceClipConfig], people: People, assets: Path = ASSETS
) -> list[AssetCard]:
    """Write the weights of a run, their configurations and their cards, measured on ``people``."""
    config, pair = trained.config, FacePair(trained.config)
    pair.load_state_dict(trained.weights)
    targets = {"resnet": assets / RESNET.name, "vit": assets / VIT.name}
    for which, target in targets.items():
        write_weights(getattr(pair, which), target)
        write_model_config(config, which, target)
        _card(target, trained, {})
    clips = {which: load_face_clip(target) for which, target in targets.items()}
    pictures = middle_crops(people.images, people.rows, SHOWN, config.resnet["image_size"])
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
        cards.append(_card(target, trained, measured))
    return cards


def _card(target: Path, trained: Trained[FaceClipConfig], measured: dict[str, Any]) -> AssetCard:
    text = replace(TEXT, name=f"{TEXT.name} ({target.stem})")
    digest = hashlib.sha256(target.with_suffix(".json").read_bytes()).hexdigest()
    details = {
        "input": "RGB crop, 0..1; open_clip's own normalisation",
        CONFIG_DIGEST: digest,
        **measured,
    }
    return write_trained_card(target, trained, text, details)


def main() -> None:
    parser = export_parser(__doc__, "out/train/face_clip", "reference")
    parser.add_argument("--samples", type=Path, default=SHAPE_SAMPLES)
    parser.add_argument("--assets", type=Path, default=ASSETS)
    arguments = parser.parse_args()
    trained = read_trained(arguments.checkpoint, FaceClipConfig)
    people = kept_out_people(arguments.samples, arguments.reference, trained.config.kept_out)
    for card in export(trained, people, arguments.assets):
        print(f"{card.file}: {card.size / 1e6:.1f} MB, sha256 {card.sha256}")
        for name, found in card.details["zero_shot"].items():
            print(f"  {name}: {found['accuracy']:.3f} (chance {found['chance']:.3f})")


if __name__ == "__main__":
    main()
