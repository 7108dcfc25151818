"""Turn a checkpoint into the parsing network's weights that ship, with their card.

python -m ml.training.parsing.export --samples out/data/parsing
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from ...assets.card import AssetCard, rounded
from ...assets.weights import filled, store_weights
from ...parsing.network import ParsingNetwork
from ...parsing.parse import WEIGHTS
from ..arguments import PARSING_SAMPLES, export_parser
from ..export import CardText, Trained, read_trained, write_trained_card
from .batches import Source, rendered
from .measure import intersection_over_union
from .train import KEPT_OUT, ParsingConfig

TEXT = CardText(
    name="Effigy face parsing",
    sources=(
        "renders of Effigy Head with MakeHuman skins (CC0) under HDRI Haven (CC0) and "
        "ICT-FaceKit (MIT) environment maps",
        "699 official portraits of members of the US Congress (public domain), labelled with "
        "MediaPipe Face Landmarker and its selfie segmentation (Apache-2.0)",
    ),
    before=(
        "python -m ml.training.parsing.generate --data DATA --out out/data/parsing",
        "python -m ml.training.parsing.outlines --data DATA --out out/parsing/outlines.npz",
        "python -m ml.training.parsing.portraits --data DATA --out out/parsing/first.npz",
    ),
    after=("python -m ml.training.parsing.export",),
)
# Between a run's part on first.npz and its part on dressed.npz.
TEACHING = (
    "python -m ml.training.parsing.teacher",
    "python -m ml.training.parsing.dress --data DATA",
)


def export(
    trained: Trained[ParsingConfig], samples: Source, note: str = "", target: Path = WEIGHTS
) -> AssetCard:
    """Write the weights of a run and their card, which says how well they do on the samples that
    were kept out of the training. note: on how the run went, for the card."""
    trained = replace(trained, commands=with_teaching(trained.commands))
    config = trained.config
    network = filled(partial(ParsingNetwork, config.widths, config.depths), trained.weights).eval()
    rows = samples.rows[samples.rows % KEPT_OUT == 0]
    found = intersection_over_union(network, samples.images[rows], samples.labels[rows])
    store_weights(trained.weights, target)
    details = {
        "widths": config.widths,
        "depths": config.depths,
        "kept_out": {"pictures": len(rows), "intersection_over_union": rounded(found, 3)},
        "training": {"note": note} if note else {},
    }
    return write_trained_card(target, trained, TEXT, details)


def with_teaching(commands: list[str]) -> list[str]:
    """The commands of a run with those before its first one that takes dressed portraits."""
    for number, command in enumerate(commands):
        if "dressed" in command:
            return [*commands[:number], *TEACHING, *commands[number:]]
    return commands


def main() -> None:
    parser = export_parser(__doc__, "out/train/parsing")
    parser.add_argument("--samples", type=Path, default=PARSING_SAMPLES)
    parser.add_argument("--note", default="", help="on how the run went, for the card")
    arguments = parser.parse_args()
    trained = read_trained(arguments.checkpoint, ParsingConfig)
    card = export(trained, rendered(arguments.samples), arguments.note)
    print(f"{WEIGHTS}: {card.size / 1e6:.1f} MB, sha256 {card.sha256}")


if __name__ == "__main__":
    main()
