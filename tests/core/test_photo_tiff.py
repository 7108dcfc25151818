"""TIFFs by the kind of their samples: each is read as it is, or refused by its true name."""

import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from ml.errors import ImageUnreadable
from ml.photo.read import read_photo

UNSIGNED, FLOAT = 1, 3
MIN_IS_WHITE, MIN_IS_BLACK, RGB = 0, 1, 2


@pytest.fixture
def grey() -> np.ndarray:
    """A ramp from black to white, (64, 96), 0..1."""
    return np.linspace(0, 1, 64 * 96).reshape(64, 96)


def tiff(samples: np.ndarray, kind: int, photometric: int) -> bytes:
    """An uncompressed TIFF in one strip of (H, W) or (H, W, C) little-endian samples."""
    height, width = samples.shape[:2]
    channels, bits = samples[0, 0].size, 8 * samples.itemsize
    body = samples.tobytes()
    after = 8 + len(body) + 2 + 10 * 12 + 4
    lists = b""

    def entry(tag: int, *values: int) -> bytes:
        nonlocal lists
        if len(values) == 1:
            return struct.pack("<HHII", tag, 4, 1, values[0])
        packed = struct.pack(f"<{len(values)}H", *values)
        if len(packed) <= 4:
            return struct.pack("<HHI", tag, 3, len(values)) + packed.ljust(4, b"\0")
        lists += packed
        where = after + len(lists) - len(packed)
        return struct.pack("<HHII", tag, 3, len(values), where)

    entries = b"".join(
        [
            entry(256, width),
            entry(257, height),
            entry(258, *[bits] * channels),
            entry(259, 1),
            entry(262, photometric),
            entry(273, 8),
            entry(277, channels),
            entry(278, height),
            entry(279, len(body)),
            entry(339, *[kind] * channels),
        ]
    )
    directory = struct.pack("<H", 10) + entries + struct.pack("<I", 0)
    return struct.pack("<2sHI", b"II", 42, 8 + len(body)) + body + directory + lists


def colour(grey: np.ndarray) -> np.ndarray:
    return np.dstack([grey, 1 - grey, 0.5 * grey])


READ = {
    "16 bits": lambda g: ((g * 65535).astype("<u2"), UNSIGNED, MIN_IS_BLACK),
    "negative": lambda g: ((255 - g * 255).astype("u1"), UNSIGNED, MIN_IS_WHITE),
    "negative of 16 bits": lambda g: ((65535 - g * 65535).astype("<u2"), UNSIGNED, MIN_IS_WHITE),
    "float": lambda g: (g.astype("<f4"), FLOAT, MIN_IS_BLACK),
    "16 bits in colour": lambda g: ((colour(g) * 65535).astype("<u2"), UNSIGNED, RGB),
}
REFUSED = {
    "32-bit floating-point": lambda g: (colour(g).astype("<f4"), FLOAT, RGB),
    "16-bit floating-point": lambda g: (g.astype("<f2"), FLOAT, MIN_IS_BLACK),
    "64-bit floating-point": lambda g: (g.astype("<f8"), FLOAT, MIN_IS_BLACK),
    "32-bit numbers": lambda g: ((g * 4294967295).astype("<u4"), UNSIGNED, MIN_IS_BLACK),
    "16 bits with transparency": lambda g: (
        np.dstack([g * 65535, 0 * g + 65535]).astype("<u2"),
        UNSIGNED,
        MIN_IS_BLACK,
    ),
}


@pytest.mark.parametrize("kind", list(READ))
def test_the_picture_is_the_file_s(grey, tmp_path, kind):
    path = tmp_path / "photo.tif"
    path.write_bytes(tiff(*READ[kind](grey)))
    wanted = colour(grey) if "colour" in kind else np.repeat(grey[..., None], 3, 2)
    assert np.abs(read_photo(path).rgb - 255 * wanted).max() < 1.5


@pytest.mark.parametrize("kind", list(REFUSED))
def test_what_cannot_be_read_is_named_with_a_remedy(grey, tmp_path, kind):
    path = tmp_path / "photo.tif"
    path.write_bytes(tiff(*REFUSED[kind](grey)))
    with pytest.raises(ImageUnreadable, match=kind) as caught:
        read_photo(path)
    assert str(path) in caught.value.message
    assert "8 or 16 bits" in caught.value.hint


def test_a_damaged_directory_is_called_damaged(grey, tmp_path):
    path = tmp_path / "photo.tif"
    whole = tiff(*READ["float"](grey))
    path.write_bytes(whole[:-40])
    with pytest.raises(ImageUnreadable) as caught:
        read_photo(path)
    assert "floating-point" not in caught.value.message


def test_other_colour_spaces_and_pages(tmp_path):
    picture = Image.fromarray((255 * colour(np.tile(np.linspace(0, 1, 96), (64, 1)))).astype("u1"))
    lab = ImageCms.profileToProfile(
        picture, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    pages = {"save_all": True, "append_images": [picture.rotate(180)]}
    kinds = {"cmyk": picture.convert("CMYK"), "ycbcr": picture.convert("YCbCr"), "lab": lab}
    for name, shown, options in [
        *((name, shown, {}) for name, shown in kinds.items()),
        ("pages", picture, pages),
    ]:
        path = tmp_path / f"{name}.tif"
        shown.save(path, **options)
        apart = np.abs(read_photo(path).rgb.astype(int) - np.asarray(picture))
        assert apart.mean() < 4, name


def test_nothing_of_it_is_said_on_stderr(grey, tmp_path, capfd, recwarn):
    for number, make in enumerate([*READ.values(), *REFUSED.values()]):
        path = tmp_path / f"{number}.tif"
        path.write_bytes(tiff(*make(grey)))
        try:
            read_photo(path)
        except ImageUnreadable:
            continue
    odd = np.full((64, 96), np.nan, "<f4")
    odd[0, 0] = np.inf
    (tmp_path / "odd.tif").write_bytes(tiff(odd, FLOAT, MIN_IS_BLACK))
    assert read_photo(tmp_path / "odd.tif").rgb.shape == (64, 96, 3)
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list
