"""The feature consistency loss with the CLIP that a person chose."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from ..errors import WeightsMissing
from .clip import ClipSource, load_clip
from .consistency import ConsistencyConfig, FeatureConsistency
from .face_clip import face_config, face_consistency
from .tower import ImageTower
from .views import ViewSettings

# The paper's models, as open_clip names them: convolutional, then transformer.
PAPER = ("RN101", "ViT-B-32")
# OpenAI's own archives, or a state dictionary; in this order.
SUFFIXES = (".pt", ".safetensors", ".bin")
_REMEDY = (
    f"Put {' and '.join(name + '.pt' for name in PAPER)}, OpenAI's own files, into one folder and "
    "name it (--clip-folder; CLIP folder in Blender's preferences of Effigy), or use Effigy's own "
    "CLIP (--clip face)"
)


@lru_cache(maxsize=1)
def chosen_consistency(clip: str = "face", folder: str = "") -> FeatureConsistency:
    """The loss over whole pictures, without random views.

    Parameters
    ----------
    clip: "face", the one that ships, or "openai", RN101 and ViT-B/32.
    folder: of the checkpoints of "openai"; empty: those that open_clip downloaded earlier. Nothing
        is downloaded here.

    Raises
    ------
    EngineUnavailable: open_clip is not installed. WeightsMissing: no weights, or damaged ones.
    """
    whole = ViewSettings(count=1)
    if clip == "face":
        return face_consistency(face_config(whole))
    sources = [_source(name, folder) for name in PAPER]
    try:
        convolutional, transformer = (ImageTower(load_clip(source)) for source in sources)
    except WeightsMissing as error:
        raise WeightsMissing(error.message, _REMEDY) from error
    return FeatureConsistency(convolutional, transformer, ConsistencyConfig(views=whole))


def _source(name: str, folder: str) -> ClipSource:
    """The weights of one of PAPER, by its file in ``folder`` or by open_clip's own downloads."""
    if not folder:
        return ClipSource(name, tag="openai")
    files = [Path(folder).expanduser() / (name + suffix) for suffix in SUFFIXES]
    found = next((path for path in files if path.is_file()), None)
    if found is None:
        raise WeightsMissing(f"The CLIP weights {files[0]} do not exist", _REMEDY)
    # A state dictionary does not say that OpenAI's models use another activation.
    return ClipSource(f"{name}-quickgelu", found)
