"""Detail as a result: what it adds to a mesh, and the files it travels in.

``reconstruction.npz`` holds the offsets; the maps lie beside it as ``detail_normal.png`` (8 bits)
and ``detail_displacement.png`` (16 bits). Needs numpy only, plus Pillow to write the images.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data import ByteArray, FloatArray

NORMAL_NAME = "detail_normal.png"
DISPLACEMENT_NAME = "detail_displacement.png"
# The displacement map's values run from -REACH_M (0) over none (0.5) to REACH_M (1).
REACH_M = 0.004


@dataclass(frozen=True)
class Detail:
    """Mid-frequency detail of one mesh.

    Attributes
    ----------
    mode: "fast" or "best", how it was found.
    offsets: (V, 3) metres in head space, to add to the mesh's vertices at rest, times a strength.
    normal_map: (S, S, 3) uint8 in the mesh's UV layout, first row at v = 1; tangent space with +Y
        up, as glTF and Blender have it. It holds what the mesh itself, with its offsets, is too
        coarse for. None when read back: the image stays on disk.
    displacement: (S, S, 3) uint16 in the same layout: all of the detail, from the mesh without
        offsets, along its tangent, normal and bitangent in this order (Blender's Vector
        Displacement); 0..65535 is -REACH_M..REACH_M. Likewise None when read back.
    """

    mode: str
    offsets: FloatArray
    normal_map: ByteArray | None = None
    displacement: np.ndarray | None = None


def detail_of(mode: str, offsets: FloatArray | None) -> Detail | None:
    """Detail as read from a result's files, without its maps; None where it has none."""
    return Detail(mode, offsets) if mode != "off" and offsets is not None else None


def write_maps(detail: Detail, directory: Path) -> None:
    """Write the maps that there are into ``directory``."""
    if detail.normal_map is not None:
        from PIL import Image

        Image.fromarray(detail.normal_map).save(directory / NORMAL_NAME, compress_level=1)
    if detail.displacement is not None:
        (directory / DISPLACEMENT_NAME).write_bytes(png_of(detail.displacement))


def png_of(image: np.ndarray) -> bytes:
    """(H, W, 3) uint16 -> a PNG of 16 bits a channel, which Pillow does not write."""
    height, width = image.shape[:2]
    rows = np.zeros((height, 1 + 6 * width), np.uint8)
    rows[:, 1:] = np.ascontiguousarray(image, dtype=">u2").view(np.uint8).reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
