"""The picture of an earlier result: the photo where it still is, else the copy beside it."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ml.errors import HeadError, ImageUnreadable
from ml.photo.read import read_photo
from ml.pipeline.picture import picture_of
from ml.pipeline.upright import DEGREES, quarters_in, turned
from ml.results.folder import photo_digest
from tests.support.fake_pipeline import tiny_head

WIDE, HIGH = 60, 40


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photos" / "ada.png"
    path.parent.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (HIGH, WIDE, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    """Of a result, with a copy of the photo that is half as large."""
    path = tmp_path / "heads" / "ada"
    path.mkdir(parents=True)
    Image.new("RGB", (WIDE // 2, HIGH // 2), (9, 9, 9)).save(path / "photo.jpg")
    return path


def origin_of(photo, **more):
    made = {"photo_path": str(photo), "width": WIDE, "height": HIGH} | more
    return replace(tiny_head(photo).provenance, photo_sha256=photo_digest(photo), **made)


def test_the_photo_is_taken_where_it_was(photo, folder):
    found = picture_of(folder, origin_of(photo))
    assert (found.file, found.original) == (photo, True)
    np.testing.assert_array_equal(found.photo.rgb, read_photo(photo).rgb)


@pytest.mark.parametrize("place", ["heads/ada", "heads", "."])
def test_the_photo_is_found_where_it_was_moved_to_with_its_results(photo, folder, place, tmp_path):
    origin = origin_of(photo)
    there = photo.rename(tmp_path / place / "ada.png")
    assert picture_of(folder, origin).file == there
    # Results of earlier versions do not say where it was.
    assert picture_of(folder, replace(origin, photo_path="")).file == there


def test_another_photo_of_that_name_is_none(photo, folder):
    origin = origin_of(photo)
    Image.new("RGB", (WIDE, HIGH)).save(photo)
    found = picture_of(folder, origin)
    assert (found.file, found.original) == (folder / "photo.jpg", False)
    assert found.photo.rgb.shape == (HIGH // 2, WIDE // 2, 3)
    assert found.photo.sha256 == origin.photo_sha256
    # Nor is a file without bytes to compare with.
    assert not picture_of(folder, replace(origin, photo_sha256="")).original


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_the_photo_is_turned_as_its_head_was_found(photo, folder, quarters):
    upright = turned(read_photo(photo), quarters)
    assert quarters_in(upright.orientation_refused) == quarters
    size = {"width": upright.width, "height": upright.height}
    origin = origin_of(photo, orientation_refused=upright.orientation_refused, **size)
    np.testing.assert_array_equal(picture_of(folder, origin).photo.rgb, upright.rgb)
    if quarters != 2:  # the sides would be swapped
        assert not picture_of(folder, replace(origin, orientation_refused="")).original


def test_an_unturned_photo_is_not_turned():
    assert quarters_in("") == 0
    assert sorted(DEGREES) == [1, 2, 3]


def test_a_photo_that_cannot_be_read_any_more_has_its_copy(photo, folder):
    photo.write_bytes(b"damaged")
    assert not picture_of(folder, origin_of(photo)).original


def test_without_both_the_remedy_is_said(photo, folder):
    origin = origin_of(photo)
    photo.unlink()
    (folder / "photo.jpg").write_bytes(b"damaged")
    with pytest.raises(ImageUnreadable, match=r"photo\.jpg cannot be read"):
        picture_of(folder, origin)
    (folder / "photo.jpg").unlink()
    with pytest.raises(HeadError, match=r"photo\.jpg is gone, and so is ada\.png") as error:
        picture_of(folder, origin)
    assert error.value.hint == "Reconstruct the photo again"
