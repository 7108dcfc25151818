"""Turn a checkpoint into the weights that ship, with their card.

    python -m ml.training.regressor.export --check out/data/check

Weights are stored as float16: they are read once and computed with in float32. Run it again with
``--figures`` once the evaluation has measured with these weights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...assets.card import AssetCard, rounded
from ...assets.weights import store_weights
from ...head.model import HeadModel
from ...head.storage import load_head_model
from ...regressor.network import HeadNetwork
from ...regressor.regressor import WEIGHTS
from ..arguments import export_parser
from ..export import CardText, Trained, read_trained, write_trained_card
from .measure import identity_sigma
from .train import RegressorConfig, network_shape

EXPORT = "python -m ml.training.regressor.export --checkpoint {checkpoint} --check out/data/check"
TEXT = CardText(
    name="Effigy regressor",
    sources=(
        "699 official portraits of members of the US Congress (public domain), labelled with "
        "MediaPipe Face Landmarker (Apache-2.0)",
        "the same portraits profiled: projected onto fitted heads and drawn in new poses",
        "renders of Effigy Head with MakeHuman skins (CC0) under HDRI Haven (CC0) and "
        "ICT-FaceKit (MIT) environment maps",
    ),
    before=(
        "python -m ml.training.head.statistics.reference --data DATA",
        "python -m ml.training.data.fits --data DATA",
        "python -m ml.training.head.landmarks.adapt --data DATA",
        "python -m ml.training.data.fits --data DATA",
        "python -m ml.training.data.generate --data DATA --out out/data/samples",
        "python -m ml.training.data.generate --data DATA --out out/data/check"
        " --seed 8 --count 2000",
    ),
    after=(
        EXPORT,
        "python -m ml.evaluation portraits --data DATA --json out/portraits.json",
        "python -m ml.evaluation wild --data DATA --json out/wild.json",
        "python -m ml.evaluation synthetic --data DATA --json out/synthetic.json",
        f"{EXPORT} --figures out/portraits.json out/wild.json out/synthetic.json",
    ),
)


def export(
    trained: Trained[RegressorConfig],
    model: HeadModel,
    check: Path,
    target: Path = WEIGHTS,
    figures: Mapping[str, Any] | None = None,
) -> AssetCard:
    """Write the weights of a run and their card.

    check: folder of samples that the training did not see. figures: the evaluation's, by file.
    """
    shape = network_shape(model, trained.config.network)
    network = HeadNetwork(shape)
    network.load_state_dict(trained.weights)
    sigma = identity_sigma(network.eval(), check)
    store_weights(trained.weights, target)
    details = {
        "head_model": {"id": model.model_id, "version": model.version},
        "network": shape.to_dict(),
        "input": "RGB crop, 0..1, cut by ml/photo/crop.py",
        "identity_sigma": [round(float(value), 3) for value in sigma],
        "figures": dict(figures or {}),
    }
    return write_trained_card(target, trained, TEXT, details)


def main() -> None:
    parser = export_parser(__doc__, "out/train/regressor", "reference")
    parser.add_argument("--check", type=Path, default=Path("out/data/check"))
    parser.add_argument(
        "--figures", type=Path, nargs="*", default=[], help="what ml.evaluation wrote with --json"
    )
    arguments = parser.parse_args()
    figures = {
        path.stem: rounded(json.loads(path.read_text())["summary"], 2) for path in arguments.figures
    }
    trained = read_trained(arguments.checkpoint, RegressorConfig)
    model = load_head_model(arguments.reference)
    card = export(trained, model, arguments.check, figures=figures)
    print(f"{WEIGHTS}: {card.size / 1e6:.1f} MB, sha256 {card.sha256}")


if __name__ == "__main__":
    main()
