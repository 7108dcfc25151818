"""No picture in a folder is passed over in silence."""

import pytest

from ml.errors import ImageUnreadable
from ml.file_types import FOREIGN_EXTENSIONS, PHOTO_EXTENSIONS
from ml.photo.read import read_photo
from ml.results.plan import collect_photos


def test_every_picture_in_a_folder_is_taken_and_nothing_else(tmp_path):
    pictures = {f"a{suffix}" for suffix in (*PHOTO_EXTENSIONS, *FOREIGN_EXTENSIONS, ".HEIC")}
    for name in (*pictures, "notes.txt", "film.mov", "a"):
        (tmp_path / name).write_bytes(b"?")
    assert {path.name for path in collect_photos([tmp_path])} == pictures


@pytest.mark.parametrize("suffix", FOREIGN_EXTENSIONS)
def test_pictures_that_are_not_read_are_refused_with_a_remedy(tmp_path, suffix):
    path = tmp_path / f"photo{suffix}"
    path.write_bytes(b"II*\0" + bytes(60))
    with pytest.raises(ImageUnreadable, match="photo") as caught:
        read_photo(path)
    assert caught.value.hint
    assert "damaged or cut off" not in caught.value.message
