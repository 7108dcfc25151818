"""What files that are made of a head say of its origin, and how glTF files are told it.

The statement names the tool and its version, the date, the photo by its hash (never its name or
place), IPTC's digital source type, and what a person noted about consent. Standard library only.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import HeadError
from .glb import pack_glb, unpack_glb

TOOL = "Effigy"
SIDECAR = ".provenance.json"
_IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
# A photo, completed and put into form by trained models; and a person drawn from such a model.
OF_A_PHOTO = _IPTC + "compositeWithTrainedAlgorithmicMedia"
OF_NO_PHOTO = _IPTC + "trainedAlgorithmicMedia"
_XMP = "KHR_xmp_json_ld"
_CONTEXT = {
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}


def now() -> str:
    """The time in UTC, ISO 8601; that of SOURCE_DATE_EPOCH where builds are to be repeatable."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = datetime.fromtimestamp(int(fixed), UTC) if fixed.isdecimal() else datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def statement_of(about: Mapping[str, Any]) -> dict[str, str]:
    """The statement in a ``reconstruction.json``; those of earlier versions give one, too."""
    said = {str(name): str(text) for name, text in about.get("provenance", {}).items()}
    version, photo = str(about.get("effigy_version", "")), about.get("photo", {})
    return made_statement(version, str(photo.get("sha256", ""))) | said


def made_statement(version: str, photo: str, made: str = "", consent: str = "") -> dict[str, str]:
    """A statement. photo: its sha256, empty where there was none; made: date; consent: the note."""
    found = {
        "tool": TOOL,
        "version": version,
        "date": made,
        "photo_sha256": photo,
        "digitalSourceType": OF_A_PHOTO if photo else OF_NO_PHOTO,
        "consent": consent,
    }
    return {name: text for name, text in found.items() if text or name == "consent"}


def statement_of_many(version: str, made: str = "", consent: str = "") -> dict[str, str]:
    """The statement of a file about many photos, whose rows hold the photos' hashes."""
    return made_statement(version, "", made, consent) | {"digitalSourceType": OF_A_PHOTO}


def write_sidecar(path: Path, statement: Mapping[str, str]) -> Path:
    """Write a statement beside the file at ``path``, for formats that cannot hold it."""
    beside = path.with_name(path.name + SIDECAR)
    beside.write_text(json.dumps(dict(statement), indent=1, ensure_ascii=False), encoding="utf-8")
    return beside


def stamp_glb(path: Path, statement: Mapping[str, str]) -> None:
    """Put a statement into a binary glTF file: as ``asset.extras.effigy``, and as XMP.

    Raises
    ------
    HeadError: the file is no binary glTF 2.
    """
    try:
        content, rest = unpack_glb(path.read_bytes())
        stamp_content(content, statement)
    except (struct.error, ValueError, TypeError, AttributeError) as error:
        raise HeadError(f"{path} is no binary glTF 2 ({error})", "Export the head again") from error
    path.write_bytes(pack_glb(content, rest))


def stamp_content(content: dict[str, Any], statement: Mapping[str, str]) -> None:
    """Put a statement into the JSON of a glTF file, as :func:`stamp_glb`."""
    asset = content.setdefault("asset", {})
    asset.setdefault("extras", {})["effigy"] = dict(statement)
    packets = content.setdefault("extensions", {}).setdefault(_XMP, {}).setdefault("packets", [])
    packets.append(_packet(statement))
    asset.setdefault("extensions", {})[_XMP] = {"packet": len(packets) - 1}
    used = content.setdefault("extensionsUsed", [])
    if _XMP not in used:
        used.append(_XMP)


def _packet(statement: Mapping[str, str]) -> dict[str, Any]:
    """A statement in XMP's words."""
    said = {
        "xmp:CreatorTool": f"{statement['tool']} {statement['version']}",
        "xmp:CreateDate": statement.get("date", ""),
        "Iptc4xmpExt:DigitalSourceType": statement["digitalSourceType"],
        "xmpRights:UsageTerms": statement.get("consent", ""),
    }
    return {"@context": _CONTEXT, "@id": ""} | {name: text for name, text in said.items() if text}
