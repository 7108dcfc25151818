"""Labelled development photos: where they lie and what their labels mean.

Labels are 478 MediaPipe landmarks per photo, in its pixels. They come from a good detector and are
not a measurement: an error of zero against them is neither possible nor the aim.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...data import FloatArray
from ...errors import UsageError

PHOTO_SETS = {"portraits": ("portraits/dev", "portraits/dev.npz"), "wild": ("wild", "wild.npz")}
# Labels that lie on something else than a face, as a look at them shows. Reports name them.
FALSE_LABELS: dict[str, dict[str, str]] = {"wild": {"003.jpg": "lies on a fist"}, "portraits": {}}


@dataclass(frozen=True)
class LabelledPhoto:
    """A photo and its (478, 2) landmarks in pixels, or None where it has no label.

    ``left_out`` says why a label that exists is not used.
    """

    path: Path
    landmarks: FloatArray | None
    left_out: str = ""


def read_labels(data: Path, name: str) -> list[LabelledPhoto]:
    """The photos of the set ``name`` ("portraits" or "wild") under ``data``, by file name.

    Raises
    ------
    UsageError: the photos or their labels are not there.
    """
    folder, labels = (data / part for part in PHOTO_SETS[name])
    paths = sorted(folder.glob("*.jpg"))
    try:
        with np.load(labels, allow_pickle=False) as archive:
            points = np.asarray(archive["landmarks"][..., :2], dtype=np.float32)
            known = {str(photo): row for row, photo in enumerate(archive["photo"])}
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(
            f"The labels {labels} could not be read ({error})",
            "Give the folder of the development data with --data",
        ) from error
    absent = set(known) - {path.name for path in paths}
    if absent:
        raise UsageError(f"{folder} lacks the labelled photos {', '.join(sorted(absent))}")
    false = FALSE_LABELS[name]
    return [
        LabelledPhoto(
            path,
            points[known[path.name]] if path.name in known and path.name not in false else None,
            false.get(path.name, ""),
        )
        for path in paths
    ]
