"""How photos are reconstructed, as one list of options.

Everything that offers these options reads this list: both command lines (:func:`add_options`),
Blender's settings (:func:`option`) and the check before any work begins (:func:`check_settings`).
Standard library only, so that Blender's own Python can load it.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields
from pathlib import Path

from .errors import UsageError

# Blender blocks the network of the engine's process; the proxy of a download that a person agreed
# to stands here, empty where there is none.
DOWNLOAD_PROXY = "EFFIGY_DOWNLOAD_PROXY"
# Texels along one side of the albedo texture; 0 makes no texture.
SMALLEST_TEXTURE, LARGEST_TEXTURE = 64, 8192
# Per cent of what makes a person differ from the average that a head keeps.
LEAST_LIKENESS, MOST_LIKENESS = 0, 150
# Letters of a note about consent.
LONGEST_NOTE = 1000
# The value of ``detail`` whose strength CLIP chooses.
CONSISTENT = "consistent"


@dataclass(frozen=True)
class Settings:
    """How a photo is to be reconstructed; :data:`OPTIONS` says what each value means.

    Attributes
    ----------
    face: "prominent", "all", or the number of a face (1 = the most prominent) as a string.
    allow_download: whether face-alignment may download its weights in this one request.
    skip_existing: whether photos whose results are finished are left alone: see
        ``results.folder.finished_heads``.
    texture_size: side of the albedo texture in texels; 0 makes no texture.
    landmarks, level, detail, clip, renderer, device: one of the values of the option of that name.
    clip_folder: of the weights of ``clip`` "openai"; empty: open_clip's own downloads.
    consent: a note about the consent of who is in the photo, for the files that are made.
    likeness: per cent.
    hair: whether strands of hair are grown.
    bust: whether the bust is closed below.
    """

    face: str = "prominent"
    landmarks: str = "effigy"
    allow_download: bool = False
    texture_size: int = 1024
    level: str = "base"
    detail: str = "relief"
    clip: str = "face"
    clip_folder: str = ""
    renderer: str = "builtin"
    likeness: int = 100
    hair: bool = True
    bust: bool = True
    skip_existing: bool = False
    consent: str = ""
    device: str = "auto"


@dataclass(frozen=True)
class Choice:
    """One value of an option: ``value`` for scripts, ``label`` and ``help`` for people."""

    value: str
    label: str
    help: str


@dataclass(frozen=True)
class Option:
    """One field of :class:`Settings`, as people choose it.

    Attributes
    ----------
    name: of the field. label, help: shown in Blender; ``help`` also on the command line.
    choices: the values there are; empty where the field is a path, a number or yes or no.
    limits: of a number, in per cent: the smallest and the largest.
    """

    name: str
    label: str
    help: str
    choices: tuple[Choice, ...] = ()
    limits: tuple[int, int] | None = None

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(choice.value for choice in self.choices)


OPTIONS = (
    Option(
        "face",
        "Face",
        "Which face, where the photo shows several: prominent, all, or a number from 1",
        (
            Choice("prominent", "Most prominent", "The largest, most central face"),
            Choice("all", "All", "One head for every face"),
            Choice("number", "By number", "Counted from the most prominent"),
        ),
    ),
    Option(
        "landmarks",
        "Landmarks",
        "What finds the face and its landmarks",
        (
            Choice("effigy", "Effigy", "The built-in network; works offline"),
            Choice("face-alignment", "face-alignment", "Needs its own weight files on disk"),
        ),
    ),
    Option(
        "allow_download",
        "Allow download",
        "Let face-alignment download its weight files (about 190 MB) once",
    ),
    Option(
        "texture_size",
        "Texture",
        "Side of the skin texture in pixels; 0 makes no texture",
        (
            Choice("0", "None", "Plain colours, no texture"),
            Choice("512", "512", "Quick preview"),
            Choice("1024", "1024", "Good for most photos"),
            Choice("2048", "2048", "For large, sharp photos"),
        ),
    ),
    Option(
        "level",
        "Mesh",
        "How fine the mesh is; shape, expressions and texture are the same",
        (
            Choice("low", "Low", "7,600 faces: games and crowds"),
            Choice("base", "Base", "12,000 faces: animation and sculpting"),
            Choice("high", "High", "48,000 faces: close-ups and rendering"),
        ),
    ),
    Option(
        "detail",
        "Detail",
        "Folds and lumps that the head's shape alone does not have",
        (
            Choice("off", "Off", "The smooth head"),
            Choice("relief", "Relief", "From the light on the face: a quarter of a second more"),
            Choice(
                CONSISTENT,
                "Consistent",
                "Relief, as strong as CLIP's features of the photo ask for; slower, needs Extras",
            ),
        ),
    ),
    Option(
        "clip",
        "CLIP",
        "Whose features choose the strength of Detail: Consistent",
        (
            Choice("face", "Effigy's own", "Trained on faces; it comes with Effigy"),
            Choice("openai", "RN101 and ViT-B/32", "OpenAI's; needs their weight files on disk"),
        ),
    ),
    Option(
        "clip_folder",
        "CLIP folder",
        "Folder with RN101.pt and ViT-B-32.pt; empty: what open_clip downloaded earlier",
    ),
    Option(
        "renderer",
        "Renderer",
        "What draws the head to find which skin the photo shows",
        (
            Choice("builtin", "Built-in", "Fast, and always there"),
            Choice("pytorch3d", "pytorch3d", "Needs pytorch3d in the engine's Python; slower"),
        ),
    ),
    Option(
        "likeness",
        "Likeness",
        "Per cent of what makes the person differ from the average head: 100 comes nearest in "
        "millimetres, more exaggerates",
        limits=(LEAST_LIKENESS, MOST_LIKENESS),
    ),
    Option("hair", "Hair", "Strands of hair, brows and beard, as the photo shows them"),
    Option("bust", "Bust", "Close it below; off, the mesh ends in the loop that joins a body"),
    Option(
        "skip_existing",
        "Skip finished photos",
        "Leave results alone that are whole, of the same photo and made with the same settings",
    ),
    Option(
        "consent",
        "Consent",
        "A note about the consent of the person in the photo; every file that is made holds it",
    ),
    Option(
        "device",
        "Device",
        "Where networks compute",
        (
            Choice("auto", "Automatic", "A GPU that PyTorch can use, else the processor"),
            Choice("cpu", "Processor", "Always there; figures in the manual are of it"),
            Choice("cuda", "NVIDIA GPU", "Needs PyTorch's build for NVIDIA"),
            Choice("mps", "Apple GPU", "Needs a Mac with Apple silicon"),
        ),
    ),
)
# What a result does not depend on: how a request goes, not what comes of it.
OF_THE_RUN = ("allow_download", "skip_existing", "clip_folder", "consent", "device")
# Depend on the computer, and are kept in Blender's preferences: a received file decides none.
OF_THE_COMPUTER = ("allow_download", "clip_folder", "device")


def option(name: str) -> Option:
    """The option of this name. Raises KeyError."""
    return {item.name: item for item in OPTIONS}[name]


LEVELS = option("level").values
DETAIL_MODES = option("detail").values


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` a flag for every option; :func:`settings_of` reads them back.

    Values are checked by :func:`check_settings`, so that a wrong one gets the same answer
    wherever it comes from.
    """
    defaults = Settings()
    for item in OPTIONS:
        flag, default = "--" + item.name.replace("_", "-"), getattr(defaults, item.name)
        if isinstance(default, bool):
            # What is on by default is turned off by --no-...
            action = argparse.BooleanOptionalAction if default else "store_true"
            parser.add_argument(flag, action=action, default=default, help=item.help)
            continue
        text = item.help
        if isinstance(default, str) and item.choices and item.name != "face":
            text += f": {', '.join(item.values)}"
        if default != "":
            text += " (%(default)s)"
        parser.add_argument(flag, type=type(default), default=default, metavar="VALUE", help=text)


def settings_of(parsed: argparse.Namespace) -> Settings:
    """What the flags of :func:`add_options` ask for. UsageError: see :func:`check_settings`."""
    values = {item.name: getattr(parsed, item.name) for item in fields(Settings)}
    if values["clip_folder"]:
        # The engine's process may run elsewhere.
        values["clip_folder"] = str(Path(values["clip_folder"]).expanduser().absolute())
    settings = Settings(**values)
    check_settings(settings)
    return settings


def check_settings(settings: Settings) -> None:
    """Raise UsageError for settings that no photo could satisfy."""
    check_face(settings.face)
    for name in ("landmarks", "level", "detail", "clip", "renderer", "device"):
        value, values = getattr(settings, name), option(name).values
        if value not in values:
            raise UsageError(f"Unknown {name} {value!r}", f"Use one of {', '.join(values)}")
    size = settings.texture_size
    if size and not SMALLEST_TEXTURE <= size <= LARGEST_TEXTURE:
        raise UsageError(
            f"A texture of {size} pixels is out of range",
            f"Use {SMALLEST_TEXTURE} to {LARGEST_TEXTURE}, or 0 for none",
        )
    if (letters := len(settings.consent)) > LONGEST_NOTE:
        remedy = f"Use {LONGEST_NOTE:,} at most"
        raise UsageError(f"The note about consent has {letters:,} letters", remedy)
    if not LEAST_LIKENESS <= settings.likeness <= MOST_LIKENESS:
        raise UsageError(
            f"A likeness of {settings.likeness} per cent is out of range",
            f"Use {LEAST_LIKENESS} to {MOST_LIKENESS}",
        )


def check_face(face: str) -> None:
    """Raise UsageError unless ``face`` is "prominent", "all" or a number from 1 on."""
    # Python itself refuses to read numbers of thousands of digits.
    number = int(face) if face.isdecimal() and len(face) < 10 else 0
    if face not in ("prominent", "all") and number < 1:
        raise UsageError(
            f"Unknown choice of face {face[:40]!r}", 'Use "prominent", "all" or a number from 1'
        )
