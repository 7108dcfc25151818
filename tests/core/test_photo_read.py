"""Photos as viewers show them, and a clear word for each that cannot be read."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from ml.errors import ImageUnreadable
from ml.photo.read import read_photo


@pytest.fixture
def picture() -> np.ndarray:
    """(60, 80, 3): red to the right, green downwards."""
    y, x = np.mgrid[0:60, 0:80]
    return np.stack([x * 3, y * 4, np.full_like(x, 90)], -1).astype(np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".jpg", ".webp"])
def test_formats(picture, tmp_path, suffix):
    path = tmp_path / f"photo{suffix}"
    Image.fromarray(picture).save(path, quality=98)
    photo = read_photo(path)
    assert (photo.width, photo.height) == (80, 60)
    assert np.abs(photo.rgb.astype(int) - picture).mean() < 4


@pytest.mark.parametrize(
    ("mode", "tolerance"), [("L", 45), ("P", 25), ("CMYK", 30), ("LA", 45), ("1", 130)]
)
def test_modes_become_rgb(picture, tmp_path, mode, tolerance):
    path = tmp_path / ("photo.tif" if mode == "CMYK" else "photo.png")
    Image.fromarray(picture).convert(mode).save(path)
    photo = read_photo(path)
    assert photo.rgb.shape == (60, 80, 3)
    assert photo.rgb.dtype == np.uint8
    grey = picture @ [0.299, 0.587, 0.114]
    assert np.abs(photo.rgb @ [0.299, 0.587, 0.114] - grey).mean() < tolerance


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_are_scaled_not_cut(tmp_path, suffix):
    values = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    path = tmp_path / f"deep{suffix}"
    Image.fromarray(values).save(path)
    rgb = read_photo(path).rgb
    assert np.abs(rgb[..., 0].astype(float) - values / 257).max() <= 1


def test_transparency_is_shown_on_grey(tmp_path):
    rgba = np.zeros((40, 40, 4), np.uint8)
    rgba[:, 20:] = [255, 0, 0, 255]
    path = tmp_path / "alpha.png"
    Image.fromarray(rgba).save(path)
    rgb = read_photo(path).rgb
    assert rgb[5, 5].tolist() == [128, 128, 128]
    assert rgb[5, 35].tolist() == [255, 0, 0]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied(picture, tmp_path, orientation):
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture).save(path, exif=exif, quality=98)
    photo = read_photo(path)
    turns = {1: 0, 2: 0, 3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}
    upright = np.rot90(
        picture[:, ::-1] if orientation in (2, 4, 5, 7) else picture, turns[orientation]
    )
    assert np.abs(photo.rgb.astype(int) - upright).mean() < 4


def test_focal_length_comes_from_exif(picture, tmp_path):
    path = tmp_path / "focal.jpg"
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 72
    Image.fromarray(picture).save(path, exif=exif)
    assert read_photo(path).focal_px == pytest.approx(72 / 36 * 80)
    Image.fromarray(picture).save(path)
    assert read_photo(path).focal_px is None


def save_with_exif(picture, path, tags):
    """The photo read from a JPEG with these tags of EXIF's own directory."""
    exif = Image.Exif()
    exif.get_ifd(0x8769).update(tags)
    Image.fromarray(picture).save(path, exif=exif)
    return read_photo(path)


# 35 mm equivalent; width and height of the camera's picture; digital zoom; focal length; the pitch
# of the sensor's pixels and its unit.
EQUIVALENT, WIDTH, HEIGHT, ZOOM = 0xA405, 0xA002, 0xA003, 0xA404
LENGTH, PITCH, UNIT = 0x920A, 0xA20E, 0xA210


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({WIDTH: 80, HEIGHT: 60}, ""),
        ({WIDTH: 60, HEIGHT: 80}, ""),  # some programs turn these with the pixels
        ({WIDTH: 160, HEIGHT: 120}, "160 x 120"),  # the middle of a larger picture
        ({WIDTH: 80, HEIGHT: 45}, "80 x 45"),
        ({WIDTH: 160}, "160 x ?"),
        ({HEIGHT: 45}, "? x 45"),
        ({HEIGHT: 60}, ""),
        ({ZOOM: 1.0}, ""),
        ({ZOOM: 0.0}, ""),
        ({ZOOM: 3.0}, "digital zoom of 3"),
        # 36 mm of full frame: 80 pixels of 0.45 mm.
        ({LENGTH: 26.0, PITCH: 80 / 3.6, UNIT: 3}, ""),
        ({LENGTH: 26.0, PITCH: 160 / 3.6, UNIT: 3}, "larger sensor"),
    ],
)
def test_focal_length_is_believed_where_exif_is_of_this_picture(picture, tmp_path, tags, words):
    photo = save_with_exif(picture, tmp_path / "photo.jpg", {EQUIVALENT: 26, **tags})
    assert words in photo.focal_refused
    assert bool(words) == (photo.focal_px is None)
    assert bool(words) == bool(photo.focal_refused)


def exif_with_thumbnail(size: tuple[int, int]) -> bytes:
    """A 35 mm equivalent of 26, and a thumbnail."""
    stream = io.BytesIO()
    Image.new("RGB", size).save(stream, "JPEG")
    data = stream.getvalue()
    inner, thumbnail = 26, 44
    image = thumbnail + 2 + 2 * 12 + 4
    return (
        b"Exif\0\0II*\0\x08\0\0\0"
        + struct.pack("<HHHIII", 1, 0x8769, 4, 1, inner, thumbnail)
        + struct.pack("<HHHIHHI", 1, EQUIVALENT, 3, 1, 26, 0, 0)
        + struct.pack("<HHHIIHHIII", 2, 0x0201, 4, 1, image, 0x0202, 4, 1, len(data), 0)
        + data
    )


@pytest.mark.parametrize("size", [(320, 240), (240, 320), (160, 120)])
def test_a_thumbnail_of_the_same_aspect_is_no_reason(picture, tmp_path, size):
    path = tmp_path / "photo.jpg"
    Image.fromarray(picture).save(path, exif=exif_with_thumbnail(size))
    assert read_photo(path).focal_px == pytest.approx(26 / 36 * 80)


def test_a_thumbnail_of_another_aspect_betrays_a_crop(picture, tmp_path):
    path = tmp_path / "photo.jpg"
    Image.fromarray(picture).save(path, exif=exif_with_thumbnail((320, 180)))
    photo = read_photo(path)
    assert photo.focal_px is None
    assert "thumbnail" in photo.focal_refused


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def jpeg(size: tuple[int, int], tmp_path) -> bytes:
    path = tmp_path / "made.jpg"
    Image.new("RGB", size, (90, 120, 150)).save(path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing", "does not exist"),
        ("empty", "is empty"),
        ("text", "not an image"),
        ("truncated", "damaged or cut off"),
        ("bomb", "megapixels"),
        ("giant", "megapixels"),
        ("large", "damaged or cut off"),  # below the limit: only its missing pixels are wrong
        ("tiny", "only 20 x 20"),
        ("strip", "strip"),
        ("folder", "is a folder"),
    ],
)
def test_each_bad_file_has_its_own_error(tmp_path, name, words):
    path = tmp_path / f"{name}.jpg"
    contents = {
        "empty": lambda: b"",
        "text": lambda: b"dear diary " * 50,
        "truncated": lambda: jpeg((600, 400), tmp_path)[:1500],
        "bomb": lambda: png_header(60_000, 60_000),
        "giant": lambda: png_header(11_000, 10_000),
        "large": lambda: png_header(9_900, 10_000),
        "tiny": lambda: jpeg((20, 20), tmp_path),
        "strip": lambda: jpeg((900, 40), tmp_path),
    }
    if name == "folder":
        path.mkdir()
    elif name in contents:
        path.write_bytes(contents[name]())
    with pytest.raises(ImageUnreadable, match=words) as caught:
        read_photo(path)
    assert path.name in caught.value.message
    assert caught.value.hint


def test_reading_leaves_pillow_as_it_was(picture, tmp_path):
    from PIL import ImageFile

    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    path = tmp_path / "photo.png"
    Image.fromarray(picture).save(path)
    read_photo(path)
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
