"""What is opened at all: regular files of sane size, in named formats, at a bounded price."""

import os
import socket
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from ml.errors import ImageUnreadable
from ml.file_types import FOREIGN_EXTENSIONS, PHOTO_EXTENSIONS
from ml.photo import decode, formats, read
from ml.photo.read import read_photo


@pytest.fixture
def picture() -> np.ndarray:
    """(60, 80, 3): red to the right, green downwards."""
    y, x = np.mgrid[0:60, 0:80]
    return np.stack([x * 3, y * 4, np.full_like(x, 90)], -1).astype(np.uint8)


def refusal(path) -> ImageUnreadable:
    with pytest.raises(ImageUnreadable) as caught:
        read_photo(path)
    assert str(path) in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_is_no_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    assert "named pipe" in refusal(tmp_path / "pipe.jpg").message
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.jpg"))
        assert "socket" in refusal(tmp_path / "socket.jpg").message
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    assert "device" in refusal(tmp_path / "zero.jpg").message


def test_a_huge_file_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "film.jpg"
    with path.open("wb") as stream:
        stream.truncate(30_000_000_000)
    assert "larger than 500 MB" in refusal(path).message
    # A file may be larger than the system says.
    path.write_bytes(b"x" * 200)
    monkeypatch.setattr(read, "LARGEST_FILE", 100)
    assert "larger than" in refusal(path).message


def test_what_is_appended_to_a_photo_takes_no_memory(picture, tmp_path, monkeypatch):
    monkeypatch.setattr(read, "LARGEST_COMPRESSED", 1_000_000)
    for name, words in (("film.jpg", "is larger than 1 MB"), ("film.png", "1 MB"), ("f.tif", "")):
        path = tmp_path / name
        Image.fromarray(picture).save(path)
        with path.open("ab") as file:
            file.write(bytes(1_000_000))
        if words:
            assert words in refusal(path).message
        else:
            assert read_photo(path).rgb.shape == picture.shape


def test_every_photo_suffix_is_read(picture, tmp_path):
    named = {".jfif": "JPEG", ".jpe": "JPEG", ".mpo": "JPEG"}
    for suffix in PHOTO_EXTENSIONS:
        path = tmp_path / f"photo{suffix}"
        Image.fromarray(picture).save(path, named.get(suffix))
        assert np.abs(read_photo(path).rgb.astype(int) - picture).mean() < 8, suffix


def test_of_several_pictures_the_first_is_taken(picture, tmp_path):
    first, second = Image.fromarray(picture), Image.fromarray(255 - picture)
    for suffix in ("mpo", "gif"):
        path = tmp_path / f"several.{suffix}"
        first.save(path, save_all=True, append_images=[second])
        # GIF has few colours.
        assert np.abs(read_photo(path).rgb.astype(int) - picture).mean() < 20, suffix


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 200 200\n", "an EPS drawing"),
        ("a.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC photo"),
        ("renamed.jpg", b"\0\0\0\x18ftypheix\0\0\0\0mif1heix", "a HEIC photo"),
        ("a.psd", b"8BPS\0\1" + bytes(40), "a Photoshop file"),
        ("a.jp2", b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"),
        ("a.jxl", b"\xff\x0a" + bytes(40), "a JPEG XL picture"),
        ("a.svg", b"<?xml version='1.0'?><svg/>", "an SVG drawing"),
        ("a.nef", b"MM\0*" + bytes(40), "a camera's raw file"),
        ("a.cr3", b"\0\0\0\x18ftypcrx \0\0\0\1crx ", "a camera's raw file"),
    ],
)
def test_other_formats_are_refused_by_name(tmp_path, monkeypatch, name, content, words):
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    path = tmp_path / name
    path.write_bytes(content)
    error = refusal(path)
    assert words in error.message
    assert "JPEG" in error.hint


def test_the_thumbnail_in_a_raw_file_is_not_taken_for_the_photo(picture, tmp_path):
    path = tmp_path / "photo.dng"
    Image.fromarray(picture).save(path, "TIFF")
    assert "raw" in refusal(path).message


def test_formats_that_run_other_programs_are_never_opened(picture, tmp_path):
    path = tmp_path / "photo.jpg"
    for name in ("EPS", "PPM", "TGA", "PCX", "SGI", "ICO"):
        Image.fromarray(picture).save(path, name)
        refusal(path)
    assert not set(FOREIGN_EXTENSIONS) & set(PHOTO_EXTENSIONS)


def test_long_texts_and_profiles_in_a_png_do_no_harm(picture, tmp_path):
    path = tmp_path / "texts.png"
    texts = PngImagePlugin.PngInfo()
    texts.add_text("note", "x" * 2_000_000, zip=True)
    texts.add_itxt("other", "y" * 3_000_000, zip=True)
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(picture).save(
        path, pnginfo=texts, icc_profile=bytes(2_000_000), exif=exif.tobytes()
    )
    assert (read_photo(path).rgb == picture[::-1, ::-1]).all()


@pytest.mark.parametrize("kind", [b"eXIf", b"iCCP", b"gAMA", b"tIME"])
def test_a_png_is_read_without_what_is_damaged_beside_its_pixels(picture, tmp_path, kind):
    path = tmp_path / "bit_rot.png"
    Image.fromarray(picture).save(path)
    content = path.read_bytes()
    chunk = struct.pack(">I", 40) + kind + bytes(40) + b"oops"
    path.write_bytes(content[:33] + chunk + content[33:])
    assert (read_photo(path).rgb == picture).all()


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "bmp", "gif", "avif"])
def test_a_cut_photo_is_called_damaged(picture, tmp_path, suffix):
    path = tmp_path / f"cut.{suffix}"
    Image.fromarray(picture).save(path)
    content = path.read_bytes()
    for length in (16, len(content) // 2):
        path.write_bytes(content[:length])
        assert "is damaged or cut off" in refusal(path).message


def damaged_exif() -> bytes:
    """Orientation 6, and values of types that their tags do not have."""
    entries = [
        struct.pack("<HHI4s", 0x0112, 3, 1, struct.pack("<I", 6)),
        struct.pack("<HHI4s", 0x0125, 2, 4, b"abc\0"),  # a number's tag as text
        struct.pack("<HHI4s", 0x8769, 4, 1, struct.pack("<I", 60000)),
    ]
    body = struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", 0)
    return b"Exif\0\0II*\0\x08\0\0\0" + body


def test_damaged_exif_turns_the_photo_all_the_same(picture, tmp_path):
    path = tmp_path / "turned.jpg"
    Image.fromarray(picture).save(path, exif=damaged_exif(), quality=98)
    upright = np.rot90(picture, 3)
    assert np.abs(read_photo(path).rgb.astype(int) - upright).mean() < 4


def test_exif_is_not_written_anew(picture, tmp_path, monkeypatch):
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture).save(path, exif=exif)

    def refuse(self, offset=8):
        raise TypeError("required argument is not an integer")

    monkeypatch.setattr(Image.Exif, "tobytes", refuse)
    assert read_photo(path).rgb.shape == (80, 60, 3)


@pytest.mark.parametrize(
    "error",
    [RuntimeError, struct.error, TypeError, OverflowError, IndexError, KeyError, zlib.error],
)
def test_whatever_a_decoder_raises_is_named(picture, tmp_path, monkeypatch, error):
    path = tmp_path / "photo.png"
    Image.fromarray(picture).save(path)

    def fail(self):
        raise error("a plane is missing")

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", fail)
    found = refusal(path)
    assert "damaged or cut off" in found.message
    assert "a plane is missing" in found.message


def test_too_little_memory_is_called_that(picture, tmp_path, monkeypatch):
    path = tmp_path / "photo.png"
    Image.fromarray(picture).save(path)

    def fail(self):
        raise MemoryError

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", fail)
    assert "memory" in refusal(path).message


@pytest.mark.filterwarnings("default")
def test_nothing_is_said_on_stderr(picture, tmp_path, capfd, recwarn):
    values = np.full((60, 80), np.nan, np.float32)
    Image.fromarray(values).save(tmp_path / "nan.tif")
    assert read_photo(tmp_path / "nan.tif").rgb.max() == 0
    Image.fromarray(picture).save(tmp_path / "bad.jpg", exif=damaged_exif())
    read_photo(tmp_path / "bad.jpg")
    assert not recwarn.list
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "1", "L", "CMYK", "I", "I;16", "F"])
def test_large_pictures_are_halved_once(tmp_path, monkeypatch, mode):
    y, x = np.mgrid[0:60, 0:80]
    grey = Image.fromarray((2 * x + y).astype(np.uint8))
    path = tmp_path / "large.tif"
    if mode in ("I", "I;16"):
        kind = np.int32 if mode == "I" else np.uint16
        Image.fromarray((np.asarray(grey) * np.int32(257)).astype(kind)).save(path)
    else:
        grey.convert(mode).save(path)
    whole = read_photo(path).rgb.astype(int)
    monkeypatch.setattr(decode, "UNREDUCED_PIXELS", 1000)
    monkeypatch.setattr(decode, "STRIP", 16)
    reduced = read_photo(path)
    assert (reduced.width, reduced.height) == (40, 30)
    halved = whole.reshape(30, 2, 40, 2, 3).mean((1, 3))
    assert np.abs(reduced.rgb - halved).max() <= 1.1


def test_large_jpegs_are_halved_by_their_decoder(picture, tmp_path, monkeypatch):
    path = tmp_path / "large.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0xA405] = 72
    Image.fromarray(picture).save(path, exif=exif, quality=98)
    monkeypatch.setattr(decode, "UNREDUCED_PIXELS", 2000)
    monkeypatch.setattr(decode, "_halved", None)
    photo = read_photo(path)
    assert (photo.width, photo.height) == (30, 40)
    # In pixels of the reduced picture.
    assert photo.focal_px == pytest.approx(72 / 36 * 40)


def test_formats_whose_decoders_copy_have_a_lower_limit(picture, tmp_path, monkeypatch):
    path = tmp_path / "photo.webp"
    Image.fromarray(picture).save(path)
    monkeypatch.setitem(decode.LARGEST_OF_FORMAT, "WEBP", 1000)
    assert "megapixels" in refusal(path).message
