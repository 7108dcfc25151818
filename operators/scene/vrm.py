"""VRM 1.0: what a GLB of a head needs besides to be an avatar, written into its JSON."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...ml.errors import HeadError

_MAGIC, _VERSION, _JSON = 0x46546C67, 2, 0x4E4F534A
_LICENCE = "https://vrm.dev/licenses/1.0/"
_LOOK = {"inputMaxValue": 90.0, "outputScale": 10.0}


def make_vrm(
    path: Path, name: str, expressions: Mapping[str, Mapping[str, float]], bones: Mapping[str, str]
) -> None:
    """Make the GLB at ``path`` a VRM 1.0 avatar called ``name``.

    expressions: VRM's presets as weights of morph targets by name. bones: VRM's by the file's own.

    Raises
    ------
    HeadError: the file lacks a bone or has no morph targets.
    """
    held, rest = _read(path)
    # Not all nodes: a head may be called as a bone is.
    joints = {joint for skin in held.get("skins", ()) for joint in skin["joints"]}
    nodes = {held["nodes"][joint].get("name"): joint for joint in joints}
    missing = sorted(set(bones) - set(nodes))
    if missing:
        raise HeadError(f"{path} lacks the bones {', '.join(missing)}", "Add the rig anew")
    humanoid = {vrm: {"node": nodes[bone]} for bone, vrm in bones.items()}
    held["extensions"] = held.get("extensions", {}) | {
        "VRMC_vrm": {
            "specVersion": "1.0",
            "meta": {"name": name, "authors": ["unknown"], "licenseUrl": _LICENCE},
            "humanoid": {"humanBones": humanoid},
            "lookAt": {
                "type": "bone",
                "offsetFromHeadBone": _between_eyes(held, humanoid),
                **{f"rangeMap{way}": _LOOK for way in _WAYS},
            },
            "expressions": {"preset": _presets(held, path, expressions)},
        }
    }
    held["extensionsUsed"] = sorted({*held.get("extensionsUsed", []), "VRMC_vrm"})
    _write(path, held, rest)


def _between_eyes(held: dict[str, Any], humanoid: Mapping[str, Mapping[str, int]]) -> list[float]:
    """The middle between the eyes, which hang on the head, as seen from that; metres."""
    eyes = [held["nodes"][humanoid[name]["node"]] for name in _EYES if name in humanoid]
    places = [eye.get("translation", (0.0, 0.0, 0.0)) for eye in eyes]
    return [sum(axis) / len(eyes) for axis in zip(*places, strict=True)] if eyes else _MIDDLE


_EYES, _MIDDLE = ("leftEye", "rightEye"), [0.0, 0.06, 0.0]
_WAYS = ("HorizontalInner", "HorizontalOuter", "VerticalDown", "VerticalUp")


def _presets(
    held: dict[str, Any], path: Path, expressions: Mapping[str, Mapping[str, float]]
) -> dict[str, Any]:
    for number, node in enumerate(held["nodes"]):
        if "mesh" in node:
            targets = held["meshes"][node["mesh"]].get("extras", {}).get("targetNames", [])
            if targets:
                return {
                    preset: _expression(number, targets, weights)
                    for preset, weights in expressions.items()
                }
    raise HeadError(f"{path} has no expressions", "Rebuild the head first")


def _expression(node: int, targets: list[str], weights: Mapping[str, float]) -> dict[str, Any]:
    binds = [
        {"node": node, "index": targets.index(name), "weight": weight}
        for name, weight in weights.items()
        if name in targets
    ]
    return {"isBinary": False, "morphTargetBinds": binds}


def _read(path: Path) -> tuple[dict[str, Any], bytes]:
    """The JSON of a GLB, and the bytes after it."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    return json.loads(data[20 : 20 + length]), data[20 + length :]


def _write(path: Path, held: dict[str, Any], rest: bytes) -> None:
    text = json.dumps(held, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)
    total = 20 + len(text) + len(rest)
    head = struct.pack("<IIIII", _MAGIC, _VERSION, total, len(text), _JSON)
    path.write_bytes(head + text + rest)
