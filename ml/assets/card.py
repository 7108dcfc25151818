"""Cards: what an asset file is, where it came from, and whether it is still that file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import WeightsMissing

REMEDY = "Install Effigy again, or get the file anew from the same release"


@dataclass(frozen=True)
class AssetCard:
    """Facts about one weight or asset file, stored beside it as ``<stem>.card.json``.

    Attributes
    ----------
    name, file, sha256, size: size in bytes.
    licence: SPDX identifier. commercial_use: whether it may be used in paid work.
    sources: what it was learned from, with licences. command: how to make it again.
    details: everything particular to this asset (network sizes, figures, seeds).
    """

    name: str
    file: str
    sha256: str
    size: int
    licence: str
    commercial_use: bool
    sources: tuple[str, ...]
    command: str
    details: dict[str, Any] = field(default_factory=dict)


def card_path(asset: Path) -> Path:
    """Where the card of ``asset`` lies."""
    return asset.with_suffix(".card.json")


def write_card(asset: Path, **facts: Any) -> AssetCard:
    """Describe ``asset`` as it lies on disk; ``facts`` are the other fields of the card."""
    content = asset.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    card = AssetCard(file=asset.name, sha256=digest, size=len(content), **facts)
    card_path(asset).write_text(json.dumps(asdict(card), indent=1) + "\n", encoding="utf-8")
    return card


def shipped_assets() -> list[Path]:
    """Every asset file that has its card in one of ml's packages.

    Raises
    ------
    WeightsMissing: a card cannot be read.
    """
    cards = sorted(Path(__file__).parents[1].glob("*/assets/*.card.json"))
    # A card lies beside its asset, whose ending it does not share.
    return [path.with_name(read_card(path.with_suffix("")).file) for path in cards]


def read_card(asset: Path) -> AssetCard:
    """The card of ``asset``.

    Raises
    ------
    WeightsMissing: no card, or not a card.
    """
    path = card_path(asset)
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return AssetCard(**{**facts, "sources": tuple(facts["sources"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise WeightsMissing(f"The card {path} could not be read ({error})", REMEDY) from error


@lru_cache(maxsize=16)
def verified(asset: Path) -> AssetCard:
    """The card of ``asset``, after checking that the file is the one it describes.

    Raises
    ------
    WeightsMissing: the file is absent, or its bytes are others than the card says.
    """
    card = read_card(asset)
    try:
        content = asset.read_bytes()
    except OSError as error:
        raise WeightsMissing(f"{asset} is missing ({error})", REMEDY) from error
    if len(content) != card.size or hashlib.sha256(content).hexdigest() != card.sha256:
        raise WeightsMissing(f"{asset} is not the file that its card describes", REMEDY)
    return card


def rounded(values: Mapping[str, Any], digits: int) -> dict[str, Any]:
    """Figures for a card: the same values with so many digits, however deep."""
    return {
        name: rounded(value, digits)
        if isinstance(value, dict)
        else (round(value, digits) if isinstance(value, float) else value)
        for name, value in values.items()
    }
