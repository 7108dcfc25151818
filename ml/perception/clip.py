"""Load CLIP models through open_clip, from a file or from a download that a person agreed to."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from safetensors import SafetensorError
from torch import nn

from ..assets.card import REMEDY, verified
from ..errors import EXTRAS_REMEDY, EngineUnavailable, UsageError, WeightsMissing, explained
from .torchvision_shim import ensure_torchvision

# Errors that open_clip and torch raise for files that are damaged or belong to another model.
_UNFIT = (
    RuntimeError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    OSError,
    EOFError,
    StopIteration,
    AssertionError,
    UnpicklingError,
    SafetensorError,
)
# The detail of a card that has the SHA-256 of the config beside the weights.
CONFIG_DIGEST = "config_sha256"
# open_clip's own names for weights in a hub repository, in the order that it tries them.
_HUB_NAMES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")


@dataclass(frozen=True)
class ClipSource:
    """A CLIP's architecture and the source of its weights.

    Attributes
    ----------
    architecture: a name that open_clip knows ("RN101", "ViT-B-32-quickgelu"), an open_clip model
        config as a dictionary, or the path of one as JSON: either the config itself or
        ``{"model_cfg": ..., "preprocess_cfg": ...}``, as open_clip writes it.
    weights: a checkpoint of the whole model: safetensors, a saved state dictionary, or OpenAI's
        own TorchScript archive.
    tag: without ``weights``, open_clip's name of published ones ("openai").

    OpenAI's models use another activation than open_clip's default. For a state dictionary of
    theirs, the architecture's name must end in "-quickgelu" where open_clip has that variant. For
    a tag, and for OpenAI's own archives, the activation is set automatically.
    """

    architecture: str | Path | dict[str, Any]
    weights: Path | None = None
    tag: str | None = None


def carded(weights: Path) -> ClipSource:
    """The source of a model whose config (.json) and card lie beside ``weights``.

    Raises
    ------
    WeightsMissing: one is absent, or not the file that the card describes.
    """
    card, config = verified(weights), weights.with_suffix(".json")
    try:
        digest = hashlib.sha256(config.read_bytes()).hexdigest()
    except OSError as error:
        raise WeightsMissing(str(explained(error, config)), REMEDY) from error
    if digest != card.details.get(CONFIG_DIGEST):
        raise WeightsMissing(f"{config} is not the file that the card describes", REMEDY)
    return ClipSource(config, weights)


def load_clip(
    source: ClipSource, *, allow_download: bool = False, cache: Path | None = None
) -> Any:
    """The model as open_clip's own class: float32, on the CPU, in evaluation mode and frozen.

    Parameters
    ----------
    allow_download: whether a tag's weights may be downloaded now. Earlier downloads are always
        used.
    cache: folder of downloads; huggingface_hub's own folder by default.

    Raises
    ------
    WeightsMissing: no weights, or another model's. Never runs on random weights.
    UsageError: no such architecture or tag. EngineUnavailable: open_clip is not installed.
    """
    if source.weights is not None and not source.weights.is_file():
        raise WeightsMissing(
            f"There is no CLIP checkpoint {source.weights}", "Check the path, or download it again"
        )
    if source.weights is None and source.tag is None:
        raise WeightsMissing(
            "No CLIP weights were given",
            "Give the path of a checkpoint, or the tag of published ones",
        )
    model = (
        _from_name(source, allow_download, cache)
        if isinstance(source.architecture, str)
        else _from_config(source)
    )
    return model.float().eval().requires_grad_(False)


def open_clip_module() -> Any:
    """open_clip itself, imported on first use.

    Raises
    ------
    EngineUnavailable: it is not installed.
    """
    ensure_torchvision()
    try:
        import open_clip
    except ImportError as error:
        raise EngineUnavailable(
            f"open_clip could not be loaded ({error})", EXTRAS_REMEDY
        ) from error
    return open_clip


def _from_config(source: ClipSource) -> nn.Module:
    """A model from a config instead of one of open_clip's names."""
    if source.weights is None:
        raise UsageError("A CLIP config has no published weights", "Give the path of a checkpoint")
    config = _read_config(source.architecture)
    open_clip = open_clip_module()
    sizes = dict(config.get("model_cfg", config))
    kind = open_clip.CustomTextCLIP if sizes.pop("custom_text", False) else open_clip.CLIP
    _refuse_remote_text(sizes)
    try:
        model = kind(**sizes)
    except _UNFIT as error:
        raise UsageError(
            f"The CLIP config is not one ({error})", "Compare it with open_clip's"
        ) from error
    try:
        open_clip.load_checkpoint(model, str(source.weights))
    except _UNFIT as error:
        raise _unfit(source.weights, error) from error
    preprocessing = {
        "mean": open_clip.OPENAI_DATASET_MEAN,
        "std": open_clip.OPENAI_DATASET_STD,
        **config.get("preprocess_cfg", {}),
    }
    open_clip.set_model_preprocess_cfg(model, preprocessing)
    return model


def _read_config(config: str | Path | dict[str, Any]) -> dict[str, Any]:
    if isinstance(config, dict):
        return config
    try:
        read = json.loads(Path(config).read_text(encoding="utf-8"))
        return dict(read)
    except (OSError, ValueError, TypeError) as error:
        raise WeightsMissing(
            f"The CLIP config {config} could not be read ({error})",
            "Get it again from where the weights are from",
        ) from error


def _from_name(source: ClipSource, allow_download: bool, cache: Path | None) -> nn.Module:
    """A model that open_clip knows by name."""
    open_clip = open_clip_module()
    name = str(source.architecture).replace("/", "-")
    config = open_clip.get_model_config(name) if name in open_clip.list_models() else None
    if config is None:
        raise UsageError(
            f"open_clip has no model {name!r}", "Use one of open_clip.list_models(), or a config"
        )
    _refuse_remote_text(config)
    published: dict[str, Any] = {}
    path = source.weights
    if path is None:
        published = _published(open_clip, name, str(source.tag))
        path = _fetched(open_clip, published, f"{name} {source.tag}", allow_download, cache)
    try:
        if _is_torchscript(path):
            return open_clip.load_openai_model(str(path), precision="fp32", device="cpu")
        return open_clip.create_model(
            name,
            pretrained=str(path),
            force_quick_gelu=bool(published.get("quick_gelu")),
            force_preprocess_cfg={k: published[k] for k in ("mean", "std") if k in published},
            require_pretrained=True,
        )
    except _UNFIT as error:
        raise _unfit(path, error) from error


def _refuse_remote_text(config: dict[str, Any]) -> None:
    if "hf_model_name" in config.get("text_cfg", {}):
        # open_clip would ask the network for the text model's config even with local weights.
        raise UsageError(
            "This CLIP has a text model from the hub, which open_clip would look up on the network",
            "Use a CLIP with open_clip's own text model, such as RN101 or ViT-B-32",
        )


def _published(open_clip: Any, name: str, tag: str) -> dict[str, Any]:
    found = open_clip.get_pretrained_cfg(name, tag)
    if not found:
        known = ", ".join(open_clip.list_pretrained_tags_by_model(name)) or "none"
        raise UsageError(f"{name} has no published weights {tag!r}", f"There are: {known}")
    return dict(found)


def _fetched(
    open_clip: Any, published: dict[str, Any], what: str, allow_download: bool, cache: Path | None
) -> Path:
    """Path of published weights, from the cache or, if a download is allowed, from the network."""
    present = _in_cache(published.get("hf_hub", ""), cache)
    if present is not None:
        return present
    if not allow_download:
        raise WeightsMissing(
            f"The CLIP weights {what} are not on this computer",
            "Agree to a download, or give the path of a checkpoint",
        )
    try:
        return Path(open_clip.download_pretrained(published, cache_dir=cache and str(cache)))
    except _UNFIT as error:
        raise WeightsMissing(
            f"The CLIP weights {what} could not be fetched ({error})",
            "Check the network connection, or give the path of a checkpoint",
        ) from error


def _in_cache(place: str, cache: Path | None) -> Path | None:
    """Weights at the hub's "owner/name/" or "owner/name/file" in the cache; never the network."""
    from huggingface_hub import try_to_load_from_cache

    repository, _, filename = place.rpartition("/")
    if not repository:
        return None
    names = (Path(filename).stem + ".safetensors", filename) if filename else _HUB_NAMES
    for name in names:
        found = try_to_load_from_cache(repository, name, cache_dir=cache)
        if isinstance(found, str):
            return Path(found)
    return None


def _is_torchscript(path: Path) -> bool:
    """Whether the file is a TorchScript archive, the form in which OpenAI published its models."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())


def _unfit(path: Path, error: BaseException) -> WeightsMissing:
    return WeightsMissing(
        f"The CLIP checkpoint {path} is damaged or of another model ({error})",
        "Check that it belongs to the architecture, or get it again",
    )
