"""Detail as a result: what it adds to a mesh, and the files it travels in.

``reconstruction.npz`` holds the offsets; the maps lie beside it as ``detail_normal.png`` (8 bits)
and ``detail_displacement.png`` (16 bits). Needs numpy only, plus Pillow and
OpenCV to write the images.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..data import Detail, FloatArray

NORMAL_NAME = "detail_normal.png"
DISPLACEMENT_NAME = "detail_displacement.png"


def detail_of(mode: str, offsets: FloatArray | None) -> Detail | None:
    """Detail as read from a result's files, without its maps; None where it has none."""
    return Detail(mode, offsets) if mode != "off" and offsets is not None else None


def write_maps(detail: Detail, directory: Path) -> None:
    """Write the maps that there are into ``directory``."""
    if detail.normal_map is not None:
        from PIL import Image

        Image.fromarray(detail.normal_map).save(directory / NORMAL_NAME, compress_level=1)
    if detail.displacement is not None:
        import cv2

        # Pillow writes no colours of 16 bits; cv2.imwrite takes only ASCII paths on Windows.
        _, encoded = cv2.imencode(
            ".png",
            np.ascontiguousarray(detail.displacement[..., ::-1]),
            [cv2.IMWRITE_PNG_COMPRESSION, 1],
        )
        (directory / DISPLACEMENT_NAME).write_bytes(encoded.tobytes())
