"""Tiny videos and sequences of images, written where a test wants them."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image


def write_video(path: Path, frames: Iterable[np.ndarray], rate: float = 25.0) -> Path:
    """A video of RGB frames, by OpenCV."""
    writer = None
    for rgb in frames:
        if writer is None:
            size = (rgb.shape[1], rgb.shape[0])
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), rate, size)
        writer.write(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def write_images(folder: Path, frames: Iterable[np.ndarray], numbers: Iterable[int]) -> Path:
    """A sequence of images in a folder of their own."""
    folder.mkdir()
    for number, rgb in zip(numbers, frames, strict=False):
        Image.fromarray(rgb).save(folder / f"shot_{number:04d}.png")
    return folder


def grey(level: int, size: tuple[int, int] = (64, 48)) -> np.ndarray:
    """A plain frame, width and height in pixels."""
    return np.full((size[1], size[0], 3), level, np.uint8)


def turned_quarter(path: Path) -> Path:
    """The same MP4 whose track says that it is to be shown turned by a right angle clockwise."""
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 4
    assert content[place] == 0  # the version with 32-bit times
    (height,) = struct.unpack_from(">I", content, place + 80)
    one = 0x10000
    matrix = (0, one, 0, -one & 0xFFFFFFFF, 0, 0, height, 0, 0x40000000)
    struct.pack_into(">9I", content, place + 40, *matrix)
    path.write_bytes(content)
    return path


def movie_with_timecode(
    path: Path, frames: int, scale: int, duration: int, *, drops: bool = False
) -> Path:
    """A QuickTime file with nothing but a timecode track that begins at a number of frames."""

    def box(kind: bytes, *parts: bytes) -> bytes:
        content = b"".join(parts)
        return struct.pack(">I4s", 8 + len(content), kind) + content

    start = box(b"ftyp", b"qt  \0\0\0\0qt  ")
    data = box(b"mdat", struct.pack(">I", frames))
    entry = b"\0" * 6 + struct.pack(">HIIIIBB", 1, 0, int(drops), scale, duration, 30, 0)
    described = struct.pack(">II", 0, 1) + box(b"tmcd", entry)
    tables = box(
        b"stbl",
        box(b"stsd", described),
        box(b"stco", struct.pack(">III", 0, 1, len(start) + 8)),
    )
    handler = box(b"hdlr", b"\0" * 4, b"mhlr", b"tmcd", b"\0" * 12)
    inner = box(b"hdlr", b"\0" * 4, b"dhlr", b"url ", b"\0" * 12)
    media = box(b"mdia", handler, box(b"minf", inner, tables))
    path.write_bytes(start + data + box(b"moov", box(b"trak", media)))
    return path
