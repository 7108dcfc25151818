"""Turn a checkpoint into the face detector's weights that ship, with their card.

python -m ml.training.detector.export
"""

from __future__ import annotations

from pathlib import Path

from ...assets.card import AssetCard
from ...assets.weights import store_weights
from ...photo.detector import WEIGHTS
from ..arguments import export_parser
from ..export import CardText, Trained, read_trained, write_trained_card
from .train import DetectorConfig

TEXT = CardText(
    name="Effigy face detector",
    sources=(
        "699 official portraits of members of the US Congress (public domain), labelled with "
        "MediaPipe Face Landmarker (Apache-2.0)",
        "the same portraits profiled, and renders of Effigy Head with MakeHuman skins (CC0) under "
        "HDRI Haven (CC0) and ICT-FaceKit (MIT) environment maps",
    ),
    before=("python -m ml.training.data.generate --data DATA --out out/data/samples",),
    after=("python -m ml.training.detector.export --checkpoint {checkpoint}",),
)


def export(trained: Trained[DetectorConfig], target: Path = WEIGHTS) -> AssetCard:
    """Write the weights of a run and their card."""
    store_weights(trained.weights, target)
    return write_trained_card(target, trained, TEXT, {"widths": trained.config.widths})


def main() -> None:
    arguments = export_parser(__doc__, "out/train/detector").parse_args()
    card = export(read_trained(arguments.checkpoint, DetectorConfig))
    print(f"{WEIGHTS}: {card.size / 1e6:.1f} MB, sha256 {card.sha256}")


if __name__ == "__main__":
    main()
