"""Content Credentials (C2PA) for the images of a result.

    python -m ml.results.credentials RESULT [--certificate CHAIN.pem --key KEY.pem [--alg ps256]]

Without a certificate it only writes ``c2pa.json``, the manifest that C2PA's own tools take. With
one it signs the images of the result in place, by the package c2pa-python. glTF, USD and FBX have
no place for such a manifest: see :mod:`.origin` for what they hold.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import EngineUnavailable, HeadError, UsageError, explained
from .files import PARTIAL, PREVIEW_NAME
from .images import ALBEDO_NAME
from .origin import statement_of
from .reconstruction import read_about

NAME = "c2pa.json"
# Made by Effigy; photo.jpg is the photo itself, and maps of the relief are no pictures.
SIGNED = (ALBEDO_NAME, PREVIEW_NAME)
ALGORITHMS = ("es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519")
_CREATED = "c2pa.created"


@dataclass(frozen=True)
class Signature:
    """Who signs: PEM files of the chain of certificates and of the key, and its algorithm."""

    certificate: Path
    key: Path
    algorithm: str = "es256"


def manifest_of(statement: Mapping[str, str], title: str) -> dict[str, Any]:
    """The definition of a manifest with what a statement says. title: of the signed file."""
    action = {
        "action": _CREATED,
        "digitalSourceType": statement["digitalSourceType"],
        "softwareAgent": {"name": statement["tool"], "version": statement["version"]},
    }
    if statement.get("date"):
        action["when"] = statement["date"]
    own = {name: statement[name] for name in ("photo_sha256", "consent") if statement.get(name)}
    assertions: list[dict[str, Any]] = [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}]
    if own:
        assertions.append({"label": "effigy.source", "data": own})
    return {
        "claim_generator_info": [{"name": statement["tool"], "version": statement["version"]}],
        "title": title,
        "assertions": assertions,
    }


def write_manifest(folder: Path) -> Path:
    """Write the manifest for the result in ``folder`` beside it.

    Raises
    ------
    HeadError: there is no result. OSError: it cannot be written.
    """
    path = folder / NAME
    definition = manifest_of(statement_of(read_about(folder)), folder.name)
    path.write_text(json.dumps(definition, indent=1, ensure_ascii=False), encoding="utf-8")
    return path


def sign(folder: Path, signature: Signature) -> list[Path]:
    """Sign the images of the result in ``folder``, in place; which those are.

    Raises
    ------
    EngineUnavailable: c2pa-python is missing. HeadError: there is no result or no image, or it
        cannot be signed so. OSError: a file cannot be read or written.
    """
    library, statement = _library(), statement_of(read_about(folder))
    images = [folder / name for name in SIGNED if (folder / name).is_file()]
    if not images:
        raise HeadError(
            f"{folder} has no image that can be signed ({', '.join(SIGNED)})",
            "Reconstruct the photo with a texture or a preview",
        )
    chain, key = (path.read_bytes() for path in (signature.certificate, signature.key))
    for image in images:
        try:
            _sign(library, (chain, key, signature.algorithm), image, statement)
        except library.C2paError as error:
            raise HeadError(
                f"{image} could not be signed ({error})",
                "Check that certificate, key and --alg belong together, and are meant for C2PA",
            ) from error
    return images


def _sign(library: Any, by: tuple[bytes, bytes, str], image: Path, said: Mapping[str, str]) -> None:
    chain, key, algorithm = by
    # No time stamp: that would ask a server.
    info = library.C2paSignerInfo(algorithm.encode(), chain, key, None)
    with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=image.parent) as folder:
        aside = Path(folder, image.name)
        builder = library.Builder(json.dumps(manifest_of(said, image.name)))
        builder.sign_file(str(image), str(aside), library.Signer.from_info(info))
        aside.replace(image)


def _library() -> Any:
    try:
        return importlib.import_module("c2pa")
    except ImportError as error:
        raise EngineUnavailable(
            "Signing needs c2pa-python, which this Python lacks",
            "pip install c2pa-python, or leave the certificate out and sign c2pa.json elsewhere",
        ) from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 where it did what was asked for, 1 where it did not, 2 on wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m ml.results.credentials", description=__doc__)
    parser.add_argument("result", type=Path, metavar="RESULT", help="folder of a result")
    parser.add_argument("--certificate", type=Path, metavar="FILE", help="chain, PEM")
    parser.add_argument("--key", type=Path, metavar="FILE", help="private key, PEM")
    parser.add_argument("--alg", default="es256", choices=ALGORITHMS, help="of the key (es256)")
    parsed = parser.parse_args(arguments)
    try:
        if (parsed.certificate is None) != (parsed.key is None):
            raise UsageError("A signature needs both --certificate and --key", "Give both, or none")
        written = [write_manifest(parsed.result)]
        if parsed.key is not None:
            signature = Signature(parsed.certificate, parsed.key, parsed.alg)
            written += sign(parsed.result, signature)
    except (HeadError, OSError) as error:
        print(f"error: {explained(error, parsed.result)}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    print("\n".join(map(str, written)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
