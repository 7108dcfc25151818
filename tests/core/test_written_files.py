"""What is written reads back the same, by programs that are not ours, and is small."""

import numpy as np
import pytest
from PIL import Image

from ml.assets.archive import write_arrays
from ml.results.files import is_whole, write_image
from ml.results.png import write_png

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("channels", [0, 3, 4])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_png_files_hold_channels_and_depth(tmp_path, channels, kind):
    import cv2

    shape = (7, 5, channels) if channels else (7, 5)
    image = RNG.integers(0, np.iinfo(kind).max, shape).astype(kind)
    image.setflags(write=False)
    path = tmp_path / "bild_ä.png"
    write_png(image, path)
    read = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    order = [2, 1, 0, 3][:channels]
    np.testing.assert_array_equal(read[..., order] if channels else read, image)
    assert read.dtype == kind
    assert is_whole(path)


def test_textures_are_read_by_other_programs(tmp_path):
    image = RNG.integers(0, 255, (40, 30, 3)).astype(np.uint8)
    write_image(image, tmp_path / "albedo.png")
    with Image.open(tmp_path / "albedo.png") as read:
        np.testing.assert_array_equal(np.asarray(read), image)


def test_archives_give_back_all_kinds_of_arrays(tmp_path):
    arrays = {
        "keys": np.where(RNG.random((4, 500, 3)) < 0.3, RNG.normal(size=(4, 500, 3)), 0),
        "vertices": RNG.normal(size=(500, 3)).astype(np.float32),
        "quads": np.arange(1200, dtype=np.int32).reshape(-1, 4),
        "names": np.array(["jawOpen", "mouthLeft"]),
        "mask": np.zeros((3, 0), np.uint8),
        "metres": np.array(0.5),
    }
    write_arrays(tmp_path / "some.npz", arrays)
    assert is_whole(tmp_path / "some.npz")
    with np.load(tmp_path / "some.npz", allow_pickle=False) as read:
        assert set(read.files) == set(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(read[name], array)
            assert read[name].dtype == array.dtype


def test_zeros_take_no_room_and_noise_no_more_than_it_is(tmp_path):
    keys = np.zeros((50, 1000, 3), np.float32)
    keys[:, :100] = RNG.normal(size=(50, 100, 3))
    write_arrays(tmp_path / "keys.npz", {"keys": keys})
    assert (tmp_path / "keys.npz").stat().st_size < 1.05 * keys.nbytes / 10
