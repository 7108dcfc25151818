"""The files of a result's detail.

``reconstruction.npz`` holds the offsets; the maps lie beside it as ``detail_normal.png`` (8 bits)
and ``detail_displacement.png`` (16 bits). Reading needs NumPy only; writing needs Pillow and
OpenCV.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..data import Detail, FloatArray

NORMAL_NAME = "detail_normal.png"
DISPLACEMENT_NAME = "detail_displacement.png"


def detail_of(mode: str, offsets: FloatArray | None) -> Detail | None:
    """The detail of a result that was read from files, without its maps; None if it has none."""
    return Detail(mode, offsets) if mode != "off" and offsets is not None else None


def write_maps(detail: Detail, directory: Path) -> None:
    """Write the maps of ``detail`` into ``directory``; a map that is None is skipped."""
    if detail.normal_map is not None:
        from PIL import Image

        Image.fromarray(detail.normal_map).save(directory / NORMAL_NAME, compress_level=1)
    if detail.displacement is not None:
        import cv2

        # Pillow cannot write 16-bit colours; cv2.imwrite accepts only ASCII paths on Windows.
        _, encoded = cv2.imencode(
            ".png",
            np.ascontiguousarray(detail.displacement[..., ::-1]),
            [cv2.IMWRITE_PNG_COMPRESSION, 1],
        )
        (directory / DISPLACEMENT_NAME).write_bytes(encoded.tobytes())
