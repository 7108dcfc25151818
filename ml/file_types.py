"""Endings of the files that are taken for photos. Blender's own Python can load it."""

from __future__ import annotations

# Files that are taken for photos in a folder; a file that is named itself may be called anything.
PHOTO_EXTENSIONS = (
    *(".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg"),
    *(".mpo", ".png", ".tif", ".tiff", ".webp"),
)
# Pictures that are not read, or HEIC only where its reader is installed. In a folder they are taken
# for photos all the same, so that each is refused by name and none passed over in silence.
FOREIGN_EXTENSIONS = (
    *(".heic", ".heif", ".hif", ".jxl", ".jp2", ".j2k", ".jpx", ".psd", ".svg", ".xcf", ".eps"),
    *(".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".pef", ".raf", ".raw", ".rw2"),
    *(".exr", ".hdr", ".tga", ".pbm", ".pgm", ".pnm", ".ppm"),
)
PICTURE_EXTENSIONS = (*PHOTO_EXTENSIONS, *FOREIGN_EXTENSIONS)
