"""Turn a checkpoint into the expression network's weights that ship, with their card.

python -m ml.training.expressions.export
"""

from __future__ import annotations

import json
from pathlib import Path

from ...assets.card import AssetCard, rounded
from ...assets.weights import store_weights
from ...regressor.expressions import WEIGHTS
from ..arguments import export_parser
from ..export import CardText, Trained, read_trained, write_trained_card
from ..loop import LOG
from .train import ExpressionConfig, expression_network

TEXT = CardText(
    name="Effigy expression network",
    sources=(
        "renders of Effigy Head with MakeHuman skins (CC0) under HDRI Haven (CC0) and "
        "ICT-FaceKit (MIT) environment maps, as MediaPipe's face mesh (Apache-2.0) sees them",
        "699 official portraits of members of the US Congress (public domain), labelled with "
        "MediaPipe Face Landmarker (Apache-2.0), as the face mesh sees them",
    ),
    before=(
        *(
            f"python -m ml.training.data.generate --data DATA"
            f" --config ml/training/data/{kind}.toml --out out/data/{kind}"
            for kind in ("acted", "acted_portraits")
        ),
        *(
            f"python -m ml.training.expressions.features --samples out/data/{kind}"
            f" --out out/data/{kind}_seen{seed} --seed {seed}"
            for kind in ("acted", "acted_portraits")
            for seed in (0, 1)
        ),
        *(
            f"python -m ml.training.expressions.features --samples out/data/acted"
            f" --out out/data/acted_closed{seed} --seed {seed} --closing"
            for seed in (2, 3)
        ),
    ),
    after=("python -m ml.training.expressions.export --checkpoint {checkpoint}",),
)


def export(trained: Trained[ExpressionConfig], target: Path = WEIGHTS) -> AssetCard:
    """Write the weights of a run and their card."""
    store_weights(trained.weights, target)
    log = trained.checkpoint.parent / LOG
    curve = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    details = {
        "network": expression_network(trained.config.network).shape.to_dict(),
        "input": "features of the face mesh, see ml/regressor/face_mesh_network.py",
        "curve": [rounded(line, 3) for line in curve],
    }
    return write_trained_card(target, trained, TEXT, details)


def main() -> None:
    arguments = export_parser(__doc__, "out/train/expressions").parse_args()
    card = export(read_trained(arguments.checkpoint, ExpressionConfig))
    print(f"{WEIGHTS}: {card.size / 1e6:.1f} MB, sha256 {card.sha256}")


if __name__ == "__main__":
    main()
