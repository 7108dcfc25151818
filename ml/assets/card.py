"""Cards describe asset files: contents, origin, licence, and a checksum that is verified."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import WeightsMissing, explained

REMEDY = "Install Effigy again, or get the file anew from the same release"


@dataclass(frozen=True)
class AssetCard:
    """Facts about one weight or asset file, stored beside it as ``<stem>.card.json``.

    Attributes
    ----------
    name, file, sha256, size: size in bytes.
    licence: SPDX identifier. commercial_use: whether it may be used in paid work.
    sources: data it was made from, with licences. command: that made it.
    details: everything specific to this asset (network sizes, figures, seeds).
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
    """Path of the card of ``asset``."""
    return asset.with_suffix(".card.json")


def write_card(asset: Path, **facts: Any) -> AssetCard:
    """Write the card of the file ``asset``; ``facts``: fields that are not read from the file."""
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
    WeightsMissing: the card is absent or damaged.
    """
    path = card_path(asset)
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return AssetCard(**{**facts, "sources": tuple(facts["sources"])})
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise WeightsMissing(f"The card {path} could not be read ({error})", REMEDY) from error


FileState = tuple[int, int, int]


def file_state(path: Path) -> FileState:
    """What differs between files that lay at ``path`` one after the other; zeros if there is none.

    A file may be replaced while the process runs.
    """
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size


def verified(asset: Path) -> AssetCard:
    """The card of ``asset``, after a check that the file is the one that it describes.

    The checksum is computed once in a process, and again if a file was replaced.

    Raises
    ------
    WeightsMissing: card or file is absent, or the file's size or checksum differs.
    HeadError: the file is there but cannot be read; says why.
    """
    return _verified(asset, file_state(asset), file_state(card_path(asset)))


@lru_cache(maxsize=16)
def _verified(asset: Path, *_: object) -> AssetCard:
    card = read_card(asset)
    try:
        content = asset.read_bytes()
    except FileNotFoundError as error:
        raise WeightsMissing(f"{asset} is missing", REMEDY) from error
    except (OSError, MemoryError) as error:
        raise explained(error, asset) from error
    if len(content) != card.size or hashlib.sha256(content).hexdigest() != card.sha256:
        raise WeightsMissing(f"{asset} is not the file that its card describes", REMEDY)
    return card


def rounded(values: Mapping[str, Any], digits: int) -> dict[str, Any]:
    """The same values with floats rounded to ``digits`` decimals, in nested dictionaries, too."""
    return {
        name: rounded(value, digits)
        if isinstance(value, dict)
        else (round(value, digits) if isinstance(value, float) else value)
        for name, value in values.items()
    }
