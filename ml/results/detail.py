"""The files of a result's detail.

``reconstruction.npz`` holds the offsets; the maps lie beside it as ``detail_normal.png`` (8 bits)
and ``detail_displacement.png`` (16 bits). Reading needs NumPy only; writing needs OpenCV.
"""

from __future__ import annotations

from pathlib import Path

from ..data import Detail, FloatArray
from .png import write_png

NORMAL_NAME = "detail_normal.png"
DISPLACEMENT_NAME = "detail_displacement.png"


def detail_of(mode: str, offsets: FloatArray | None) -> Detail | None:
    """The detail of a result that was read from files, without its maps; None if it has none."""
    return Detail(mode, offsets) if mode != "off" and offsets is not None else None


def write_maps(detail: Detail, directory: Path) -> None:
    """Write the maps of ``detail`` into ``directory``; a map that is None is skipped."""
    for image, name in (
        (detail.normal_map, NORMAL_NAME),
        (detail.displacement, DISPLACEMENT_NAME),
    ):
        if image is not None:
            write_png(image, directory / name)
